"""Who may ask for what, and what a wrong question is answered with."""

from typing import Any

from tests.analytics.feed import know
from tests.conftest import PlatformMaker

CALLS = ["dashboard", "studio", "videos/1", "user", "top-videos", "revenue", "reports/daily", "live"]


async def test_strangers_are_asked_to_sign_in(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    for call in CALLS:
        for token, code in ((None, "unauthenticated"), ("nonsense", "invalid_token")):
            refused = await p.call("GET", "analytics", f"/api/analytics/{call}", token=token)
            assert (call, refused.status_code, refused.json()["code"]) == (call, 401, code)


async def test_what_is_for_operators_or_owners_is_forbidden_to_others(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    await know(p.db("analytics"), (1, 100, 60_000))
    for call in ("dashboard", "videos/1"):
        refused = await p.call("GET", "analytics", f"/api/analytics/{call}", token=p.user(7))
        assert (call, refused.status_code, refused.json()["code"]) == (call, 403, "forbidden")


async def test_what_cannot_exist_is_not_found(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    for call in ("videos/0", "videos/99999999999999999999", "videos/film", "nothing"):
        missing = await p.call("GET", "analytics", f"/api/analytics/{call}", token=p.user(1, "operator"))
        assert (call, missing.status_code, missing.json()["code"]) == (call, 404, "not_found")


async def test_an_unknown_video_cannot_be_judged_while_videos_is_away(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    unknown = await p.call("GET", "analytics", "/api/analytics/videos/5", token=p.user(1, "operator"))
    assert (unknown.status_code, unknown.json()["code"]) == (503, "unavailable")


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("dashboard", {"from": "yesterday"}, "from"),
    ("dashboard", {"from": "2026-03-29T10:01:00Z"}, "from"),
    ("dashboard", {"from": "2026-03-29", "to": "2026-03-28"}, "to"),
    ("dashboard", {"to": "9999-12-31"}, "to"),
    ("dashboard", {"tz": "Mars/Olympus"}, "tz"),
    ("dashboard", {"tz": "../../etc/passwd"}, "tz"),
    ("dashboard", {"interval": "second"}, "interval"),
    ("dashboard", {"from": "2020-01-01", "interval": "hour"}, "interval"),
    ("dashboard", {"limit": "5"}, "limit"),
    ("videos/1", {"from": "2026-03-29T10:00"}, "from"),
    ("user", {"limit": "0"}, "limit"),
    ("user", {"cursor": "abc"}, "cursor"),
    ("user", {"cursor": "1.a\0"}, "cursor"),
    ("top-videos", {"by": "luck"}, "by"),
    ("top-videos", {"limit": "101"}, "limit"),
    ("revenue", {"group": "user"}, "group"),
    ("revenue", {"unknown": "1"}, "unknown"),
    ("reports/hourly", {}, "period"),
    ("reports/2026-03-02..2026-03-01", {}, "to"),
    ("reports/2026-02-30..2026-03-01", {}, "period"),
    ("reports/daily", {"format": "pdf"}, "format"),
    ("reports/daily", {"to": "2026-03-29"}, "to"),
]


async def test_a_wrong_parameter_is_named(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    await know(p.db("analytics"), (1, 100, 60_000))
    for call, params, field in WRONG:
        path, token = f"/api/analytics/{call}", p.user(1, "operator")
        refused = await p.call("GET", "analytics", path, token=token, params=params)
        found = (refused.status_code, refused.json()["code"], [one["field"] for one in refused.json()["errors"]])
        assert (call, params, *found) == (call, params, 422, "invalid_request", [field])


async def test_an_owner_reads_zeros_of_a_video_nobody_watched(platform: PlatformMaker) -> None:
    p = await platform("analytics", "videos")
    files = {"file": ("film.mp4", b"\0\0\0\x20ftypisom" + bytes(64), "video/mp4")}
    made = await p.call("POST", "videos", "/api/videos", token=p.user(100), data={"title": "Bees"}, files=files)
    path = f"/api/analytics/videos/{made.json()['id']}"
    found = (await p.call("GET", "analytics", path, token=p.user(100))).json()
    assert (found["title"], found["views"], found["retention"]) == ("Bees", 0, [0.0] * 100)
    assert (await p.call("GET", "analytics", path, token=p.user(7))).status_code == 403
    unknown = await p.call("GET", "analytics", "/api/analytics/videos/4040", token=p.user(1, "operator"))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
