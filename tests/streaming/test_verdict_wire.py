"""The few bytes of HTTP spoken over the verdict socket: nginx's requests are answered, nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import PlatformMaker
from tests.servers import scratch
from tests.streaming.playback import VIDEO, add_session, token_for

GET = b"GET /internal/verdict HTTP/1.1\r\n"


@dataclass(frozen=True)
class Near:
    """A streaming service that listens at `path`, and a request as nginx makes it."""

    path: Path
    session: str
    request: bytes

    async def answers(self, *pieces: bytes, count: int = 99) -> bytes:
        """So many answers, or what comes before the connection is cut; pieces arrive one by one."""
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        found = b""
        while found.count(b"\r\n\r\n") < count and (more := await asyncio.wait_for(reader.read(4096), 10)):
            found += more
        writer.close()
        return found


@pytest.fixture
async def near(platform: PlatformMaker) -> AsyncIterator[Near]:
    with scratch() as folder:
        p = await platform("streaming", VERDICT_SOCKET=str(folder / "v"))
        session = await add_session(p)
        request = GET + b"Host: verdict\r\nX-Token: %b\r\nX-Video: %d\r\n" % (token_for(p, session).encode(), VIDEO)
        yield Near(folder / "v", session, request)


async def test_requests_that_arrive_together_or_in_pieces_are_answered_in_order(near: Near) -> None:
    yes, no = near.request + b"\r\n", GET + b"x-token: forged\r\n\r\n"
    found = await near.answers(yes + no + yes[:7], yes[7:90], yes[90:] + no, count=4)
    assert [line for line in found.split(b"\r\n") if line.startswith(b"HTTP/")] == [
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 403 Forbidden",
    ] * 2
    assert found.count(b"\r\nx-session-id: %b\r\n" % near.session.encode()) == 2
    # What has no body says so, or nginx would wait for one.
    assert found.count(b"content-length: 0") == 2


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        (b"POST /internal/verdict HTTP/1.1\r\n", b"", 404),
        (b"GET /internal/verdict?x HTTP/1.1\r\n", b"", 404),
        (b"GET /internal/sweep HTTP/1.1\r\n", b"", 404),
        (b"GET /internal/verdict HTTP/1.0\r\n", b"", 404),
        (GET, b"Content-Length: 5\r\n", 400),
        (GET, b"Transfer-Encoding: chunked\r\n", 400),
        (GET, b"X-Token : t\r\n", 400),
        (GET, b" folded: t\r\n", 400),
        (GET, b"X-Video: 7\nX-Token: t\r\n", 400),
        (GET, b"X-Video: 7\x00\r\n", 400),
        (GET, b"X-Video: 7\r\nx-video: 8\r\n", 400),
        (GET, b"no colon\r\n", 400),
        (GET, b"A: " + b"a" * 9000 + b"\r\n", 431),
    ],
)
async def test_whatever_nginx_would_not_say_is_refused_and_cut_off(
    near: Near, request_line: bytes, headers: bytes, status: int
) -> None:
    follows = near.request + b"\r\n"
    found = await near.answers(request_line + headers + b"\r\n" + follows)
    assert found.startswith(b"HTTP/1.1 %d " % status)
    assert found.count(b"HTTP/1.1") == 1  # what follows is not believed to be a request of its own


async def test_a_head_that_never_ends_is_not_kept_in_memory(near: Near) -> None:
    found = await near.answers(GET + b"A: " + b"a" * 9000)
    assert found.startswith(b"HTTP/1.1 431 ")
