"""A scripted week of viewing: every number equals what is counted over the log by other means, however the log came."""

import csv
import io
import json
import random
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from api.analytics.times import to_ms
from api.clients import Clients
from media.fetch import Fetch
from tests.analytics.feed import Stream, audience, fetch, know, lines, obvious_count, random_fetches
from tests.analytics.test_track import event, track
from tests.conftest import Platform, PlatformMaker
from workers.reconcile.audience import compare

START_MS = 1_774_824_300_000  # 2026-03-29, 22:45 UTC, the day summer time begins in Berlin
FACTS = {1: (100, 60_000), 2: (101, 12_000), 3: (100, 300_000)}
WEEK: dict[str, Any] = {"from": "2026-03-29", "to": "2026-04-06", "tz": "Europe/Berlin", "interval": "day"}
OPERATOR, CREATOR = (1, "operator"), (100, "user")


def script() -> list[Fetch]:
    """Seven days: seeks, rung switches, repeats, owners watching themselves, and segments that failed."""
    made = [
        msgspec.structs.replace(one, session_id=f"day{day}-{one.session_id}")
        for day in range(7)
        for one in random_fetches(day, FACTS, START_MS + day * 86_400_000, hours=24)
    ]
    failed = {"status": 503, "bytes": 150, "size": 0}
    return [*made, *(fetch("s", 7, 3, START_MS + n * 3_600_000, n, **failed) for n in range(9))]


def three_times_over(fetches: list[Fetch], pick: random.Random) -> list[Fetch]:
    """The log three times, shuffled, a tenth repeated, a twentieth at the very end."""
    late = set(pick.sample(range(len(fetches)), len(fetches) // 20))
    early = [one for n, one in enumerate(fetches) if n not in late] * 3
    early += pick.choices(early, k=len(early) // 10)
    pick.shuffle(early)
    return [*early, *(fetches[n] for n in sorted(late))]


async def fed(platform: PlatformMaker, fetches: list[Fetch], *services: str) -> Platform:
    """A platform whose audience has read these lines in batches of all sizes."""
    p, pick = await platform("analytics", *services), random.Random(7)
    await know(p.db("analytics"), *((video, *facts) for video, facts in FACTS.items()))
    reader, stream = audience(p), Stream()
    while fetches:
        size = pick.choice([1, 60, 500, 900])
        await reader.apply([stream.chunk(lines(fetches[:size]))])
        fetches = fetches[size:]
    await reader.idle()
    return p


async def asked(p: Platform, path: str, who: tuple[int, str], **params: Any) -> Any:
    found = await p.call("GET", "analytics", f"/api/analytics/{path}", token=p.user(*who), params=WEEK | params)
    assert found.status_code == 200, found.text
    return found.text if params.get("format") == "csv" else found.json()


def own_ms(fetches: list[Fetch]) -> int:
    """What owners got of their own films, millisecond by millisecond."""
    seen: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    for one in fetches:
        if one.user_id == FACTS[one.video][0]:
            seen[one.session_id, one.video] |= set(range(one.start_ms, one.end_ms))
    return sum(map(len, seen.values()))


async def test_a_week_read_three_times_over_equals_the_count_over_the_log(platform: PlatformMaker) -> None:
    fetches = script()
    p = await fed(platform, three_times_over(fetches, random.Random(3)))
    charges = {n: 1000 * n + 7 for n in range(1, 40)}
    paid = [event(n, micros, at_ms=START_MS + n * 14_400_000, video_id=1 + n % 3) for n, micros in charges.items()]
    await track(p, *paid)
    await track(p, *random.Random(5).sample(paid, 20))
    good = [one for one in fetches if one.status == 200]
    right = obvious_count(good, FACTS)
    found = await asked(p, "dashboard", OPERATOR)
    for bucket in found["series"]:
        first, last = (to_ms(datetime.fromisoformat(bucket[name])) for name in ("start", "end"))
        ms = sum(ms for (_, minute), ms in right.watch_ms.items() if first <= minute * 60_000 < last)
        views = sum(count for (_, minute), count in right.views.items() if first <= minute * 60_000 < last)
        micros = sum(m for n, m in charges.items() if first <= START_MS + n * 14_400_000 < last)
        assert (bucket["watch_time_ms"], bucket["views"], bucket["revenue_micros"]) == (ms, views, micros)
    totals = found["totals"]
    assert (
        totals["watch_time_ms"]
        == sum(right.watch_ms.values())
        == sum(row["watch_time_ms"] for row in found["renditions"])
    )
    active: Counter[int] = Counter()
    for (_, minute), count in right.active.items():
        active[minute] += count
    assert (totals["peak_viewers"], totals["own_watch_time_ms"]) == (max(active.values()), own_ms(good))
    assert totals["revenue_micros"] == sum(charges.values())
    assert found["quality"]["errors"] == 9
    rows = list(csv.DictReader(io.StringIO(await asked(p, "dashboard", OPERATOR, format="csv"))))
    assert [int(row["watch_time_ms"]) for row in rows[:-1]] == [b["watch_time_ms"] for b in found["series"]]
    studio = await asked(p, "studio", CREATOR)
    own = {video: ms for (video, _), ms in right.watch_ms.items()}
    of_creator = sum(ms for (video, _), ms in right.watch_ms.items() if FACTS[video][0] == 100)
    assert set(own) == set(FACTS) and studio["totals"]["watch_time_ms"] == of_creator


async def test_reconciliation_finds_a_millisecond_and_a_micro_unit(platform: PlatformMaker) -> None:
    fetches = script()
    p = await fed(platform, fetches, "billing")
    root: Path = p.settings.path("FETCH_LOG_ROOT")
    root.mkdir(parents=True)
    (root / "origin-1.log").write_bytes(lines(fetches))
    now_ms = START_MS + 30 * 86_400_000
    async with Clients(p.settings, "tests") as clients:
        honest = await compare(root, p.db("billing"), clients, None, now_ms)
        assert honest.days > 20 and honest.differences == []
        await p.db("analytics").run("update rollup_day set watch_ms = watch_ms + 1 where video_id = 3 and watch_ms > 0")
        await track(p, event(1, 1, at_ms=START_MS + 86_400_000))
        found = await compare(root, p.db("billing"), clients, None, now_ms)
    wrong = {each.subject: (each.recorded, each.derived) for each in found.differences}
    day = wrong["video 1 2026-03-30"]
    assert (day[0]["gross_micros"], day[1]["gross_micros"]) == (1, 0)
    assert all(has["watch_ms"] == should["watch_ms"] + 1 for name, (has, should) in wrong.items() if "video 3" in name)
    assert json.dumps(sorted(wrong)).count("video 3") >= 7
