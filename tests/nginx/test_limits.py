"""Limits per address and of connections: generous to many viewers behind one address, firm with one who hogs."""

import asyncio
import contextlib
import re
import time
from pathlib import Path

import pytest

from api.gateway import TEMPLATES
from api.settings import load
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import Gateway, running
from tests.nginx.wires import tapped
from tests.servers import free_port, free_ports
from tests.streaming.playback import VIDEO, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"
LARGE = bytes(32 << 20)  # more than the buffers of both ends hold: who does not read keeps nginx busy
STREAMS = 48


class Downloads:
    """Requests under way: answers are begun and not read."""

    def __init__(self, g: Gateway) -> None:
        self.g = g
        self.writers: list[asyncio.StreamWriter] = []

    async def begin(self, path: str) -> bytes:
        """The status of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.g.port, limit=1024)
        self.writers.append(writer)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        return (await reader.readline()).split()[1]

    async def end(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        self.writers.clear()


async def test_a_session_has_a_few_dozen_requests_under_way(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE, LARGE)
    mine, other = [f"/v/{token_for(p, await add_session(p))}/{PIECE}" for _ in range(2)]
    downloads = Downloads(g)
    assert {await downloads.begin(mine) for _ in range(STREAMS)} == {b"200"}
    refused = await p.http.get(g.url + mine)
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (429, "too_fast", "5")
    assert refused.headers["access-control-allow-origin"] == "*"
    assert await downloads.begin(other) == b"200"
    await downloads.end()
    async with asyncio.timeout(10):
        while await downloads.begin(mine) != b"200":
            await asyncio.sleep(0.02)
    await downloads.end()


async def test_delayed_requests_are_no_connections(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming", MEDIA_RATE="20")
    g.write(PIECE, b"short")
    path = f"/v/{token_for(p, await add_session(p))}/{PIECE}".encode()
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(g.ask(path) for _ in range(31 + 2 * STREAMS)))
    assert {a.split(b" ")[1] for a in answers} == {b"200"}


async def test_an_office_behind_one_address_is_not_noticed(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming", MEDIA_RATE="2")
    g.write(PIECE, b"short")
    paths = [f"/v/{token_for(p, await add_session(p, user_id=user))}/{PIECE}" for user in range(1, 41)]
    started = time.monotonic()
    answers = await asyncio.gather(*(p.http.get(g.url + path) for path in paths for _ in range(25)))
    assert {a.status_code for a in answers} == {200}
    # A thousand requests of sessions that each keep their pace; an address that was slowed to one of them would wait.
    assert time.monotonic() - started < (1000 - 60) / 2


async def test_forgeries_are_refused_before_anybody_is_asked(gateway: GatewayMaker) -> None:
    _, g = await gateway("streaming", MEDIA_RATE="1")

    async def forge(first: int) -> bytes:
        asked = [
            f"GET /v/{k:032x}.7.1234567890.{'A' * 43}/{PIECE} HTTP/1.1\r\nHost: test\r\n\r\n"
            for k in range(first, first + 500)
        ]
        return await g.raw("".join(asked).encode() + b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")

    answers = b"".join(await asyncio.gather(*(forge(500 * part) for part in range(12))))
    assert answers.count(b'"code":"bad_token"') >= 2000
    assert answers.count(b'"code":"too_fast"') > 500


@pytest.mark.parametrize(("trusted", "seen"), [("", b"127.0.0.1"), ("127.0.0.0/8", b"198.51.100.7")])
async def test_only_a_trusted_proxy_says_who_is_calling(home: Path, trusted: str, seen: bytes) -> None:
    own = {"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(free_port()), "TRUSTED_PROXIES": trusted}
    async with tapped(load(own), "streaming") as (settings, tap):
        with running(settings) as g:
            request = b"GET /api/stream/x HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n\r\n"
            asked = asyncio.create_task(g.raw(request))
            head = await tap.wait_for(b"\r\n\r\n")
            asked.cancel()
    assert b"X-Real-IP: " + seen + b"\r\n" in head
    assert b"X-Forwarded-For: " + seen + b"\r\n" in head
    assert b"203.0.113.9" not in head


async def flooded(g: Gateway, addresses: list[str]) -> int:
    """How many of 600 anonymous calls, each address in its turn, are refused."""
    lines = (
        f"GET /.well-known/jwks.json HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {addresses[k % len(addresses)]}\r\n"
        for k in range(600)
    )
    return (await g.raw("\r\n".join(lines).encode() + b"Connection: close\r\n\r\n")).count(b"rate_limited")


async def test_callers_are_counted_by_address_or_by_their_ipv6_network(home: Path) -> None:
    own = {"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(free_port()), "TRUSTED_PROXIES": "127.0.0.1"}
    with running(load(own | {"PORT_BASE": str(free_ports()[1])})) as g:
        assert await flooded(g, ["192.0.2.1"]) > 200
        assert await flooded(g, [f"192.0.2.{k}" for k in range(2, 102)]) == 0
        assert await flooded(g, [f"2001:db8:1:2:{k:x}::{k:x}" for k in range(1, 101)]) > 200
        assert await flooded(g, [f"2001:db8:1:{k:x}::1" for k in range(3, 103)]) == 0
        assert await flooded(g, [f"2001:db8::{k:x}" for k in range(1, 101)]) > 200


def test_the_limits_are_those_of_the_design() -> None:
    text = (TEMPLATES / "parts/admission.conf").read_text()
    burst, delay = map(int, re.findall(r"zone=pace burst=(\d+) delay=(\d+)", text)[0])
    assert (delay, burst - delay) == (30, 100)
    assert int(re.findall(r"limit_conn streams (\d+)", text)[0]) == STREAMS >= 12
