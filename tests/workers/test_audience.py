"""The audience: exact numbers from the fetch log, whatever is repeated, late, out of order or broken in it."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from api.analytics.queries_position import positions
from api.analytics.times import from_ms, to_minute
from api.clients import Clients
from api.database import Database
from media.fetch import Fetch
from tests.analytics.feed import (
    Stream,
    audience,
    feed,
    fetch,
    know,
    lines,
    obvious_count,
    random_fetches,
    watch,
)
from tests.conftest import Platform, PlatformMaker
from workers.audience import Audience
from workers.follow import Gap, follow

# 2026-03-29, 22:45 UTC: sessions cross an hour, a day and a summer-time change.
START_MS = 1_774_824_300_000
FACTS = {1: (100, 61_000), 2: (101, 12_000), 3: (100, 300_500)}


@dataclass(frozen=True)
class Stored:
    """A row of any rollup, in columns of the same name."""

    video_id: int
    at: datetime
    count: Any


@dataclass(frozen=True)
class Rejected:
    reason: str
    lines: int


async def stored(db: Database, column: str, grain_min: int = 1) -> Counter[tuple[int, int]]:
    rows = await db.all(
        Stored,
        f"select video_id, at, {column} as count from rollup where grain_min = :grain_min and {column} <> 0",
        grain_min=grain_min,
    )
    return Counter({(row.video_id, to_minute(row.at)): row.count for row in rows})


def coarse(counts: Counter[tuple[int, int]], grain_min: int) -> Counter[tuple[int, int]]:
    """The same numbers per bucket of a grain, for the videos, their creators (below 0) and the platform (0)."""
    found: Counter[tuple[int, int]] = Counter()
    for (video, minute), count in counts.items():
        for subject in (video, 0, -FACTS[video][0]):
            found[subject, minute - minute % grain_min] += count
    return +found


async def assert_exact(db: Database, fetches: list[Fetch]) -> None:
    """Every table holds what the obvious count finds."""
    right = obvious_count(fetches, FACTS)
    for grain_min in (1, 15, 1440):
        for column, counts in (
            ("watch_ms", right.watch_ms),
            ("viewer_minutes", right.active),
            ("starts", right.starts),
            ("views", right.views),
            ("completions", right.completions),
        ):
            assert await stored(db, column, grain_min) == coarse(counts, grain_min), (column, grain_min)
    for grain_min in (15, 1440):
        rows = await db.all(
            Stored, "select video_id, at, user_id as count from viewer where grain_min = :g", g=grain_min
        )
        assert {(row.video_id, to_minute(row.at), row.count) for row in rows} == {
            (subject, minute - minute % grain_min, user)
            for video, user, minute in right.viewers
            for subject in (video, 0, -FACTS[video][0])
        }
    for video in FACTS:
        assert await retention(db, video) == [right.covered[video][bucket] for bucket in range(100)]


async def retention(db: Database, video: int) -> list[int]:
    rows = await db.all(
        Stored, "select video_id, at, steps as count from retention where grain_min = 15 and video_id = :v", v=video
    )
    steps = [sum(row.count[step] for row in rows) for step in range(101)]
    return [sum(steps[: bucket + 1]) for bucket in range(100)]


async def started(platform: PlatformMaker) -> Platform:
    p = await platform("analytics")
    await know(p.db("analytics"), *((video, *facts) for video, facts in FACTS.items()))
    return p


@pytest.mark.parametrize("seed", range(4))
async def test_shuffled_repeated_and_split_lines_give_the_obvious_count(platform: PlatformMaker, seed: int) -> None:
    p, pick = await started(platform), random.Random(seed)
    fetches = random_fetches(seed, FACTS, START_MS, hours=3)
    shuffled = [*fetches, *pick.choices(fetches, k=len(fetches) // 5)]
    pick.shuffle(shuffled)
    reader, streams = audience(p), [Stream("fetches:origin"), Stream("fetches:edge")]
    while shuffled:
        size = pick.choice([1, 5, 40, 200])
        batch, shuffled = shuffled[:size], shuffled[size:]
        await reader.apply([pick.choice(streams).chunk(lines(batch))])
        if pick.random() < 0.3:
            await reader.idle()
    await reader.idle()
    await assert_exact(p.db("analytics"), fetches)


async def test_chunks_read_again_and_cut_elsewhere_add_nothing(platform: PlatformMaker) -> None:
    p, reader = await started(platform), None
    fetches = random_fetches(11, FACTS, START_MS, hours=2)
    first, second = Stream().chunk(lines(fetches[:100])), Stream().chunk(lines(fetches))
    for chunks in ([first], [first], [second], [first, second], [second]):
        reader = audience(p)
        await reader.apply(chunks)
    assert reader is not None and await reader.positions() == {"fetches:origin": second.end}
    await assert_exact(p.db("analytics"), fetches)


async def test_sessions_wait_until_their_video_is_known(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    fetches = random_fetches(5, FACTS, START_MS, hours=2)
    await feed(p, *fetches[:100])
    assert await stored(p.db("analytics"), "watch_ms") == Counter()
    await know(p.db("analytics"), *((video, *facts) for video, facts in FACTS.items()))
    await feed(p, *fetches[100:])
    await assert_exact(p.db("analytics"), fetches)


async def test_a_late_line_moves_a_view_to_the_hour_the_session_really_began_in(platform: PlatformMaker) -> None:
    p = await started(platform)
    session, other = watch("a", 7, 3, START_MS + 3_600_000, range(8)), watch("b", 7, 3, START_MS + 3_900_000, range(75))
    late = [fetch("a", 7, 3, START_MS, 20), fetch("b", 7, 3, START_MS - 3_600_000, 0)]
    await feed(p, *session, *other)
    await feed(p, late[0])
    await assert_exact(p.db("analytics"), [*session, *other, late[0]])
    await feed(p, late[1])
    await assert_exact(p.db("analytics"), [*session, *other, *late])


async def test_a_gap_is_refused_and_leaves_everything_as_it_was(platform: PlatformMaker) -> None:
    p, stream = await started(platform), Stream()
    await audience(p).apply([stream.chunk(lines([fetch("a", 7, 1, START_MS, 0)]))])
    before = stream.end
    stream.chunk(lines([fetch("a", 7, 1, START_MS, 1)]))
    with pytest.raises(Gap):
        await audience(p).apply([stream.chunk(lines([fetch("a", 7, 1, START_MS, 2)]))])
    assert await audience(p).positions() == {"fetches:origin": before}
    assert sum((await stored(p.db("analytics"), "starts")).values()) == 3


async def test_a_batch_that_fails_leaves_neither_position_nor_numbers(platform: PlatformMaker) -> None:
    p, stream = await started(platform), Stream()
    db = p.db("analytics")
    await db.run("alter table viewer add constraint nobody check (user_id <> 7)")
    chunk = stream.chunk(lines(watch("a", 7, 1, START_MS, range(5))))
    with pytest.raises(Exception, match="nobody"):
        await audience(p).apply([chunk])
    assert await positions(db) == [] and await stored(db, "watch_ms") == Counter()
    await db.run("alter table viewer drop constraint nobody")
    await audience(p).apply([chunk])
    await assert_exact(db, watch("a", 7, 1, START_MS, range(5)))


async def test_a_bad_line_is_counted_and_does_not_stop_the_stream(platform: PlatformMaker) -> None:
    p = await started(platform)
    good, bad = watch("a", 7, 1, START_MS, range(4)), b'{"v":1}\nnot \xff\0 json\n\n{}\n'
    await audience(p).apply([Stream().chunk(bad + lines(good) + bad)])
    rows = await p.db("analytics").all(Rejected, "select reason, lines from rejected")
    assert {row.reason: row.lines for row in rows} == {"bad_field": 4, "not_json": 2}
    await assert_exact(p.db("analytics"), good)


async def test_what_delivered_no_picture_starts_no_session(platform: PlatformMaker) -> None:
    p = await started(platform)
    refused: list[dict[str, Any]] = [
        {"status": 403},
        {"method": "HEAD", "bytes": 0},
        {"bytes": 100},
        {"rendition": "audio-0"},
        {"size": 0},
    ]
    await feed(p, *(fetch("a", 7, 1, START_MS, 0, **changed) for changed in refused))
    assert await p.db("analytics").value("select count(*) from session") == 0
    assert await p.db("analytics").value("select count(*) from rejected") == 0


async def test_a_video_gone_before_we_asked_is_counted_without_its_facts(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    facts = [{"id": 1, "title": "Film", "uploaded_by": 7, "price_per_minute": 5, "duration_ms": 61_000}]
    facts[0] |= {"status": "ready", "visibility": "public", "generation": 1}

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=facts if request.url.path.startswith("/internal/videos") else [])

    async with Clients(p.settings, "audience", httpx2.MockTransport(answer)) as one:
        reader = Audience(p.db("analytics"), one)
        own, gone = watch("a", 7, 1, START_MS, range(4)), watch("b", 7, 2, START_MS, range(4))
        await reader.apply([Stream().chunk(lines([*own, *gone]))])
        await reader.idle()
    views = await stored(p.db("analytics"), "views", 1440)
    assert {video: count for (video, _), count in views.items()} == {2: 1, 0: 1}
    assert await p.db("analytics").value("select title from video where video_id = 1") == "Film"


async def test_two_audiences_at_once_count_once(platform: PlatformMaker) -> None:
    p = await started(platform)
    fetches = random_fetches(3, FACTS, START_MS, hours=2)
    chunk = Stream().chunk(lines(fetches))
    await asyncio.gather(*(audience(p).apply([chunk]) for _ in range(4)))
    await assert_exact(p.db("analytics"), fetches)


async def test_the_position_remembers_the_time_of_the_newest_line(platform: PlatformMaker) -> None:
    p = await started(platform)
    await feed(p, fetch("a", 7, 1, START_MS, 0), fetch("a", 7, 1, START_MS - 5000, 1))
    await feed(p, fetch("a", 7, 1, START_MS - 9000, 2))
    (read,) = await positions(p.db("analytics"))
    assert read.read_at == from_ms(START_MS)


async def test_a_stream_in_redis_ends_up_in_the_numbers(platform: PlatformMaker) -> None:
    p = await started(platform)
    fetches, stream = random_fetches(2, FACTS, START_MS, hours=2), Stream("fetches:test")
    async with Redis.from_url(p.settings.text("REDIS_URL")) as redis:
        await redis.flushdb()
        await redis.sadd("fetches", stream.name)
        for part in (fetches[:30], fetches[30:]):
            chunk = stream.chunk(lines(part))
            entry: dict[Any, Any] = {"start": chunk.start, "lines": chunk.payload}
            await redis.xadd(stream.name, entry, id=f"1-{chunk.end.offset}")
        stop, reader = asyncio.Event(), audience(p)
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(follow(p.settings, reader, stop))
            while (await reader.positions()).get(stream.name) != stream.end:
                await asyncio.sleep(0.02)
            stop.set()
        await redis.flushdb()
    await assert_exact(p.db("analytics"), fetches)
