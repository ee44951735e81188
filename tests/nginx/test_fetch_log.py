"""The fetch log: one exact line per authorised segment request, and nothing a client can write into it."""

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from media.credit import credited
from media.fetch import Fetch
from media.segment import PATH
from tests.conftest import Platform, PlatformMaker
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT, Gateway, running
from tests.nginx.wires import tapped
from tests.servers import free_port
from tests.streaming.playback import VIDEO, VIEWER, add_session, end, token_for

PIECE = "360p/12-48000-52000.m4s"
SIZE = len(SEGMENT)
# A verdict that is fresh for a second, and may be used for half a minute while it is renewed.
YES = (
    "HTTP/1.1 204 No Content\r\nCache-Control: stale-while-revalidate=30\r\nX-Accel-Expires: 1\r\n"
    "X-Session-Id: {session}\r\nX-User-Id: {user}\r\n\r\n"
)


async def logged(gateway: GatewayMaker) -> tuple[Platform, Gateway, str, str]:
    """A gateway with one segment, a live session, and the address of its media."""
    p, g = await gateway("streaming")
    g.write(f"{VIDEO}/1/{PIECE}")
    session = await add_session(p)
    return p, g, session, f"{g.url}/v/{token_for(p, session)}/{VIDEO}/1"


def facts(fetch: Fetch) -> tuple[str, int, int, int, bool]:
    return fetch.method, fetch.status, fetch.bytes, fetch.size, fetch.complete


async def test_a_fetch_is_logged_with_everything_the_meter_needs(gateway: GatewayMaker) -> None:
    p, g, session, media = await logged(gateway)
    answer = await p.http.get(f"{media}/{PIECE}")
    (fetch,) = await g.fetches(1)
    assert (fetch.v, fetch.edge, fetch.session_id, fetch.user_id) == (1, "origin", session, VIEWER)
    assert (fetch.video, fetch.generation, fetch.rendition) == (VIDEO, 1, "360p")
    assert (fetch.index, fetch.start_ms, fetch.end_ms) == (12, 48_000, 52_000)
    assert facts(fetch) == ("GET", 200, SIZE, SIZE, True)
    assert fetch.request_id == answer.headers["x-request-id"]
    assert abs(fetch.t_ms - time.time() * 1000) < 5000
    assert 0 <= fetch.request_time_ms < 5000
    assert (fetch.verdict_cache, fetch.cache) == ("MISS", "")


async def test_each_way_to_ask_for_a_segment_is_told_apart(gateway: GatewayMaker) -> None:
    p, g, _, media = await logged(gateway)
    etag = (await p.http.head(f"{media}/{PIECE}")).headers["etag"]
    asked: list[dict[str, str]] = [
        {"range": "bytes=0-99"},
        {"range": f"bytes={SIZE}-"},
        {"range": "bytes=0-9,20-29"},
        {"if-none-match": etag},
    ]
    for headers in asked:
        await p.http.get(f"{media}/{PIECE}", headers=headers)
    found = [facts(f) for f in await g.fetches(5)]
    assert found[0] == ("HEAD", 200, 0, SIZE, True)
    assert found[1:4] == [("GET", 200, SIZE, SIZE, True)] * 3  # any part asked for: the whole file
    assert found[4] == ("GET", 304, 0, 0, True)
    assert [f.verdict_cache for f in await g.fetches(5)] == ["MISS", *["HIT"] * 4]


async def test_a_segment_read_in_thirds_is_not_free(gateway: GatewayMaker) -> None:
    p, g, _, media = await logged(gateway)
    third = SIZE // 3 + 1
    for first in range(0, SIZE, third):
        await p.http.get(f"{media}/{PIECE}", headers={"range": f"bytes={first}-{first + third - 1}"})
    assert {credited(fetch) for fetch in await g.fetches(3)} == {(48_000, 52_000)}


async def test_a_transfer_that_was_cut_is_logged_with_what_was_sent(gateway: GatewayMaker) -> None:
    _, g, _, media = await logged(gateway)
    big = 64 * SIZE
    g.write(f"{VIDEO}/1/{PIECE}", SEGMENT * 64)
    with socket.socket() as impatient:
        impatient.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        impatient.connect(("127.0.0.1", g.port))
        path = media.removeprefix(g.url)
        impatient.sendall(f"GET {path}/{PIECE} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        assert await asyncio.to_thread(impatient.recv, 1000)
    (fetch,) = await g.fetches(1)
    assert (fetch.method, fetch.status, fetch.size, fetch.complete) == ("GET", 200, big, False)
    assert 0 < fetch.bytes < big


async def test_only_segments_are_logged(gateway: GatewayMaker) -> None:
    p, g, _, media = await logged(gateway)
    for path in ("master.m3u8", "360p/index.m3u8", "360p/init.mp4"):
        g.write(f"{VIDEO}/1/{path}")
        assert (await p.http.get(f"{media}/{path}")).status_code == 200
    g.write(f"{VIDEO}/1/poster.jpg")
    for path in (f"/media/{VIDEO}/1/poster.jpg", "/watch", "/api/stream/sessions", "/nothing"):
        await p.http.get(g.url + path)
    await p.http.get(f"{media}/{PIECE}")
    assert [f.index for f in await g.fetches(1)] == [12]


async def test_refused_requests_are_not_logged(gateway: GatewayMaker) -> None:
    p, g, session, media = await logged(gateway)
    spent, gone = await add_session(p, spent=True), await add_session(p)
    await end(p, gone)
    tokens = [token_for(p, spent), token_for(p, gone), token_for(p, session, life_s=-5), token_for(p, session, 8)]
    for text in [*tokens, tokens[0][:-3] + "AAA", "x"]:
        assert (await p.http.get(f"{g.url}/v/{text}/{VIDEO}/1/{PIECE}")).status_code in (402, 403, 404)
    assert (await p.http.post(f"{media}/{PIECE}")).status_code == 405
    await p.http.get(f"{media}/{PIECE}")
    assert [f.session_id for f in await g.fetches(1)] == [session]


async def test_a_held_request_that_failed_is_logged_as_the_refusal_it_was(gateway: GatewayMaker) -> None:
    p, g, session, media = await logged(gateway)
    answer = await p.http.get(f"{media}/360p/13-52000-56000.m4s")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["access-control-allow-origin"] == "*"
    (fetch,) = await g.fetches(1)
    assert (fetch.index, fetch.status, fetch.size, fetch.session_id) == (13, 503, 0, session)


HOSTILE: list[Any] = [
    ("user-agent", b'"},{"v":1,"user_id":1'),
    ("user-agent", b"\xff\xfe\x80"),
    ("user-agent", b"u" * 7900),
    ("cookie", b"\xff" * 7900),
    ("referer", b'\\\\" \x7f'),
    ("x-session-id", b"f" * 32),
    ("x-user-id", b"1"),
    ("x-request-id", b"mine"),
    ("x-forwarded-for", b"1.2.3.4"),
    ("range", b'bytes="0-1'),
    ("if-none-match", b'"},'),
    ("host", b'te"st'),
]


@pytest.mark.parametrize(("name", "value"), HOSTILE)
async def test_no_header_gets_into_the_line(gateway: GatewayMaker, name: str, value: bytes) -> None:
    _, g, session, media = await logged(gateway)
    path = media.removeprefix(g.url).encode()
    host = b"" if name == "host" else b"Host: test\r\n"
    start = b"GET " + path + b"/" + PIECE.encode() + b"?edge=x&user_id=9%22 HTTP/1.1\r\n" + host
    answer = await g.raw(start + name.encode() + b": " + value + b"\r\nConnection: close\r\n\r\n")
    if answer.split(b" ")[1] == b"400":  # some are no HTTP at all
        return
    (fetch,) = await g.fetches(1)
    assert (fetch.session_id, fetch.user_id, fetch.edge) == (session, VIEWER, "origin")
    assert value not in g.log.read_bytes() or value == b"1"
    assert len(fetch.request_id) == 32


PATHS = [
    "240p/0-0-4000.m4s",
    "1080p-av1/1-4000-8000.m4s",
    "source/9999999-1-2.m4s",
    "audio-0/2-8000-12000.m4s",
    "audio-100/2-8000-12000.m4s",
    "text-pt-br/0-0-4000.m4s",
    "99p/0-0-4000.m4s",
    "0360p/0-0-4000.m4s",
    "720p-vp9/0-0-4000.m4s",
    "360p/00-0-4000.m4s",
    "360p/10000000-0-4000.m4s",
    "360p/0-0-0.m4s",
    "360p/0-00-4000.m4s",
    "360p/-1-0-4000.m4s",
    "360p/0-0-4000.mp4",
    "360P/0-0-4000.m4s",
]


async def test_nginx_and_the_meter_agree_on_what_a_segment_is(gateway: GatewayMaker) -> None:
    p, g, _, media = await logged(gateway)
    for path in PATHS:
        g.write(f"{VIDEO}/1/{path}")
        known = PATH.fullmatch(f"{VIDEO}/1/{path}") is not None
        assert ((await p.http.get(f"{media}/{path}")).status_code == 200) == known, path
    matches = [m for path in PATHS if (m := PATH.fullmatch(f"{VIDEO}/1/{path}"))]
    found = await g.fetches(len(matches))
    assert [(f.rendition, f.index, f.start_ms, f.end_ms) for f in found] == [
        (m["rendition"], int(m["index"]), int(m["start_ms"]), int(m["end_ms"])) for m in matches
    ]


async def test_no_token_is_written_anywhere(gateway: GatewayMaker) -> None:
    p, g, session, media = await logged(gateway)
    await p.http.get(f"{media}/{PIECE}")
    await p.http.get(f"{media}/360p/13-52000-56000.m4s")
    await p.http.get(f"{media}/nothing")
    await p.http.get(f"{g.url}/v/{token_for(p, session)[:-3]}AAA/{VIDEO}/1/{PIECE}")
    await g.fetches(2)
    signature = media.split("/")[4].rsplit(".", 1)[1]
    for path in [g.settings.home / "nginx.err", g.log]:
        assert signature not in path.read_text()


async def test_the_log_is_a_link_to_its_first_generation(gateway: GatewayMaker) -> None:
    _, g = await gateway("streaming")
    assert g.log.readlink() == Path("origin-1.log")
    assert g.log.resolve().is_file()


async def test_what_was_sent_is_logged_before_the_next_verdict_is_known(platform: PlatformMaker, home: Path) -> None:
    """A worker may be killed at any time: a line that waits for a renewal behind the viewer's back would be lost."""
    p = await platform("streaming", STREAMIFY_HOME=str(home), GATEWAY_PORT=str(free_port()), MEDIA_RATE="1000")
    async with tapped(p.settings, "streaming") as (settings, validator):
        with running(settings) as g:
            g.write(f"{VIDEO}/1/{PIECE}")
            session = await add_session(p)
            media = f"{g.url}/v/{token_for(p, session)}/{VIDEO}/1/{PIECE}"
            asked = [asyncio.create_task(p.http.get(media))]
            await validator.wait_for(b"\r\n\r\n")
            yes = YES.format(session=session, user=VIEWER).encode()
            validator.answer(yes)
            await asyncio.wait(asked)
            while validator.received.count(b"\r\n\r\n") < 2:
                asked.append(asyncio.create_task(p.http.get(media)))
                await asyncio.wait(asked[-1:], timeout=0.5)
            asked.append(asyncio.create_task(p.http.get(media)))  # one more, beside the one that renews the verdict
            await asyncio.wait(asked[-1:], timeout=2)
            answered = [one for one in asked if one.done()]
            assert answered[-1] is asked[-1]
            async with asyncio.timeout(2):  # less than nginx waits for a verdict
                lines = await g.fetches(len(answered))
            assert {line.request_id for line in lines} == {one.result().headers["x-request-id"] for one in answered}
            validator.answer(yes)
            await asyncio.wait(asked)
            await g.fetches(len(asked))
