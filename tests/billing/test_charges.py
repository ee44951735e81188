"""From fetch lines to money: once per watch, never more than there is, the same whatever order the log takes."""

import asyncio
import random
from typing import Any

import pytest

from api.billing import metering, queries_log
from tests.billing.scenes import (
    FILM_MS,
    NOW_MS,
    OTHER,
    PRICE,
    VIDEO,
    Scene,
    check_books,
    fetched,
    ledger,
    played,
)
from tests.conftest import PlatformMaker

MINUTE = 60_000  # micro-units: a minute at PRICE
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def playing(platform: PlatformMaker, amount: int = 1000) -> Scene:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=amount)
    await scene.start("s")
    return scene


async def test_a_fetched_segment_is_charged_by_the_millisecond(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    await scene.log(fetched("s", 0, 3_337))
    hold = await scene.hold("s")
    assert (hold.charged_micros, hold.delivered_ms, hold.balance_micros) == (3_337, 3_337, 9_996_663)
    assert hold.held_micros == 2 * MINUTE
    await check_books(scene.db)


async def test_repeated_shuffled_doubled_and_late_lines_cost_the_same(platform: PlatformMaker) -> None:
    """The log three times, shuffled, a tenth of it once more, and a twentieth that comes after the sessions' ends."""
    lines = [line for i in range(3) for line in played(f"s{i}", 0, 120_000, video=i + 1)]
    straight, chaotic = Scene(await platform("billing")), Scene(await platform("billing"))
    for scene in (straight, chaotic):
        await scene.deposit()
        for i in range(3):
            await scene.start(f"s{i}", video_id=i + 1)
    await straight.log(*lines)
    chance = random.Random(3)
    late = chance.sample(lines, k=len(lines) // 20)
    there = [line for line in lines if line not in late] * 3
    mixed = chance.sample(there + there[::10], k=len(there) + len(there[::10]))
    for first in range(0, len(mixed), 17):
        await chaotic.log(*mixed[first : first + 17])
    for scene in (straight, chaotic):
        for i, wall_ms in enumerate((120_000, 100_000, 40_000)):
            await scene.end(f"s{i}", wall_ms)
    assert await ledger(straight.db) != await ledger(chaotic.db)
    await chaotic.log(*late, *late)
    await chaotic.log(*mixed)
    assert await ledger(straight.db) == await ledger(chaotic.db)
    assert await straight.balance_micros() == 10_000_000 - (120_000 + 100_000 + 90_000)
    for scene in (straight, chaotic):
        await check_books(scene.db)


async def test_a_chunk_applied_twice_is_billed_once(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    chunks = [scene.chunk(played("s", 0, 20_000)), scene.chunk(played("s", 20_000, 40_000))]
    await scene.meter.apply(chunks)
    await scene.meter.apply(chunks)
    await scene.meter.apply(chunks[1:])
    assert (await scene.hold("s")).charged_micros == 40_000
    assert await scene.db.value("select count(*) from journal where kind = 'charge'") == 1


async def test_a_second_session_pays_only_for_what_the_first_did_not(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    await scene.start("tablet")
    await scene.log(*played("s", 0, 60_000), *played("tablet", 40_000, 80_000, rendition="720p"))
    assert [(await scene.hold(s)).charged_micros for s in ("s", "tablet")] == [60_000, 20_000]
    assert (await scene.hold("tablet")).delivered_ms == 40_000


@pytest.mark.parametrize(
    ("changed", "charged"),
    [
        ({"method": "HEAD", "bytes": 0}, 0),
        ({"status": 403}, 0),
        ({"rendition": "audio-0"}, 0),
        ({"bytes": 500, "complete": False}, 2_000),
        ({"bytes": 499, "complete": False}, 0),
        ({"size": 0}, 0),
    ],
)
async def test_what_does_not_count_costs_nothing(
    platform: PlatformMaker, changed: dict[str, Any], charged: int
) -> None:
    scene = await playing(platform)
    await scene.log(fetched("s", 0, **changed))
    assert (await scene.hold("s")).charged_micros == charged
    assert await scene.db.value("select count(*) from rejected_line") == 0


async def test_sound_counts_in_films_without_pictures(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.start("s", audio_only=True)
    await scene.log(fetched("s", 0, rendition="audio-0"))
    assert (await scene.hold("s")).charged_micros == 4_000


async def test_lines_nobody_can_be_billed_for_are_kept_and_stop_nothing(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    lines = [
        b"",
        b"{torn",
        fetched("s", 0).replace(b"origin", b"\xff"),
        fetched("stranger", 0),
        fetched("nul\0", 0),
        fetched("s", 0, user_id=OTHER),
        fetched("s", 0, video=VIDEO + 1),
        fetched("s", 0, t_ms=NOW_MS - DAY_MS - 60_000),
        fetched("s", 0, end_ms=10**30),
        fetched("s", 0),
    ]
    await scene.log(*lines)
    sql = "select array(select lines || ' ' || reason from rejected_line order by byte_offset)"
    assert await scene.db.value(sql) == [
        "3 not_json", "1 unknown_session", "1 bad_field", "2 foreign", "1 late", "1 bad_field",
    ]  # fmt: skip
    assert (await scene.hold("s")).charged_micros == 4_000
    kept = await scene.db.value("select line from rejected_line order by byte_offset limit 1 offset 3")
    assert kept == lines[5].decode()


async def test_nobody_is_charged_faster_than_any_player_can_fetch(platform: PlatformMaker) -> None:
    scene = await playing(platform, amount=10_000)
    await scene.log(*played("s", 0, 1_000_000, t_ms=NOW_MS), *played("s", 0, 20_000, t_ms=NOW_MS))
    assert (await scene.hold("s")).charged_micros == metering.HEAD_START_MS
    refused = "select array_agg(distinct reason) || sum(lines)::text from rejected_line"
    assert await scene.db.value(refused) == ["too_fast", str((1_000_000 - metering.HEAD_START_MS) // 4_000)]
    # A second later some more can have come, whoever tells of it and in whatever order.
    await scene.log(*reversed(played("s", 500_000, 600_000, t_ms=NOW_MS + 1_000)), *played("s", 0, 8_000))
    assert (await scene.hold("s")).charged_micros == metering.HEAD_START_MS + 24_000
    await scene.log(*played("s", 600_000, 1_000_000, t_ms=NOW_MS + 60_000))
    assert (await scene.hold("s")).charged_micros == metering.HEAD_START_MS + 424_000
    await check_books(scene.db)


async def test_the_balance_ends_at_zero_and_the_rest_is_uncollected(platform: PlatformMaker) -> None:
    scene = await playing(platform, amount=100)
    await scene.log(*played("s", 0, 1_000_000))
    hold = await scene.hold("s")
    # The film has 600 s, so 600,000 are due; the lines beyond its end are delivered media all the same.
    assert (hold.state, hold.balance_micros, hold.charged_micros) == ("open", 0, 1_000_000)
    await scene.log(fetched("s", 1_000_000))
    assert (await scene.total("uncollected"), await scene.total("writeoff")) == (-4_000, 4_000)
    assert await scene.total("creator") + await scene.total("revenue") == 1_000_000
    await check_books(scene.db)


async def test_a_spent_session_goes_on_after_a_deposit(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await scene.start("s", price_per_minute=60)
    await scene.log(*played("s", 0, 96_000))
    hold = await scene.hold("s")
    assert (hold.state, hold.final, hold.balance_micros, hold.held_micros) == ("open", True, 40_000, 40_000)
    await scene.log(*played("s", 96_000, 104_000))
    hold = await scene.hold("s")
    assert (hold.state, hold.final, hold.balance_micros, hold.minutes_left) == ("spent", True, 0, 0)
    assert await scene.total("uncollected") == -40_000
    await scene.deposit(amount=200)
    hold = await scene.hold("s")
    assert (hold.state, hold.final, hold.held_micros) == ("open", False, 1_200_000)
    await scene.log(fetched("s", 104_000))
    assert await scene.balance_micros() == 2_000_000 - 40_000
    assert await scene.total("uncollected") == -40_000
    await check_books(scene.db)


async def test_one_session_never_takes_what_another_holds(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await scene.start("a", video_id=1, price_per_minute=40)
    await scene.start("b", video_id=2, price_per_minute=20)
    await scene.log(*played("b", 0, 300_000, video=2))
    assert [(await scene.hold(s)).held_micros for s in "ab"] == [800_000, 0]
    assert (await scene.hold("b")).state == "spent"
    await scene.log(*played("a", 0, 120_000, video=1))
    assert await scene.balance_micros() == 0
    await check_books(scene.db)


async def test_many_devices_on_one_wallet_never_overdraw_it(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    for i in range(64):
        await scene.try_start(f"s{i}", video_id=i + 1, price_per_minute=1)
    lines = [line for i in range(64) for line in played(f"s{i}", 0, 60_000, video=i + 1)]
    chunks = [scene.chunk(lines[first : first + 60]) for first in range(0, len(lines), 60)]
    for chunk in chunks:
        await asyncio.gather(scene.meter.apply([chunk]), scene.deposit(amount=100), scene.hold("s3"))
    assert await scene.balance_micros() == (100 + 100 * len(chunks)) * 10_000 - 50 * 10_000
    await check_books(scene.db)


async def test_a_failure_in_the_middle_changes_nothing(
    platform: PlatformMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await playing(platform)
    before = await scene.db.value("select json_agg(t) from (select * from hold, watch, account) t")
    chunk = scene.chunk([*played("s", 0, 40_000), b"bad"])

    async def die(*_: object) -> None:
        raise ConnectionResetError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("api.billing.queries_log.reject", die)
        with pytest.raises(ConnectionResetError):
            await scene.meter.apply([chunk])
    assert await scene.db.value("select json_agg(t) from (select * from hold, watch, account) t") == before
    assert await scene.meter.positions() == {}
    await scene.meter.apply([chunk])
    assert (await scene.hold("s")).charged_micros == 40_000


async def test_a_price_change_starts_another_watch(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    await scene.log(*played("s", 0, 60_000))
    await scene.start("dearer", price_per_minute=2 * PRICE)
    await scene.log(*played("dearer", 0, 60_000), *played("s", 60_000, 64_000))
    assert [(await scene.hold(s)).charged_micros for s in ("s", "dearer")] == [64_000, 120_000]


async def test_a_watch_lasts_a_day_from_its_first_fetch(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    begun = NOW_MS - DAY_MS + HOUR_MS
    await scene.log(fetched("s", 0, t_ms=begun))
    await scene.log(fetched("s", 0, t_ms=begun + DAY_MS - 1), fetched("s", 4_000, t_ms=begun + DAY_MS - 1))
    assert (await scene.hold("s")).charged_micros == 8_000
    await scene.log(fetched("s", 0, t_ms=begun + DAY_MS), fetched("s", 4_000, t_ms=begun + DAY_MS - 1))
    hold = await scene.hold("s")
    assert (hold.charged_micros, hold.delivered_ms) == (12_000, 8_000)
    assert await scene.db.value("select count(*) from watch") == 2
    # What is still said of the first day belongs to it, and the next session finds the second.
    await scene.log(fetched("s", 4_000, t_ms=begun + 500))
    await scene.start("later")
    assert (await scene.hold("s")).charged_micros == 12_000
    assert await scene.db.value("select count(*) from watch") == 2
    await check_books(scene.db)


async def test_a_service_may_charge_what_a_session_has_seen_in_all(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    for seen_ms, charged in ((60_000, 6), (60_000, 6), (30_000, 6), (90_500, 9), (10**10, 60)):
        done = await scene.internal("POST", "/api/billing/charge", {"session_id": "s", "seen_ms": seen_ms})
        assert (done.status_code, done.json()["charged"], done.json()["balance"]) == (
            200,
            charged,
            done.json()["balance"],
        )
    assert done.json()["balance"] == 940
    # The log speaks of the same minutes.
    await scene.log(*played("s", 0, FILM_MS))
    assert (await scene.hold("s")).charged_micros == FILM_MS
    await check_books(scene.db)


async def test_a_position_moves_only_from_where_it_is(platform: PlatformMaker) -> None:
    db = (await platform("billing")).db("billing")
    step = {
        "stream": "fetches:origin",
        "generation": 1,
        "byte_offset": 50,
        "from_generation": None,
        "from_offset": None,
    }
    assert [await queries_log.move(db, [step]), await queries_log.move(db, [step])] == [1, 0]
    wrong, right = {"from_generation": 1, "from_offset": 49}, {"from_generation": 1, "from_offset": 50}
    assert await queries_log.move(db, [step | wrong | {"byte_offset": 90}]) == 0
    assert await queries_log.move(db, [step | right | {"byte_offset": 90}]) == 1
    assert await queries_log.reached(db) == [queries_log.Reached("fetches:origin", 1, 90)]


async def test_another_meter_cannot_bill_the_same_lines(platform: PlatformMaker) -> None:
    scene = await playing(platform)
    chunk = scene.chunk(played("s", 0, 40_000))
    await asyncio.gather(*(scene.meter.apply([chunk]) for _ in range(3)))
    assert (await scene.hold("s")).charged_micros == 40_000
    assert await scene.db.value("select count(*) from journal where kind = 'charge'") == 1
