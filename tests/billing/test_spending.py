"""The daily limit: set by its user, kept at every start, the same for all sessions together; free films need none."""

from typing import Any

import pytest

from tests.billing.scenes import OTHER, VIDEO, VIEWER, Scene, played
from tests.conftest import PlatformMaker


async def limit(scene: Scene, daily: object, user: int = VIEWER) -> Any:
    token = scene.p.user(user)
    return await scene.p.call("PUT", "billing", "/api/billing/limits", json={"daily_limit": daily}, token=token)


async def rich(platform: PlatformMaker, daily: int) -> Scene:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=5000)
    assert (await limit(scene, daily)).json()["daily_limit"] == daily
    return scene


async def test_what_was_spent_today_is_told(platform: PlatformMaker) -> None:
    scene = await rich(platform, 100)
    await scene.finished("a", 20_000)
    found = await scene.told("limits")
    assert (found["daily_limit"], found["spent_today"], found["currency"]) == (100, 2, "USD")
    assert found["resets_at"].endswith("T00:00:00Z")
    assert (await scene.told("limits", user=OTHER))["daily_limit"] is None


async def test_nothing_starts_beyond_the_limit(platform: PlatformMaker) -> None:
    scene = await rich(platform, 9)
    await scene.finished("a", 40_000)
    refused = await scene.try_start("b", video_id=VIDEO + 1)
    assert (refused.status_code, refused.json()["code"], refused.json()["required"]) == (403, "daily_limit", 6)
    await limit(scene, 10)
    await scene.start("b", video_id=VIDEO + 1)


async def test_what_other_sessions_hold_counts_as_spent(platform: PlatformMaker) -> None:
    scene = await rich(platform, 17)
    await scene.start("a")
    assert (await scene.try_start("b", video_id=VIDEO + 1)).status_code == 403
    await scene.end("a", wall_ms=0)
    await scene.start("b", video_id=VIDEO + 1)


async def test_a_reload_and_what_is_free_need_nothing_more(platform: PlatformMaker) -> None:
    scene = await rich(platform, 12)
    await scene.start("a")
    await scene.start("reloaded")
    await scene.start("own", video_id=VIDEO + 1, free=True)
    assert (await scene.try_start("other", video_id=VIDEO + 2)).status_code == 403


async def test_a_new_day_starts_anew(platform: PlatformMaker) -> None:
    scene = await rich(platform, 10)
    await scene.finished("a", 60_000)
    assert (await scene.try_start("b", video_id=VIDEO + 1)).status_code == 403
    async with scene.db.connection() as connection:
        await connection.raw.execute("reset role")
        await connection.raw.execute("alter table journal disable trigger user")
        await connection.raw.execute("update journal set created_at = created_at - interval '1 day'")
        await connection.raw.execute("alter table journal enable trigger user")
        await connection.raw.execute("reset all")
    assert (await scene.told("limits"))["spent_today"] == 0
    await scene.start("b", video_id=VIDEO + 1)


async def test_refunds_do_not_count(platform: PlatformMaker) -> None:
    scene = await rich(platform, 10)
    await scene.finished("a", 60_000)
    assert (await scene.try_start("b", video_id=VIDEO + 1)).status_code == 403
    wish = {"session_id": "a", "reason": "as a courtesy"}
    await scene.money("refunds", wish, user=99, role="operator")
    assert (await scene.told("limits"))["spent_today"] == 0
    await scene.start("b", video_id=VIDEO + 1)


async def test_it_is_dropped_by_null(platform: PlatformMaker) -> None:
    scene = await rich(platform, 1)
    assert (await scene.try_start("a")).status_code == 403
    assert (await limit(scene, None)).json()["daily_limit"] is None
    await scene.start("a")
    await scene.log(*played("a", 0, 20_000))
    assert (await scene.told("limits"))["spent_today"] == 2


@pytest.mark.parametrize("daily", [0, -1, "5", 1.5, True, 10**13])
async def test_what_is_no_limit_is_refused(platform: PlatformMaker, daily: object) -> None:
    scene = Scene(await platform("billing"))
    refused = await limit(scene, daily)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "daily_limit")


async def test_a_limit_belongs_to_who_is_signed_in(platform: PlatformMaker) -> None:
    p = await platform("billing")
    assert (await p.call("GET", "billing", "/api/billing/limits")).status_code == 401
    assert (await p.call("PUT", "billing", "/api/billing/limits", json={"daily_limit": 1})).status_code == 401
