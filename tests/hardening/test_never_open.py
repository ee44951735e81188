"""Whatever becomes of the validator or of what nginx keeps: who was not allowed before is not allowed now."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import PlatformMaker
from tests.hardening.barrage import HUNG_UP, sent
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT, Gateway, running
from tests.nginx.wires import pointed
from tests.servers import free_port
from tests.streaming.playback import VIDEO, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"
# What a validator that is ill, or something else on its port, may say.
NONSENSE = [
    b"",
    b"\0" * 400,
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 99 Odd\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\n\r\n",
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 402 Payment Required\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 403 Forbidden\r\nX-Accel-Redirect: /segments/7/1/360p/0-0-4000.m4s\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 500 Oops\r\nX-Accel-Redirect: /segments/7/1/360p/0-0-4000.m4s\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Unavailable\r\nX-Accel-Expires: 60\r\nContent-Length: 0\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"X" * 20_000,
    b"HTTP/1.1 204 No Content\r\nX-Long: " + b"x" * 9_000 + b"\r\n\r\n",
]


@contextlib.asynccontextmanager
async def saying(words: bytes) -> AsyncIterator[str]:
    """Something that answers every question with the same words, and then is silent."""
    waiting = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(words)
            await writer.drain()
            if words.startswith(b"HTTP/1.1 100"):
                await waiting.wait()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        waiting.set()
        server.close()


def closed(answer: bytes) -> bool:
    return answer.split(b" ")[1] in (b"401", b"403", b"503") and SEGMENT[:32] not in answer


@pytest.mark.parametrize("words", NONSENSE, ids=[str(number) for number in range(len(NONSENSE))])
async def test_nonsense_from_the_validator_is_no_yes(platform: PlatformMaker, home: Path, words: bytes) -> None:
    p = await platform("streaming", STREAMIFY_HOME=str(home), GATEWAY_PORT=str(free_port()), MEDIA_RATE="1000")
    async with saying(words) as url:
        with running(pointed(p.settings, "streaming", url)) as g:
            g.write(PIECE)
            path = f"/v/{token_for(p, await add_session(p))}/{PIECE}".encode()
            for _ in range(2):
                assert closed(await g.ask(path)), words[:60]


def verdicts(g: Gateway) -> Path:
    return g.settings.home / "run/nginx/verdicts"


@pytest.mark.parametrize("mode", [0o000, 0o500], ids=["unreadable", "unwritable"])
async def test_where_no_verdict_can_be_kept_no_stranger_comes_in(gateway: GatewayMaker, mode: int) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE)
    viewer = f"/v/{token_for(p, await add_session(p))}/{PIECE}".encode()
    verdicts(g).chmod(mode)
    try:
        strangers = [viewer.replace(viewer[3:11], b"%08x" % number, 1) for number in range(50)]
        answers = await sent(g, [viewer, *strangers, viewer])
        assert {answer.status for answer in answers if answer.path != viewer} <= {403, 503, HUNG_UP}
        assert {answer.status for answer in answers if answer.path == viewer} <= {200, 503, HUNG_UP}
    finally:
        verdicts(g).chmod(0o700)
    assert (await sent(g, [viewer]))[0].content == SEGMENT


async def test_verdicts_that_were_spoilt_on_disk_are_asked_for_again(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE)
    viewer = f"/v/{token_for(p, await add_session(p))}/{PIECE}".encode()
    other = f"/v/{token_for(p, await add_session(p, user_id=99, spent=True))}/{PIECE}".encode()
    assert {answer.status for answer in await sent(g, [viewer, other])} == {200, 402}
    yes, no = sorted(
        (path for path in verdicts(g).rglob("*") if path.is_file()), key=lambda f: b" 403 " in f.read_bytes()
    )
    kept = yes.read_bytes()
    for spoilt in (b"", kept[:100], kept[:-20], bytes(len(kept)), kept[::-1]):
        for file in (yes, no):
            file.write_bytes(spoilt)
        assert {answer.path: answer.status for answer in await sent(g, [viewer, other])} == {viewer: 200, other: 402}
    # One's yes in the place of another's no: the key inside is not the key that was asked for.
    no.write_bytes(kept)
    assert [answer.status for answer in await sent(g, [other])] == [402]
