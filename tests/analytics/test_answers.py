"""What the calls answer, number by number."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.analytics.times import to_ms
from tests.analytics.feed import feed, fetch, know, obvious_count, random_fetches, watch
from tests.analytics.test_track import event, track
from tests.conftest import Platform, PlatformMaker

# 2026-03-29 22:45 UTC: in Berlin it is the next day, in Kathmandu a quarter to five of it.
START_MS = 1_774_824_300_000
FACTS = {1: (100, 60_000), 2: (101, 12_000), 3: (100, 300_000)}
DAY: dict[str, str] = {"from": "2026-03-29", "to": "2026-03-29"}
OPERATOR, OWNER = (1, "operator"), (100, "user")


async def started(platform: PlatformMaker) -> Platform:
    p = await platform("analytics")
    await know(p.db("analytics"), *((video, *facts) for video, facts in FACTS.items()))
    return p


async def ask(p: Platform, path: str, params: dict[str, Any] = DAY, who: tuple[int, str] = OPERATOR) -> Any:
    path = f"/api/analytics/{path}"
    found = await p.call("GET", "analytics", path, token=p.user(*who), params=params)
    assert found.status_code == 200, found.text
    return found.json()


def picked(answer: dict[str, Any], *names: str) -> list[Any]:
    return [answer[name] for name in names]


async def test_a_video_shows_what_was_delivered_of_it(platform: PlatformMaker) -> None:
    p = await started(platform)
    whole, short, own = (watch(s, u, 1, START_MS, range(n)) for s, u, n in (("a", 7, 15), ("b", 8, 2), ("c", 100, 15)))
    await feed(p, *whole, *short, *own)
    await track(p, event(1, 50_000), event(2, 20_000, type="refund"))
    found = await ask(p, "videos/1", who=OWNER)
    assert picked(found, "views", "unique_viewers", "starts", "completions") == [1, 2, 2, 1]
    assert picked(found, "watch_time", "watch_time_ms", "average_view_duration", "completion_rate") == [
        68,
        68_000,
        68,
        100.0,
    ]
    assert picked(found, "revenue", "revenue_micros", "gross_micros", "refunds_micros") == [3, 30_000, 50_000, 20_000]
    assert found["retention"] == [100.0] * 14 + [50.0] * 86
    assert found["concurrency"] == {"peak_viewers": 2, "average_viewers": 0.0}
    hours = await ask(p, "videos/1", DAY | {"interval": "hour"}, OWNER)
    assert picked(hours["series"][22], "peak_viewers", "average_viewers") == [2, 0.03]
    assert found["title"] == "Film 1" and set(found["definitions"]) >= {"views", "retention", "revenue", "watch_time"}


async def test_a_short_film_is_viewed_from_its_half(platform: PlatformMaker) -> None:
    p = await started(platform)
    half = fetch("a", 7, 2, START_MS, 0, end_ms=6000)
    less = fetch("b", 8, 2, START_MS, 0, end_ms=5999)
    await feed(p, half, less)
    assert picked(await ask(p, "videos/2"), "views", "starts", "completions") == [1, 2, 0]


async def test_a_user_counts_one_view_per_video_and_hour(platform: PlatformMaker) -> None:
    p = await started(platform)
    times = [0, 5 * 60_000, 20 * 60_000, 70 * 60_000]
    await feed(p, *(one for n, t in enumerate(times) for one in watch(f"s{n}", 7, 1, START_MS + t, range(4))))
    found = await ask(p, "videos/1", {"from": "2026-03-29", "to": "2026-03-30"})
    assert picked(found, "views", "unique_viewers", "starts") == [2, 1, 4]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
async def test_days_of_any_zone_are_cut_at_its_midnight(platform: PlatformMaker, seed: int, tz: str) -> None:
    p = await started(platform)
    fetches = random_fetches(seed, FACTS, START_MS, hours=40)
    await feed(p, *fetches)
    found = await ask(p, "dashboard", {"from": "2026-03-28", "to": "2026-04-02", "tz": tz, "interval": "day"})
    right = obvious_count(fetches, FACTS)
    for bucket in [*found["series"], found["totals"] | {"start": found["from"], "end": found["to"]}]:
        start, end = (to_ms(datetime.fromisoformat(bucket[name])) // 60_000 for name in ("start", "end"))
        watch_ms = sum(ms for (_, minute), ms in right.watch_ms.items() if start <= minute < end)
        views = sum(count for (_, minute), count in right.views.items() if start <= minute < end)
        viewers = {user for _, user, minute in right.viewers if start <= minute < end}
        assert picked(bucket, "watch_time_ms", "views", "unique_viewers") == [watch_ms, views, len(viewers)]
    assert sum(bucket["watch_time_ms"] for bucket in found["series"]) == found["totals"]["watch_time_ms"] > 0


async def test_the_dashboard_has_the_period_before_empty_buckets_and_the_leaders(platform: PlatformMaker) -> None:
    p, day_ms = await started(platform), 86_400_000
    await feed(p, *watch("a", 7, 1, START_MS, range(15)), *watch("b", 8, 1, START_MS - day_ms, range(5)))
    found = await ask(p, "dashboard", DAY | {"interval": "hour"})
    assert (found["totals"]["watch_time_ms"], found["previous"]["watch_time_ms"]) == (60_000, 20_000)
    assert [bucket["watch_time_ms"] for bucket in found["series"]] == [0] * 22 + [60_000, 0]
    assert picked(found["top_videos"][0], "video_id", "title", "views") == [1, "Film 1", 1]
    assert picked(found, "from", "to", "live_viewers") == ["2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z", 0]


async def test_what_is_open_is_provisional_and_what_is_long_over_is_not(platform: PlatformMaker) -> None:
    p = await started(platform)
    today = await ask(p, "dashboard", {})
    assert today["provisional"] and today["series"][-1]["provisional"] and not today["series"][0]["provisional"]
    assert not (await ask(p, "dashboard"))["provisional"]


@pytest.mark.parametrize(("by", "order"), [("views", [3, 1]), ("watch_time", [1, 3, 2]), ("viewers", [3, 1, 2])])
async def test_the_leaders_are_ordered_as_asked(platform: PlatformMaker, by: str, order: list[int]) -> None:
    p = await started(platform)
    await feed(
        p,
        *watch("a", 7, 1, START_MS, range(15)),
        *(one for user in (7, 8, 9) for one in watch(f"b{user}", user, 3, START_MS, range(3 if user != 9 else 1))),
        fetch("c", 7, 2, START_MS, 0),
    )
    assert [item["video_id"] for item in (await ask(p, "top-videos", DAY | {"by": by}))["items"]] == order
    assert len((await ask(p, "top-videos", DAY | {"by": by, "limit": 1}))["items"]) == 1


async def test_money_is_shown_by_bucket_by_video_and_by_creator(platform: PlatformMaker) -> None:
    p = await started(platform)
    await track(p, event(1, 50_000), event(2, 70_000, video_id=2, creator_id=101), event(3, 30_000, video_id=3))
    by_video = await ask(p, "revenue", DAY | {"group": "video", "interval": "hour"})
    assert [bucket["revenue_micros"] for bucket in by_video["series"]] == [0] * 22 + [150_000, 0]
    assert [picked(item, "video_id", "title", "revenue") for item in by_video["items"]] == [
        [2, "Film 2", 7],
        [1, "Film 1", 5],
        [3, "Film 3", 3],
    ]
    by_creator = await ask(p, "revenue", DAY | {"group": "creator"})
    assert [picked(item, "creator_id", "revenue_micros") for item in by_creator["items"]] == [
        [100, 80_000],
        [101, 70_000],
    ]
    assert [item["video_id"] for item in (await ask(p, "top-videos", DAY | {"by": "revenue"}))["items"]] == [2, 1, 3]


async def test_creators_see_their_own_videos_and_nobody_elses(platform: PlatformMaker) -> None:
    p = await started(platform)
    await feed(p, *watch("a", 7, 1, START_MS, range(5)), *watch("b", 7, 3, START_MS, range(4)))
    await feed(p, *watch("c", 8, 2, START_MS, range(3)))
    await track(p, event(1, 50_000), event(2, 70_000, video_id=2, creator_id=101))
    assert (await ask(p, "revenue", who=OWNER))["total"]["gross_micros"] == 50_000
    report = await ask(p, f"reports/{DAY['from']}..{DAY['to']}", {}, OWNER)
    assert picked(report["totals"], "watch_time_ms", "unique_viewers", "gross_micros") == [36_000, 1, 50_000]
    assert [item["video_id"] for item in (await ask(p, "top-videos", who=OWNER))["items"]] == [1, 3]
    nothing = await ask(p, "revenue", DAY | {"group": "video"}, (9, "user"))
    assert (nothing["total"]["gross_micros"], nothing["items"]) == (0, [])


async def test_a_user_reads_the_own_history_page_by_page(platform: PlatformMaker) -> None:
    p = await started(platform)
    await feed(p, *(one for n in range(5) for one in watch(f"s{n}", 7, 1, START_MS + n // 2 * 60_000, range(n + 1))))
    await feed(p, fetch("other", 8, 1, START_MS, 0))
    await track(p, event(1, 50_000, session_id="s3"), event(2, 10_000, session_id="s3", type="refund"))
    first = await ask(p, "user", {"limit": 3}, (7, "user"))
    rest = await ask(p, "user", {"limit": 3, "cursor": first["next_cursor"]}, (7, "user"))
    assert [item["session_id"] for item in [*first["items"], *rest["items"]]] == ["s4", "s3", "s2", "s1", "s0"]
    assert rest["next_cursor"] is None
    item = first["items"][1]
    assert picked(item, "video_id", "title", "watch_time", "revenue", "created_at") == [
        1,
        "Film 1",
        16,
        4,
        "2026-03-29T22:46:00Z",
    ]


@pytest.mark.parametrize("tz", ["UTC", "Asia/Kathmandu"])
async def test_a_report_is_the_same_in_csv_and_json(platform: PlatformMaker, tz: str) -> None:
    p = await started(platform)
    await feed(p, *random_fetches(8, FACTS, START_MS, hours=30))
    await track(p, *(event(n, 12_345 * n) for n in range(1, 6)))
    params = {"tz": tz, "from": "2026-03-30"}
    found = await ask(p, "reports/weekly", params)
    path = "/api/analytics/reports/weekly"
    text = await p.call("GET", "analytics", path, token=p.user(*OPERATOR), params=params | {"format": "csv"})
    assert text.headers["content-type"].startswith("text/csv")
    *buckets, total = csv.DictReader(io.StringIO(text.text))
    whole = {"row": "total", "start": found["from"], "end": found["to"]} | found["totals"]
    assert total == {name: str(whole[name]) for name in total}
    assert buckets == [
        {name: str(one[name]) for name in total if name != "row"} | {"row": "bucket"} for one in found["series"]
    ]
    assert len(buckets) == 7 and sum(int(one["watch_time_ms"]) for one in buckets) > 0


async def test_the_report_of_a_closed_period_never_changes(platform: PlatformMaker) -> None:
    p = await started(platform)
    name = f"reports/{DAY['from']}..{DAY['to']}"
    await feed(p, *watch("a", 7, 1, START_MS, range(5)))
    assert (await ask(p, name, {}))["totals"]["views"] == 1
    await feed(p, fetch("b", 7, 1, START_MS + 86_400_000, 0))
    first = await ask(p, name, {})
    await feed(p, *watch("late", 8, 1, START_MS, range(5)))
    assert await ask(p, name, {}) == first
    assert (await ask(p, name, {"tz": "Europe/Berlin"}))["from"] == "2026-03-28T23:00:00Z"


async def test_the_original_tables_show_the_same_numbers(platform: PlatformMaker) -> None:
    p = await started(platform)
    db = p.db("analytics")
    await feed(p, *watch("a", 7, 1, START_MS, range(15)), *watch("b", 8, 1, START_MS, range(3)))
    await track(p, event(1, 50_000, session_id="a"), event(2, 20_000, session_id="a", type="refund"))
    video = "total_views, total_watch_time, total_revenue, completion_rate::text, created_at <= updated_at"
    assert await db.value(f"select ({video})::text from video_analytics where video_id = 1") == "(2,72,3,50.00,t)"
    user = "user_id, video_id, watch_time, revenue, session_id, created_at is not null"
    assert await db.value(f"select ({user})::text from user_activities where id = 1") == "(7,1,60,3,a,t)"
    platform_day = "metric_date, total_views, total_users, total_revenue, total_watch_time"
    assert await db.value(f"select ({platform_day})::text from platform_metrics") == "(2026-03-29,2,2,3,72)"


async def test_live_numbers_come_as_events(platform: PlatformMaker) -> None:
    p = await started(platform)
    now = datetime.now(UTC)
    last_minute = to_ms(now.replace(second=0, microsecond=0) - timedelta(seconds=30))
    await feed(p, fetch("a", 7, 1, last_minute, 0), fetch("a", 7, 1, to_ms(now), 1), fetch("c", 100, 1, to_ms(now), 1))
    url = p.settings.service_url("analytics") + "/api/analytics/live"
    headers = {"authorization": f"Bearer {p.user(*OPERATOR)}"}
    async with p.http.stream("GET", url, headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        found = stream.aiter_lines()
        assert await anext(found) == "event: live"
        body = json.loads((await anext(found)).removeprefix("data: "))
    assert picked(body, "live_viewers", "watch_minutes_per_minute") == [1, 0.07]
