"""Detail goes, totals stay; users go, totals stay; what players told counts once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from api.analytics import detail, playback
from api.analytics.times import from_ms
from api.clients import Clients
from tests.analytics.feed import feed, fetch, know, watch
from tests.analytics.test_track import event, track
from tests.conftest import Platform, PlatformMaker

START_MS = 1_774_824_300_000  # 2026-03-29, 22:45 UTC
AT = from_ms(START_MS)
DAY = {"from": "2026-03-29", "to": "2026-03-29", "interval": "hour"}


async def started(platform: PlatformMaker) -> Platform:
    p = await platform("analytics")
    await know(p.db("analytics"), (1, 100, 60_000), (2, 101, 60_000))
    return p


async def dashboard(p: Platform, **params: Any) -> Any:
    path, token = "/api/analytics/dashboard", p.user(1, "operator")
    found = await p.call("GET", "analytics", path, token=token, params=DAY | params)
    return found.json()


def lasting(found: dict[str, Any]) -> list[Any]:
    return [found[name] for name in ("totals", "series", "renditions", "quality")]


async def test_minutes_lie_in_partitions_and_are_dropped_by_whole_months(platform: PlatformMaker) -> None:
    p = await started(platform)
    db = p.db("analytics")
    assert await detail.tidy(db, 90, AT) == {"made": 2, "dropped": 0}
    assert await detail.tidy(db, 90, AT) == {"made": 0, "dropped": 0}
    await feed(p, *watch("a", 7, 1, START_MS, range(15)), fetch("a", 7, 1, START_MS, 0, status=503, size=0))
    assert await db.value("select count(*) from session_minute_202603") == 1
    before = await dashboard(p)
    assert (await detail.tidy(db, 90, AT + timedelta(days=125)))["dropped"] == 6
    assert await db.value("select count(*) from session_minute") == 0
    after = await dashboard(p)
    assert lasting(after) == lasting(before) and after["totals"]["peak_viewers"] == 1
    await feed(p, fetch("a", 7, 1, START_MS, 14))
    assert await db.value("select reason from rejected") == "late"
    refused = await dashboard(p, interval="minute")
    assert refused["code"] == "invalid_request" and refused["errors"][0]["field"] == "interval"


async def test_an_erased_user_leaves_every_total_behind(platform: PlatformMaker) -> None:
    p = await started(platform)
    await feed(p, *watch("a", 7, 1, START_MS, range(15)), *watch("b", 8, 1, START_MS, range(5)))
    await track(p, event(1, 50_000))
    before = await dashboard(p)
    assert (await detail.forget_user(p.db("analytics"), 7), await detail.forget_user(p.db("analytics"), 7)) == (1, 0)
    assert lasting(await dashboard(p)) == lasting(before)
    mine = await p.call("GET", "analytics", "/api/analytics/user", token=p.user(7))
    assert mine.json()["items"] == []


def told(session: str, changed_s: int, **changed: Any) -> dict[str, Any]:
    return {
        "session_id": session,
        "video_id": 1,
        "user_id": 7,
        "started_at": AT.isoformat(),
        "changed_at": (AT + timedelta(seconds=changed_s)).isoformat(),
        "startup_ms": 450,
        "stalls": 1,
        "stall_ms": 2000,
        "dropped_frames": 3,
    } | changed


@pytest.mark.parametrize("times", [1, 3])
async def test_what_players_told_counts_once_and_as_last_heard(platform: PlatformMaker, times: int) -> None:
    p = await started(platform)
    rows = [
        told("a", 1),
        told("b", 2, startup_ms=None, stalls=0, stall_ms=0, dropped_frames=0),
        told("own", 3, user_id=100),
        told("a", 4, stall_ms=8000, startup_ms=10**12),
    ]

    def answer(request: httpx2.Request) -> httpx2.Response:
        through = datetime.fromisoformat(request.url.params["through"])
        rest = [row for row in rows if datetime.fromisoformat(row["changed_at"]) > through]
        return httpx2.Response(200, json=rest)

    async with Clients(p.settings, "audience", httpx2.MockTransport(answer)) as clients:
        for _ in range(times):
            await p.db("analytics").run("update told set through = :at", at=datetime(2000, 1, 1, tzinfo=UTC))
            assert await playback.hear(p.db("analytics"), clients) == 4
            assert await playback.hear(p.db("analytics"), clients) == 0
    found = (await dashboard(p))["quality"]
    names = ("playbacks", "startups", "start_failures", "stalls", "stall_ms", "startup_ms_p50", "start_failure_rate")
    assert [found[name] for name in names] == [2, 1, 1, 1, 8000, 30_000, 50.0]
