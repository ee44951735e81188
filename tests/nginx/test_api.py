"""The way of an API call through the gateway, and back."""

import asyncio
from pathlib import Path

import pytest

from api.settings import load
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import running
from tests.nginx.wires import tapped
from tests.servers import free_port, free_ports
from tests.streaming.playback import VIEWER, add_session

OWNERS = {
    "auth": ["/api/auth/login", "/.well-known/jwks.json"],
    "videos": [
        "/api/videos",
        "/api/videos/7",
        "/api/videos/7/events",
        "/api/uploads",
        "/api/uploads/3",
        "/api/categories",
        "/api/jobs",
        "/api/jobs/events",
        "/api/jobs/3/cancel",
        "/api/workers",
    ],
    "streaming": ["/api/stream/sessions", "/api/stream"],
    "billing": ["/api/billing/balance"],
    "analytics": ["/api/analytics/dashboard", "/api/analytics/live"],
}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n"


def settings_for(home: Path) -> dict[str, str]:
    return {"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(free_port()), "GATEWAY_BIND": "127.0.0.1"}


@pytest.mark.parametrize("service", OWNERS)
async def test_every_call_goes_to_the_service_that_owns_it(home: Path, service: str) -> None:
    async with tapped(load(settings_for(home)), service) as (settings, tap):
        with running(settings) as g:
            for path in OWNERS[service]:
                tap.received = b""
                asked = asyncio.create_task(g.ask(f"{path}?x=1%202".encode()))
                head = await tap.wait_for(b"\r\n\r\n")
                assert head.startswith(f"GET {path}?x=1%202 HTTP/1.1\r\n".encode())
                tap.answer(OK + b"Connection: close\r\n\r\n{}")
                assert (await asked).endswith(b"\r\n\r\n{}")
                assert tap.writer is not None
                tap.writer.close()


async def test_a_service_hears_from_the_gateway_who_is_calling_and_never_from_the_caller(home: Path) -> None:
    lies = ["X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Request-Id"]
    lies += ["X-Token", "X-Video", "X-Session-Id", "X-User-Id"]
    async with tapped(load(settings_for(home)), "streaming") as (settings, tap):
        with running(settings) as g:
            lines = "".join(f"{name}: lie\r\n" for name in lies)
            request = f"GET /api/stream/resume HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer t\r\n{lines}"
            asked = asyncio.create_task(g.raw(request.encode() + b"Connection: close\r\n\r\n"))
            head = await tap.wait_for(b"\r\n\r\n")
            tap.answer(OK + b"\r\n{}")
            await asked
    assert b"lie" not in head
    for line in (b"X-Real-IP: 127.0.0.1", b"X-Forwarded-For: 127.0.0.1", b"Host: here", b"Authorization: Bearer t"):
        assert line + b"\r\n" in head
    for name in (b"Forwarded", b"X-Token", b"X-Video", b"X-Session-Id", b"X-User-Id", b"X-Forwarded-Host"):
        assert b"\r\n" + name + b":" not in head


async def test_what_is_routed_is_what_the_service_sees(home: Path) -> None:
    async with tapped(load(settings_for(home)), "streaming") as (settings, tap):
        with running(settings) as g:
            asked = asyncio.create_task(g.ask(b"/internal/..//api/./stream/%2e%2e/stream/a%20b%252f"))
            head = await tap.wait_for(b"\r\n\r\n")
            tap.answer(OK + b"\r\n{}")
            await asked
    assert head.startswith(b"GET /api/stream/a%20b%252f HTTP/1.1\r\n")


@pytest.mark.parametrize("path", ["/api/uploads/9", "/api/videos"])
async def test_an_upload_reaches_the_service_while_it_is_being_sent(home: Path, path: str) -> None:
    async with tapped(load(settings_for(home)), "videos") as (settings, tap):
        with running(settings) as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            head = f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 107374182400\r\n\r\n"
            writer.write(head.encode() + b"the first bytes of a hundred gigabytes")
            await tap.wait_for(b"the first bytes of a hundred gigabytes")
            writer.transport.abort()


async def test_other_bodies_are_bounded(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    answer = await p.http.put(f"{g.url}/api/videos/7", content=b"x" * (2 << 20) + b"x")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("service", "path"),
    [("videos", "/api/videos/7/events"), ("videos", "/api/jobs/events"), ("analytics", "/api/analytics/live")],
)
async def test_an_event_arrives_when_it_is_sent(home: Path, service: str, path: str) -> None:
    async with tapped(load(settings_for(home)), service) as (settings, tap):
        with running(settings) as g:
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            await tap.wait_for(b"\r\n\r\n")
            tap.answer(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            async with asyncio.timeout(5):
                await reader.readuntil(b"data: 1\n\n")
            writer.transport.abort()


async def test_an_api_answer_cannot_send_nginx_to_a_file(home: Path) -> None:
    async with tapped(load(settings_for(home)), "streaming") as (settings, tap):
        with running(settings) as g:
            g.write("7/1/360p/0-0-4000.m4s")
            asked = asyncio.create_task(g.ask(b"/api/stream/sessions"))
            await tap.wait_for(b"\r\n\r\n")
            tap.answer(OK + b"X-Accel-Redirect: /segments/7/1/360p/0-0-4000.m4s\r\n\r\n{}")
            answer = await asked
    assert answer.endswith(b"\r\n\r\n{}")
    assert b"X-Accel" not in answer


async def test_a_service_that_is_away_is_a_problem_that_passes(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    answer = await p.http.get(f"{g.url}/api/billing/balance")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "access-control-allow-origin" not in answer.headers


async def test_a_large_upload_whose_service_died_is_told_to_try_again(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    answer = await p.http.patch(f"{g.url}/api/uploads/3", content=b"x" * (3 << 20))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_a_problem_of_a_service_passes_as_it_is(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    answer = await p.http.get(f"{g.url}/api/stream/sessions", headers={"x-request-id": "mine" * 4})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert answer.json()["request_id"] == answer.headers["x-request-id"] != "mine" * 4


async def test_a_call_works_through_the_gateway(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    session = await add_session(p)
    headers = {"authorization": f"Bearer {p.user(VIEWER)}"}
    answer = await p.http.get(f"{g.url}/api/stream/url/{session}", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["url"].endswith("/7/1/master.m3u8")


async def test_the_gateways_health_sums_up_the_services(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    answer = await p.http.get(f"{g.url}/health")
    assert answer.status_code == 503
    assert answer.json()["services"]["streaming"] == "ok"
    assert answer.json()["services"]["billing"] == "down"


async def test_an_anonymous_flood_is_refused_and_a_signed_in_caller_is_left_to_the_services(
    gateway: GatewayMaker,
) -> None:
    _, g = await gateway("streaming")

    async def count(more: bytes) -> int:
        start = b"GET /api/billing/balance HTTP/1.1\r\nHost: test\r\n" + more
        return (await g.raw((start + b"\r\n") * 400 + start + b"Connection: close\r\n\r\n")).count(b"rate_limited")

    assert await count(b"Authorization: Bearer x\r\n") == 0
    assert await count(b"") > 50


@pytest.mark.parametrize("path", [b"/health", b"/.well-known/jwks.json"])
async def test_what_no_service_counts_is_bounded_whatever_is_shown(home: Path, path: bytes) -> None:
    with running(load(settings_for(home) | {"PORT_BASE": str(free_ports()[1])})) as g:
        request = b"GET " + path + b" HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer x\r\n"
        answers = await g.raw((request + b"\r\n") * 400 + request + b"Connection: close\r\n\r\n")
    assert answers.count(b"rate_limited") > 50
