"""The end of a session: what was fetched and cannot have been played is forgiven, once per watch, for good."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from tests.billing.scenes import NOW_MS, Scene, check_books, fetched, ledger, played
from tests.conftest import PlatformMaker

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def playing(platform: PlatformMaker, amount: int = 1000) -> Scene:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=amount)
    await scene.start("s")
    return scene


@pytest.mark.parametrize(
    ("delivered_ms", "wall_ms", "rate", "forgiven_ms"),
    [
        (40_000, 40_000, 1.0, 0),
        (40_000, 12_000, 1.0, 28_000),
        (40_000, 12_000, 2.0, 16_000),
        (40_000, 12_000, 0.5, 28_000),
        (80_000, 10_000, 1.0, 30_000),
        (8_000, 0, 1.0, 8_000),
        (0, 0, 1.0, 0),
    ],
)
async def test_what_cannot_have_been_played_is_given_back(
    platform: PlatformMaker, delivered_ms: int, wall_ms: int, rate: float, forgiven_ms: int
) -> None:
    scene = await playing(platform)
    await scene.log(*played("s", 0, delivered_ms))
    hold = await scene.end("s", wall_ms, rate)
    assert (hold.state, hold.forgiven_ms, hold.held_micros) == ("ended", forgiven_ms, 0)
    assert (hold.delivered_ms, hold.charged_micros) == (delivered_ms, delivered_ms - forgiven_ms)
    assert hold.balance_micros == 10_000_000 - hold.charged_micros
    assert await scene.total("creator") == hold.charged_micros * 8 // 10
    await check_books(scene.db)


async def test_an_end_counts_once(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    await scene.log(*played("s", 0, 40_000))
    holds = await asyncio.gather(*(scene.end("s", 12_000) for _ in range(8)))
    assert {hold.forgiven_ms for hold in holds} == {28_000}
    assert (await scene.end("s", 0)).forgiven_ms == 28_000
    assert await scene.db.value("select count(*) from journal where kind = 'forgiven'") == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_the_end_may_come_before_or_after_the_lines(platform: PlatformMaker, order: tuple[int, ...]) -> None:
    scene = await playing(platform)
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: scene.log(*played("s", 0, 20_000)),
        lambda: scene.log(*played("s", 20_000, 40_000)),
        lambda: scene.end("s", 12_000),
    ]
    for i in order:
        await steps[i]()
    hold = await scene.hold("s")
    assert (hold.forgiven_ms, hold.charged_micros) == (28_000, 12_000)
    await scene.log(*played("s", 0, 40_000))
    assert await scene.hold("s") == hold
    await check_books(scene.db)


async def test_late_lines_are_charged_beyond_what_is_forgiven_at_most(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    await scene.log(*played("s", 0, 40_000))
    await scene.end("s", 12_000)
    await scene.log(*played("s", 40_000, 48_000))
    hold = await scene.hold("s")
    assert (hold.forgiven_ms, hold.charged_micros, hold.state) == (30_000, 18_000, "ended")
    assert (await scene.sweep())["released"] == 0
    await check_books(scene.db)


async def test_a_watch_is_forgiven_once(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    await scene.log(*played("s", 0, 40_000))
    await scene.end("s", 12_000)
    await scene.start("again")
    await scene.log(*played("again", 40_000, 80_000))
    hold = await scene.end("again", 4_000)
    assert (hold.forgiven_ms, hold.charged_micros) == (0, 40_000)


async def test_a_replay_wins_nothing_back(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    await scene.log(*played("s", 0, 60_000))
    await scene.end("s", 60_000)
    before = await ledger(scene.db)
    await scene.start("again")
    await scene.log(*played("again", 0, 60_000))
    assert (await scene.end("again", 1_000)).forgiven_ms == 0
    assert await ledger(scene.db) == before


async def test_what_was_never_collected_is_forgiven_first(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await scene.start("s", price_per_minute=60)
    await scene.log(*played("s", 0, 112_000))
    assert await scene.total("uncollected") == -120_000
    hold = await scene.end("s", 92_000)
    assert (hold.forgiven_ms, hold.balance_micros, hold.charged_micros) == (20_000, 80_000, 920_000)
    assert (await scene.total("uncollected"), await scene.total("writeoff")) == (0, 0)
    await check_books(scene.db)


async def test_a_session_without_a_fetch_costs_nothing(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    hold = await scene.end("s", 5_000)
    assert (hold.charged_micros, hold.forgiven_ms, hold.balance_micros) == (0, 0, 10_000_000)
    await scene.log(fetched("s", 0))
    # Five seconds can have been played, so a late segment of four is owed.
    assert (await scene.hold("s")).charged_micros == 4_000


async def test_a_spent_session_ends_too(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await scene.start("s", price_per_minute=60)
    await scene.log(*played("s", 0, 100_000))
    assert (await scene.hold("s")).state == "spent"
    hold = await scene.end("s", 100_000)
    assert (hold.state, hold.final, hold.balance_micros) == ("ended", False, 0)


async def test_lines_of_the_day_before_forgive_nothing_of_the_next(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    begun = NOW_MS - DAY_MS + HOUR_MS
    await scene.log(fetched("s", 0, t_ms=begun))
    await scene.start("late")
    # The session goes on in the next day's watch before an edge says what it fetched in the old one.
    await scene.log(fetched("late", 40_000, t_ms=begun + DAY_MS))
    await scene.log(*played("late", 0, 40_000, t_ms=begun + DAY_MS - 1))
    hold = await scene.end("late", 4_000)
    assert (hold.state, hold.delivered_ms, hold.forgiven_ms, hold.charged_micros) == ("ended", 44_000, 4_000, 36_000)
    await check_books(scene.db)
