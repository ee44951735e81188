"""Pacing: an honest player never notices it, a greedy one is slowed, then refused."""

import asyncio
import time

from tests.conftest import Platform
from tests.nginx.conftest import GatewayMaker
from tests.streaming.playback import VIDEO, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"
AT_ONCE = 31  # the first one, and thirty more


async def took_s(p: Platform, media: str, count: int) -> float:
    """Fetch one after the other; the seconds it took. At a rate r no more than 31 + r * seconds can pass."""
    started = time.monotonic()
    for _ in range(count):
        assert (await p.http.get(media)).status_code == 200
    return time.monotonic() - started


async def test_thirty_requests_at_once_pass_and_those_beyond_wait(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming", MEDIA_RATE="2")
    g.write(PIECE, b"short")
    media = f"{g.url}/v/{token_for(p, await add_session(p))}/{PIECE}"
    at_once_s = await took_s(p, media, AT_ONCE)
    assert at_once_s < AT_ONCE / 2 / 2
    assert at_once_s + await took_s(p, media, 4) > 1.9


async def test_tokens_of_one_session_share_its_pace_and_other_sessions_have_their_own(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming", MEDIA_RATE="1")
    g.write(PIECE, b"short")
    session = await add_session(p)
    first, second = (f"{g.url}/v/{token_for(p, session, life_s=life)}/{PIECE}" for life in (3600, 3700))
    assert first != second
    one_s = await took_s(p, first, AT_ONCE)
    other_s = await took_s(p, f"{g.url}/v/{token_for(p, await add_session(p))}/{PIECE}", 20)
    assert other_s < 10
    assert one_s + other_s + await took_s(p, second, 4) > 3.9


async def test_a_greedy_player_is_refused_once_a_hundred_requests_wait(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming", MEDIA_RATE="1")
    g.write(PIECE, b"short")
    path = f"/v/{token_for(p, await add_session(p))}/{PIECE}".encode()
    waiting = {asyncio.create_task(g.ask(path)) for _ in range(150)}
    refused: list[bytes] = []
    async with asyncio.timeout(10):
        while len(refused) < 10:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused += [t.result() for t in done if t.result().split(b" ")[1] == b"429"]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for part in (b'"code":"too_fast"', b"Retry-After: 5", b"Access-Control-Allow-Origin: *"):
        assert part in refused[0]
