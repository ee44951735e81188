"""Clients that take for ever: their connections end in seconds, and nobody else notices them."""

import asyncio
import contextlib
import socket
import time

from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import Gateway
from tests.streaming.playback import VIDEO, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"
HEADER_S, BODY_S, SEND_S, IDLE_S = 10, 10, 30, 30
SLACK_S = 15


async def outlasted(g: Gateway, start: bytes, drip: bytes) -> tuple[float, bytes]:
    """Send `start`, then `drip` for ever: seconds until nginx has enough, and what it says."""
    reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
    writer.write(start)
    began = time.monotonic()

    async def go_on() -> None:
        with contextlib.suppress(OSError):
            while drip:
                await asyncio.sleep(0.5)
                writer.write(drip)
                await writer.drain()

    dripping = asyncio.create_task(go_on())
    said = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(60):
            while part := await reader.read(65536):
                said += part
    dripping.cancel()
    writer.transport.abort()
    return time.monotonic() - began, said


async def unread(g: Gateway, path: str) -> float:
    """Ask for more than all buffers hold and read nothing: seconds until nginx resets the connection."""
    with socket.socket() as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asking.connect(("127.0.0.1", g.port))
        asking.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        began = time.monotonic()
        while not asking.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            assert time.monotonic() - began < SEND_S + SLACK_S
            await asyncio.sleep(0.2)
    return time.monotonic() - began


async def test_slow_clients_are_let_go_while_others_are_served(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE, bytes(32 << 20))
    g.write("7/1/master.m3u8", b"#EXTM3U\n")
    media = f"/v/{token_for(p, await add_session(p))}/{VIDEO}/1"
    started = b"GET /watch HTTP/1.1\r\nHost: test\r\n"
    body = b"PUT /api/stream/heartbeat/x HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n{"
    slow = asyncio.gather(
        outlasted(g, b"", b""),
        asyncio.gather(*(outlasted(g, started, b"X-Drip: 1\r\n") for _ in range(300))),
        outlasted(g, started + b"X-Long: ", b"x"),
        outlasted(g, body, b""),
        outlasted(g, started + b"\r\n", b""),
        unread(g, f"{media}/360p/0-0-4000.m4s"),
    )
    while not slow.done():
        asked = time.monotonic()
        assert (await p.http.get(f"{g.url}{media}/master.m3u8")).status_code == 200
        assert time.monotonic() - asked < 5
        await asyncio.wait([slow], timeout=0.5)
    silent, dripping, one_line, stuck_body, idle, _ = await slow
    for took_s, _ in (silent, *dripping, one_line):
        assert took_s < HEADER_S + SLACK_S
    assert stuck_body[0] < BODY_S + SLACK_S
    assert idle[0] < IDLE_S + SLACK_S
    assert idle[1].startswith(b"HTTP/1.1 200 ")
