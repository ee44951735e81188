"""Attacks on kept verdicts: a yes for one thing is never a yes for another, nor for longer."""

import asyncio
import time

import pytest

from tests.conftest import Platform
from tests.hardening.barrage import sent
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT, Gateway
from tests.streaming.playback import VIDEO, VIEWER, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"
LIFETIME_S = 5.0


async def playing(p: Platform, g: Gateway, user: int = VIEWER) -> str:
    """The token of a session whose yes is kept."""
    g.write(PIECE)
    text = token_for(p, await add_session(p, user_id=user))
    assert (await sent(g, [f"/v/{text}/{PIECE}".encode()]))[0].content == SEGMENT
    return text


async def disable(p: Platform, user: int) -> None:
    body, service = {"user_id": user}, p.service_token("streaming", "auth")
    answer = await p.call("POST", "streaming", "/internal/sessions/end", json=body, token=service)
    assert answer.status_code == 200, answer.text


async def test_a_yes_for_one_video_is_none_for_another(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    for video in (1, 8, 70, 77, 107):
        g.write(PIECE.replace(f"{VIDEO}/", f"{video}/", 1), b"another film")
    text = await playing(p, g)
    neighbour = await playing(p, g, VIEWER + 1)
    places = [f"{video}/1/360p/0-0-4000.m4s" for video in ("1", "8", "70", "77", "107", "07", "7|8", "7%7c8", "8%00")]
    places += [
        f"{VIDEO}/../8/1/360p/0-0-4000.m4s",
        f"{VIDEO}%2f..%2f8/1/360p/0-0-4000.m4s",
        f"8/../{VIDEO}/../8/1/360p/",
    ]
    for one in (text, neighbour):
        answers = await sent(g, [f"/v/{one}/{place}".encode() for place in places])
        assert [answer.path for answer in answers if answer.status not in (400, 403, 404)] == []
        assert [answer.path for answer in answers if b"another film" in answer.content] == []


@pytest.mark.parametrize(
    "header",
    [
        b"Host: elsewhere.example", b"X-Token: other", b"X-Video: 8", b"X-Session-Id: other", b"X-User-Id: 1",
        b"X-Reason:", b"X-Accel-Expires: 86400", b"X-Accel-Redirect: /segments/8/1/360p/0-0-4000.m4s",
        b"X-Original-URI: /v/ok", b"X-Rewrite-URL: /health", b"X-Forwarded-For: 127.0.0.1", b"Cache-Control: max-stale",
        b"Pragma: no-cache", b"If-None-Match: *", b"Cookie: token=1", b"Authorization: Bearer x",
        b"X-HTTP-Method: POST",
    ],
)  # fmt: skip
async def test_no_header_makes_a_no_a_yes(gateway: GatewayMaker, header: bytes) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE)
    text = await playing(p, g)
    foreign = f"/v/{text}/{PIECE.replace(f'{VIDEO}/', '8/', 1)}".encode()
    forged = f"/v/{'0' * 32}{text[32:]}/{PIECE}".encode()
    for path in (foreign, forged):
        for version in (b"1.1", b"1.0"):
            own = b"" if header.startswith(b"Host") else b"Host: test\r\n"
            request = b"GET %s HTTP/%s\r\n%s%s\r\nConnection: close\r\n\r\n" % (path, version, own, header)
            answer = await g.raw(request)
            assert answer.split(b" ")[1] in (b"403", b"404"), (path, header)
            assert SEGMENT[:32] not in answer


async def test_an_end_ends_every_spelling_of_an_address(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    text = await playing(p, g)
    same = [PIECE, f"/{PIECE}", PIECE.replace("/", "//"), f"x/../{PIECE}", PIECE.replace("7", "%37", 1), f"{PIECE}?a=1"]
    paths = [f"/v/{text}/{place}".encode() for place in same]
    assert {answer.status for answer in await sent(g, paths)} == {200}
    await disable(p, VIEWER)
    ended = time.monotonic()
    while {answer.status for answer in await sent(g, paths)} != {403}:
        assert time.monotonic() - ended < LIFETIME_S + 1
    assert {answer.status for answer in await sent(g, paths * 50)} == {403}


async def test_a_no_is_not_overtaken_by_a_yes_that_was_on_its_way(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    users = range(1, 9)
    paths = [f"/v/{await playing(p, g, user)}/{PIECE}".encode() for user in users]
    # Verdicts are refreshed all the while; whichever comes last, the end has to win.
    stop = time.monotonic() + LIFETIME_S

    async def fetching() -> None:
        while time.monotonic() < stop:
            await sent(g, paths)

    async def ending() -> None:
        for user in users:
            await disable(p, user)
            await asyncio.sleep(LIFETIME_S / len(users) / 2)

    await asyncio.gather(fetching(), ending())
    ended = time.monotonic()
    while {answer.status for answer in await sent(g, paths)} != {403}:
        assert time.monotonic() - ended < LIFETIME_S + 1
    assert {answer.status for answer in await sent(g, paths * 100)} == {403}
