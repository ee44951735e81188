"""The last seconds of a balance: every segment is judged by itself, and waits until the one before it can be paid."""

import asyncio
import time
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from api.streaming.slots import LONGEST_SPACE_MS, Slots, spacing_ms
from tests.conftest import Platform, PlatformMaker
from tests.streaming.playback import VIDEO, add_session, change, token_for

LENGTH_MS = 4000


async def nearly_spent(platform: PlatformMaker, **overrides: str) -> tuple[Platform, str, str]:
    """A live session that is final, and its token."""
    p = await platform("streaming", **overrides)
    session = await add_session(p, final=True)
    return p, session, token_for(p, session)


async def ask(p: Platform, text: str, index: int | None = None, rendition: str = "360p") -> httpx2.Response:
    """As nginx asks about a segment, or about something else."""
    headers = {"x-token": text, "x-video": str(VIDEO), "x-rendition": rendition, "x-start-ms": "", "x-end-ms": ""}
    if index is not None:
        headers |= {"x-start-ms": str(index * LENGTH_MS), "x-end-ms": str((index + 1) * LENGTH_MS)}
    return await p.call("GET", "streaming", "/internal/verdict", headers=headers)


async def took_s(*answers: Any) -> float:
    """The seconds until all of these were granted."""
    started = time.monotonic()
    assert {answer.status_code for answer in await asyncio.gather(*answers)} == {204}
    return time.monotonic() - started


@pytest.mark.parametrize(
    ("length_ms", "space_ms"),
    [(4000, 1000), (2000, 500), (100, 25), (5333, 1333), (10_000, LONGEST_SPACE_MS), (0, 0), (-1, 0)],
)
def test_media_is_granted_at_four_times_the_speed_of_time(length_ms: int, space_ms: int) -> None:
    assert spacing_ms(length_ms) == space_ms


async def test_new_segments_wait_for_each_other(platform: PlatformMaker) -> None:
    p, _, text = await nearly_spent(platform)
    started = time.monotonic()
    for index in range(3):
        await took_s(ask(p, text, index))
    assert time.monotonic() - started > 1.99


async def test_each_waits_although_the_one_before_took_its_time(platform: PlatformMaker) -> None:
    p, _, text = await nearly_spent(platform)
    await took_s(ask(p, text, 0))
    async with Redis.from_url(p.settings.text("REDIS_URL")) as redis:
        [slot] = await redis.keys("slot:*")
        await redis.hset(slot, "next", "1")  # as if the first had begun long ago
    assert await took_s(ask(p, text, 1)) > 0.99


async def test_nothing_else_waits(platform: PlatformMaker) -> None:
    p, _, text = await nearly_spent(platform)
    await took_s(ask(p, text, 0))
    # What waited here would wait for a second each.
    started = time.monotonic()
    for _ in range(10):
        await took_s(ask(p, text, 0))
        await took_s(ask(p, text, None))
    assert time.monotonic() - started < 10
    assert (await ask(p, text, 0, "audio-0")).status_code == 204
    other = token_for(p, await add_session(p, user_id=99, final=True))
    assert (await ask(p, other, 1)).status_code == 204


async def test_sound_takes_turns_of_its_own(platform: PlatformMaker) -> None:
    p, _, text = await nearly_spent(platform)
    await took_s(ask(p, text, 0, "audio-0"))
    assert await took_s(ask(p, text, 1, "audio-0"), ask(p, text, 0)) > 0.99


async def test_whoever_would_wait_too_long_is_asked_to_come_back(platform: PlatformMaker) -> None:
    p, _, text = await nearly_spent(platform)
    answers = await asyncio.gather(*(ask(p, text, index) for index in range(12)))
    granted = [answer for answer in answers if answer.status_code == 204]
    refused = [answer for answer in answers if answer.status_code != 204]
    assert 1 <= len(granted) <= 6
    for answer in refused:
        assert (answer.status_code, answer.headers["x-reason"]) == (403, "nearly_spent")
        assert (answer.headers["x-accel-expires"], answer.headers["x-retry-after"]) == ("0", "1")


async def test_who_waits_hears_that_the_money_is_gone(platform: PlatformMaker) -> None:
    p, session, text = await nearly_spent(platform)
    await took_s(ask(p, text, 0))
    waiting = asyncio.create_task(ask(p, text, 1))
    async with Redis.from_url(p.settings.text("REDIS_URL")) as redis:
        [slot] = await redis.keys("slot:*")
        while await redis.hget(slot, "segment") != b"360p/4000":
            await asyncio.sleep(0.005)
    await change(p, session, "spent", True)
    answer = await waiting
    assert (answer.status_code, answer.headers["x-reason"]) == (403, "insufficient_balance")


async def test_without_redis_each_waits_by_itself() -> None:
    async with Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2) as nobody:
        started = time.monotonic()
        assert await Slots(nobody).wait("a session's picture", "360p/0", LENGTH_MS)
        assert time.monotonic() - started > 0.99


async def test_nonsense_about_a_segment_is_no_verdict(platform: PlatformMaker) -> None:
    p, _, text = await nearly_spent(platform)
    headers = {"x-token": text, "x-video": str(VIDEO), "x-rendition": "360p", "x-start-ms": "x", "x-end-ms": "4"}
    assert (await p.call("GET", "streaming", "/internal/verdict", headers=headers)).status_code == 503
