"""The gateway with a certificate: HTTP/1.1 and HTTP/2 over TLS, and what plain HTTP gets on the same port."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from api import operate
from tests.conftest import Platform
from tests.nginx.certificates import settings_with, trusting
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT, Gateway
from tests.servers import free_port
from tests.streaming.playback import VIDEO, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"
YEAR = "max-age=31536000"


@pytest.fixture
async def secure(nginx: str, gateway: GatewayMaker, home: Path) -> tuple[Platform, Gateway]:
    """A gateway with a certificate, once per nginx at the ends of the range."""
    p, g = await gateway("auth", "streaming", **settings_with(home, free_port()))
    g.write(PIECE)
    return p, g


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
async def http(
    request: pytest.FixtureRequest, secure: tuple[Platform, Gateway], home: Path
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that speaks one version to it."""
    two = request.param == "HTTP/2"
    url = f"https://localhost:{secure[1].port}"
    async with httpx2.AsyncClient(base_url=url, verify=trusting(home), http1=not two, http2=two, timeout=20) as client:
        assert (await client.get("/watch")).http_version == request.param
        yield client


async def test_media_is_served_limited_and_logged(secure: tuple[Platform, Gateway], http: httpx2.AsyncClient) -> None:
    p, g = secure
    media = f"/v/{token_for(p, await add_session(p))}/{PIECE}"
    answers = await asyncio.gather(*(http.get(media) for _ in range(12)))
    assert {(a.status_code, a.content) for a in answers} == {(200, SEGMENT)}
    assert {(f.status, f.size, f.complete) for f in await g.fetches(12)} == {(200, len(SEGMENT), True)}
    assert (await http.get(media.replace("/v/", "/v/0"))).status_code == 404
    assert (await http.post(media)).status_code == 405


async def test_browsers_learn_to_insist_on_it(secure: tuple[Platform, Gateway], http: httpx2.AsyncClient) -> None:
    for path in ("/", "/watch", "/nothing"):
        assert (await http.get(path)).headers["strict-transport-security"] == YEAR


async def test_a_sign_in_sets_a_secure_cookie(secure: tuple[Platform, Gateway], http: httpx2.AsyncClient) -> None:
    body = {"email": "a@example.org", "password": "correct-horse-battery-9", "first_name": "A", "last_name": "B"}
    made = await http.post("/api/auth/register", json=body, headers={"origin": str(http.base_url).rstrip("/")})
    assert made.status_code == 201, made.text
    assert "; Secure" in made.headers["set-cookie"]
    # The Host goes on in both versions of HTTP: auth compares it with the Origin.
    own = {"origin": str(http.base_url).rstrip("/"), "content-type": "application/json"}
    assert (await http.post("/api/auth/refresh", json={}, headers=own)).status_code == 200


async def test_plain_http_is_sent_to_the_public_address(secure: tuple[Platform, Gateway]) -> None:
    p, g = secure
    for method in ("GET", "POST"):
        answer = await p.http.request(method, f"{g.url}/watch?v=7&x=%20", follow_redirects=False)
        assert answer.status_code == 308
        assert answer.headers["location"] == f"https://localhost:{g.port}/watch?v=7&x=%20"
        assert "strict-transport-security" not in answer.headers
    for odd in (b"//evil.example/", b"http://evil.example/x", b"/%0d%0aSet-Cookie:x", b"/_https", b"/health/"):
        head = (await g.ask(odd)).partition(b"\r\n\r\n")[0]
        assert b"\r\nLocation: https://localhost:%d/" % g.port in head, odd
        assert b"Set-Cookie:" not in head.replace(b"%0d%0aSet-Cookie:", b"")


async def test_nothing_but_health_is_served_over_plain_http(secure: tuple[Platform, Gateway]) -> None:
    p, g = secure
    media = f"/v/{token_for(p, await add_session(p))}/{PIECE}"
    for path in (media, "/api/stream/sessions", "/watch", "/assets/index-abc123.js"):
        assert (await p.http.get(g.url + path, follow_redirects=False)).status_code == 308
    assert g.log.read_bytes() == b""
    # As `up`, `status` and the container's health check ask.
    found = await asyncio.to_thread(operate.fetch_json, f"{g.url}/health")
    assert found["services"]["streaming"] == "ok"


def handshake(g: Gateway, home: Path, **version: ssl.TLSVersion) -> str | None:
    context = trusting(home)
    for name, value in version.items():
        setattr(context, name, value)
    with (
        socket.create_connection(("127.0.0.1", g.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as spoken,
    ):
        return spoken.version()


async def test_only_modern_tls_is_spoken(secure: tuple[Platform, Gateway], home: Path) -> None:
    _, g = secure
    assert await asyncio.to_thread(handshake, g, home) == "TLSv1.3"
    two = ssl.TLSVersion.TLSv1_2
    assert await asyncio.to_thread(handshake, g, home, maximum_version=two) == "TLSv1.2"
    context = ssl.create_default_context(cafile=str(home / "cert.pem"))
    context.set_ciphers("AES128-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    context.maximum_version = two
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("localhost", g.port, ssl=context)


async def test_a_renewed_certificate_needs_a_reload_only(secure: tuple[Platform, Gateway], home: Path) -> None:
    _, g = secure
    before = ssl.get_server_certificate(("127.0.0.1", g.port))
    settings_with(home, g.port)
    g.process.send_signal(1)
    async with asyncio.timeout(60):
        while ssl.get_server_certificate(("127.0.0.1", g.port)) == before:
            await asyncio.sleep(0.05)
