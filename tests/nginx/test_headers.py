"""What passes the gateway and what does not: words of clients on their way in, words of services on their way out."""

import asyncio
from pathlib import Path

import pytest

from api.settings import load
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT, running
from tests.nginx.wires import tapped
from tests.servers import free_port
from tests.streaming.playback import VIDEO, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"
TOKEN = f"{'a' * 32}.{VIDEO}.1234567890.{'A' * 43}"
# Everything that some service, proxy or framework somewhere believes.
LIES = [
    *("X-Token", "X-Video", "X-Rendition", "X-Start-Ms", "X-End-Ms", "X-Segment-Ms", "X-Session-Id", "X-User-Id"),
    *("X-Reason", "X-Retry-After", "X-Request-Id", "X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Buffering"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Uri"),
    *("X-Original-Uri", "X-Original-Url", "X-Rewrite-Url", "X-Original-Method", "X-Http-Method-Override"),
    *("X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Forwarded", "Via", "Cookie", "Authorization"),
    *("Proxy", "X-Edge-Secret", "X_Token", "X_Session_Id", "Referer", "User-Agent", "Origin", "Accept", "Te"),
]  # fmt: skip
ALLOW = b"HTTP/1.1 204 No Content\r\nX-Session-Id: %s\r\nX-User-Id: 41\r\n\r\n" % (b"a" * 32)


def settings_for(home: Path) -> dict[str, str]:
    return {"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(free_port()), "GATEWAY_BIND": "127.0.0.1"}


def request(path: str, method: str = "GET") -> bytes:
    lies = "".join(f"{name}: lie\r\n" for name in LIES)
    return f"{method} {path} HTTP/1.1\r\nHost: lie\r\n{lies}Connection: close\r\n\r\n".encode()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_no_word_of_a_client_reaches_the_validator(home: Path, method: str) -> None:
    async with tapped(load(settings_for(home)), "streaming") as (settings, tap):
        with running(settings) as g:
            g.write(PIECE)
            asked = asyncio.create_task(g.raw(request(f"/v/{TOKEN}/{PIECE}?X-Token=lie&token=lie", method)))
            head = await tap.wait_for(b"\r\n\r\n")
            tap.answer(ALLOW)
            answer = await asked
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"lie" not in head
    assert f"X-Token: {TOKEN}\r\n".encode() in head
    assert f"X-Video: {VIDEO}\r\n".encode() in head
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:-2]]
    assert sorted(names) == sorted(set(names))
    assert set(names) - {b"host", b"connection"} == {
        *(b"x-token", b"x-video", b"x-rendition", b"x-start-ms", b"x-end-ms", b"x-request-id"),
    }


async def test_no_word_of_a_client_reaches_those_who_hold_segments_or_judge_posters(home: Path) -> None:
    async with (
        tapped(load(settings_for(home)), "videos") as (one, videos),
        tapped(one, "streaming") as (both, streaming),
    ):
        with running(both) as g:
            asked = asyncio.create_task(g.raw(request(f"/v/{TOKEN}/{PIECE}")))
            await streaming.wait_for(b"\r\n\r\n")
            streaming.answer(ALLOW)
            held = await videos.wait_for(b"\r\n\r\n")
            asked.cancel()
            videos.received = b""
            poster = asyncio.create_task(g.raw(request(f"/media/{VIDEO}/1/poster.jpg")))
            judged = await videos.wait_for(b"\r\n\r\n")
            poster.cancel()
    assert held.startswith(f"GET /internal/held/{PIECE} ".encode())
    assert b"X-Session-Id: " + b"a" * 32 in held
    assert judged.startswith(f"GET /internal/posters/{VIDEO} ".encode())
    assert b"lie" not in held + judged


async def test_a_range_is_no_word_for_the_validator_and_keeps_its_meaning(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(f"{VIDEO}/1/iframes-0/init.mp4")
    still = f"{g.url}/v/{token_for(p, await add_session(p))}/{VIDEO}/1/iframes-0/init.mp4"
    for asked, sent in {"bytes=0-9": SEGMENT[:10], "bytes=-5": SEGMENT[-5:], "bytes=100-": SEGMENT[100:]}.items():
        answer = await p.http.get(still, headers={"range": asked})
        assert (answer.status_code, answer.content) == (206, sent)
    for several in ("bytes=0-1,5-6", "bytes=0-0,-1", "bytes=0-,0-,0-"):
        answer = await p.http.get(still, headers={"range": several})
        assert (answer.status_code, answer.content) == (200, SEGMENT), several
    answer = await p.http.get(still, headers={"range": f"bytes={len(SEGMENT)}-"})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")


async def test_a_segment_is_whole_whatever_is_asked(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE)
    media = f"{g.url}/v/{token_for(p, await add_session(p))}/{PIECE}"
    for asked in ("bytes=0-9", "bytes=0-0,-1", "bytes=999999999-"):
        answer = await p.http.get(media, headers={"range": asked, "accept-encoding": "gzip"})
        assert (answer.status_code, answer.content) == (200, SEGMENT)
        assert "content-encoding" not in answer.headers


SECRETS = {
    "X-Reason": "balance",
    "X-Retry-After": "9",
    "X-Session-Id": "s" * 32,
    "X-User-Id": "41",
    "X-Accel-Redirect": "/segments/secret",
    "X-Accel-Expires": "60",
    "X-Accel-Charset": "utf-7",
    "X-Accel-Limit-Rate": "1",
    "X-Powered-By": "a framework",
    "Server": "a server of its own",
}


@pytest.mark.parametrize("path", ["/api/stream/sessions", "/health"])
async def test_what_services_say_to_nginx_or_of_themselves_stays_inside(home: Path, path: str) -> None:
    async with tapped(load(settings_for(home)), "streaming") as (settings, tap):
        with running(settings) as g:
            asked = asyncio.create_task(g.ask(path.encode()))
            await tap.wait_for(b"\r\n\r\n")
            secrets = "".join(f"{name}: {value}\r\n" for name, value in SECRETS.items())
            tap.answer(f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{secrets}X-Kept: yes\r\n\r\n{{}}".encode())
            head = (await asked).partition(b"\r\n\r\n")[0]
    assert b"\r\nX-Kept: yes" in head
    assert b"\r\nServer: nginx\r\n" in head
    for name, value in SECRETS.items():
        assert f"\r\n{name}: {value}".lower().encode() not in head.lower(), name


async def test_what_the_validator_says_stays_inside(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE)
    session = await add_session(p)
    for path in (f"/v/{token_for(p, session)}/{PIECE}", f"/v/{token_for(p, session, 8)}/{PIECE}"):
        head = (await g.ask(path.encode())).partition(b"\r\n\r\n")[0].lower()
        for name in (b"x-session-id", b"x-user-id", b"x-reason", b"x-accel", b"stale-while-revalidate"):
            assert name not in head


@pytest.mark.parametrize(
    ("kind", "compressed"),
    [
        ("application/json", True),
        ("application/problem+json", True),
        ("text/event-stream", False),
        ("text/csv", False),
        ("application/octet-stream", False),
    ],
)
async def test_json_of_services_is_compressed_and_nothing_else(home: Path, kind: str, compressed: bool) -> None:
    async with tapped(load(settings_for(home)), "streaming") as (settings, tap):
        with running(settings) as g:
            asked = asyncio.create_task(
                g.raw(
                    b"GET /api/stream/sessions HTTP/1.1\r\nHost: test\r\n"
                    b"Accept-Encoding: gzip\r\nConnection: close\r\n\r\n"
                )
            )
            await tap.wait_for(b"\r\n\r\n")
            tap.answer(
                f"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\nContent-Type: {kind}\r\n\r\n".encode() + b" " * 4000
            )
            head, _, body = (await asked).partition(b"\r\n\r\n")
    assert (b"\r\nContent-Encoding: gzip" in head) is compressed
    assert (len(body) < 1000) is compressed


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "TRACE", "CONNECT", "get"])
async def test_files_are_read_and_nothing_else(gateway: GatewayMaker, method: str) -> None:
    p, g = await gateway("streaming")
    for path in (PIECE, f"{VIDEO}/1/master.m3u8", f"{VIDEO}/1/poster.jpg"):
        g.write(path)
    token = token_for(p, await add_session(p))
    for path in (f"/v/{token}/{PIECE}", f"/v/{token}/{VIDEO}/1/master.m3u8", f"/media/{VIDEO}/1/poster.jpg", "/watch"):
        answer = await g.ask(path.encode(), method.encode())
        assert answer.split(b" ")[1] in (b"405", b"400"), path
        assert SEGMENT[:64] not in answer
        if answer.split(b" ")[1] == b"405":
            assert b"\r\nAllow: GET, HEAD\r\n" in answer
