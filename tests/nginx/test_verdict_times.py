"""How long a verdict is believed, by the clock of players: those that fetch all the time, and those that pause."""

import asyncio
import time
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis

from api.streaming import queries
from tests.conftest import Platform, PlatformMaker
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import Gateway, running
from tests.nginx.test_media import is_problem
from tests.nginx.wires import Wire, pointed
from tests.servers import free_port
from tests.streaming.playback import VIDEO, VIEWER, add_session, change, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"
LIFETIME_S = 5.0


async def playing(p: Platform, g: Gateway, **session: object) -> tuple[str, str]:
    """A session and the address of its segment."""
    g.write(PIECE, b"short")
    session_id = await add_session(p, **session)  # type: ignore[arg-type]
    return session_id, f"{g.url}/v/{token_for(p, session_id)}/{PIECE}"


async def last_allowed_s(p: Platform, media: str, every_s: float) -> float:
    """Fetch until refused; when the last one that was allowed began (s of the monotonic clock)."""
    began = 0.0
    while True:
        now = time.monotonic()
        answer = await p.http.get(media)
        if answer.status_code != 200:
            return began
        began = now
        await asyncio.sleep(every_s)


@pytest.mark.parametrize("every_s", [0.0, 0.9, 2.5], ids=["always", "often", "as it plays"])
async def test_an_end_bites_within_five_seconds_however_a_player_fetches(gateway: GatewayMaker, every_s: float) -> None:
    p, g = await gateway("streaming")
    sessions = [await playing(p, g, user_id=user) for user in range(1, 6)]
    players = [asyncio.create_task(last_allowed_s(p, media, every_s)) for _, media in sessions]
    while len(g.log.read_bytes().splitlines()) < 2 * len(sessions):
        await asyncio.sleep(0.05)
    service = p.service_token("streaming", "auth")
    for user in range(1, 6):
        await p.call("POST", "streaming", "/internal/sessions/end", json={"user_id": user}, token=service)
    ended = time.monotonic()
    late = [began - ended for began in await asyncio.gather(*players)]
    assert max(late) < LIFETIME_S, late


async def test_an_end_bites_in_time_although_redis_never_heard_of_it(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    (killed, media), (lost, other) = [await playing(p, g, user_id=user) for user in (1, 2)]
    players = [asyncio.create_task(last_allowed_s(p, one, 0.2)) for one in (media, other)]
    async with Redis.from_url(p.settings.text("REDIS_URL")) as redis:
        while not isinstance(kept := await redis.get(f"live:{lost}"), bytes) or not kept.startswith(b"["):
            await asyncio.sleep(0.05)
        ended = time.monotonic()
        for session in (killed, lost):  # committed, and whoever did so is killed here
            await queries.end(p.db("streaming"), session, "ended")
        while await redis.get(f"live:{lost}") == kept:
            await asyncio.sleep(0.05)
        await redis.set(f"live:{lost}", kept, ex=30)  # a Redis that lost its last second
    late = [began - ended for began in await asyncio.gather(*players)]
    assert max(late) < LIFETIME_S, late


async def test_an_end_bites_a_player_that_pauses_for_any_time(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    pauses = [step / 4 for step in range(1, 27)]
    sessions = [await playing(p, g, user_id=user) for user in range(1, len(pauses) + 1)]
    answers = await asyncio.gather(*(p.http.get(media) for _, media in sessions))
    assert {answer.status_code for answer in answers} == {200}
    service, body = p.service_token("streaming", "videos"), {"video_id": VIDEO, "deleted": True}
    await p.call("POST", "streaming", "/internal/sessions/end", json=body, token=service)
    ended = time.monotonic()

    async def goes_on(pause_s: float, media: str) -> tuple[float, httpx2.Response]:
        await asyncio.sleep(pause_s)
        return time.monotonic() - ended, await p.http.get(media)

    later = await asyncio.gather(*(goes_on(s, media) for s, (_, media) in zip(pauses, sessions, strict=True)))
    refused = [answer for began_s, answer in later if began_s >= LIFETIME_S]
    assert refused
    assert all(is_problem(answer, 403, "video_deleted") for answer in refused)


async def test_a_verdict_of_the_last_seconds_is_asked_each_time(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    session, media = await playing(p, g, final=True)
    assert (await p.http.get(media)).status_code == 200
    await change(p, session, "spent", True)
    assert is_problem(await p.http.get(media), 402, "insufficient_balance")


async def test_who_must_wait_is_told_how_long_even_if_a_yes_was_kept(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    session, media = await playing(p, g)
    assert (await p.http.get(media)).status_code == 200
    await change(p, session, "final", True)
    pieces = [f"{VIDEO}/1/360p/{index}-{index * 4000}-{(index + 1) * 4000}.m4s" for index in range(12)]
    for piece in pieces:
        g.write(piece, b"short")
    urls = [media.replace(PIECE, piece) for piece in pieces]
    deadline = time.monotonic() + 15
    while True:  # first the kept verdict has to go
        answers = await asyncio.gather(*(p.http.get(url) for url in urls))
        if refused := [answer for answer in answers if answer.status_code != 200]:
            break
        assert time.monotonic() < deadline
    assert all(is_problem(answer, 503, "unavailable") for answer in refused)
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}


async def test_too_many_sessions_are_refused_cached_or_not(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming", MAX_SESSIONS="1")
    first, second = [await playing(p, g, user_id=VIEWER) for _ in range(2)]
    assert (await p.http.get(first[1])).status_code == 200
    for _ in range(2):
        answer = await p.http.get(second[1])
        assert is_problem(answer, 429, "too_many_sessions")
        assert int(answer.headers["retry-after"]) > 0


async def test_an_outage_lasts_no_longer_than_the_token(platform: PlatformMaker, home: Path) -> None:
    own = {"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(free_port()), "MEDIA_RATE": "1000"}
    p = await platform("streaming", **own)
    async with Wire(p.settings.service_url("streaming")) as wire:
        with running(pointed(p.settings, "streaming", wire.url)) as g:
            session, media = await playing(p, g)
            expires, life_s = time.time() + 9, 9
            media = f"{g.url}/v/{token_for(p, session, life_s=life_s)}/{PIECE}"
            assert (await p.http.get(media)).status_code == 200
            await wire.cut()
            while (answer := await p.http.get(media)).status_code == 200:
                assert time.time() < expires
            assert is_problem(answer, 503, "unavailable")
            assert time.time() > expires - life_s / 2


async def test_what_is_wrong_with_a_token_is_never_kept(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    _, media = await playing(p, g)
    assert (await p.http.get(media)).status_code == 200
    token = media.split("/")[4]
    strangers = [media.replace(token, f"{i:032x}{token[32:]}") for i in range(100)]
    answers = await asyncio.gather(*(p.http.get(url) for url in strangers))
    answers += [await p.http.get(media.replace(f"/{VIDEO}/1/", f"/{video}/1/")) for video in range(100, 200)]
    assert {answer.status_code for answer in answers} == {403}
    kept = [path for path in (g.settings.home / "run/nginx/verdicts").rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert token.encode() in kept[0].read_bytes()
