"""The daily limit: set by its user, kept at every start and while a session plays, the same for all sessions together.

Free films need none.
"""

from typing import Any

import pytest

from api.clients import Hold
from tests.billing.scenes import OTHER, VIDEO, VIEWER, Scene, check_books, played
from tests.conftest import PlatformMaker


async def limit(scene: Scene, daily: object, user: int = VIEWER) -> Any:
    token = scene.p.user(user)
    return await scene.p.call("PUT", "billing", "/api/billing/limits", json={"daily_limit": daily}, token=token)


async def rich(platform: PlatformMaker, daily: int) -> Scene:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=5000)
    assert (await limit(scene, daily)).json()["daily_limit"] == daily
    return scene


async def yesterday(scene: Scene) -> None:
    """All that was booked was booked a day before."""
    async with scene.db.connection() as connection:
        await connection.raw.execute("reset role")
        await connection.raw.execute("alter table journal disable trigger user")
        await connection.raw.execute("update journal set created_at = created_at - interval '1 day'")
        await connection.raw.execute("update account set spent_day = spent_day - 1")
        await connection.raw.execute("alter table journal enable trigger user")
        await connection.raw.execute("reset all")


def standing(hold: Hold) -> tuple[str, bool, bool, int]:
    """`limited`: the limit, not the balance, bounds what is left."""
    return hold.state, hold.final, hold.limited, hold.held_micros


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
    assert (refused.status_code, refused.json()["code"], refused.json()["required"]) == (402, "daily_limit", 6)
    await limit(scene, 10)
    await scene.start("b", video_id=VIDEO + 1)


async def test_what_other_sessions_hold_counts_as_spent(platform: PlatformMaker) -> None:
    scene = await rich(platform, 17)
    await scene.start("a")
    assert (await scene.try_start("b", video_id=VIDEO + 1)).status_code == 402
    await scene.end("a", wall_ms=0)
    await scene.start("b", video_id=VIDEO + 1)


async def test_a_reload_and_what_is_free_need_nothing_more(platform: PlatformMaker) -> None:
    scene = await rich(platform, 12)
    await scene.start("a")
    await scene.start("reloaded")
    await scene.start("own", video_id=VIDEO + 1, free=True)
    assert (await scene.try_start("other", video_id=VIDEO + 2)).status_code == 402


async def test_a_session_that_plays_ends_at_the_limit_and_goes_on_when_it_is_raised(platform: PlatformMaker) -> None:
    scene = await rich(platform, 9)
    # 9 pay for 90 s: less than two minutes can be held although the wallet has plenty.
    started = await scene.start("s")
    assert (standing(started), started.low_balance) == (("open", True, True, 90_000), True)
    await scene.log(*played("s", 0, 88_000))
    assert standing(await scene.hold("s")) == ("open", True, True, 2_000)
    await scene.log(*played("s", 88_000, 92_000))
    # One segment past the limit: it was delivered, so it is paid for.
    assert standing(await scene.hold("s")) == ("spent", True, True, 0)
    assert (await scene.hold("s")).charged_micros == 92_000
    assert (await scene.told("limits"))["spent_today"] == 10
    await limit(scene, 100)
    assert standing(await scene.hold("s")) == ("open", False, True, 120_000)
    await check_books(scene.db)


async def test_a_limit_below_what_is_held_lets_that_play_out(platform: PlatformMaker) -> None:
    scene = await rich(platform, 100)
    await scene.start("s")
    await limit(scene, 3)
    assert standing(await scene.hold("s")) == ("open", False, True, 120_000)
    await scene.log(*played("s", 0, 60_000))
    assert standing(await scene.hold("s")) == ("open", True, True, 60_000)
    await scene.log(*played("s", 60_000, 120_000))
    assert standing(await scene.hold("s")) == ("spent", True, True, 0)
    await check_books(scene.db)


async def test_a_session_stopped_by_the_limit_goes_on_the_next_day(platform: PlatformMaker) -> None:
    scene = await rich(platform, 6)
    await scene.start("s")
    await scene.log(*played("s", 0, 60_000))
    assert standing(await scene.hold("s")) == ("spent", True, True, 0)
    await yesterday(scene)
    assert standing(await scene.hold("s")) == ("open", True, True, 60_000)
    await scene.log(*played("s", 60_000, 120_000))
    assert (await scene.hold("s")).state == "spent"


async def test_two_sessions_share_what_the_limit_leaves(platform: PlatformMaker) -> None:
    scene = await rich(platform, 20)
    await scene.start("a")
    assert standing(await scene.start("b", video_id=VIDEO + 1)) == ("open", True, True, 80_000)
    await scene.end("a", wall_ms=0)
    assert standing(await scene.hold("b")) == ("open", False, True, 120_000)


async def test_an_empty_wallet_is_told_before_a_limit(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await limit(scene, 5000)
    await scene.start("s", price_per_minute=100)
    await scene.log(*played("s", 0, 60_000))
    assert standing(await scene.hold("s")) == ("spent", True, False, 0)


async def test_a_new_day_starts_anew(platform: PlatformMaker) -> None:
    scene = await rich(platform, 10)
    await scene.finished("a", 60_000)
    assert (await scene.try_start("b", video_id=VIDEO + 1)).status_code == 402
    await yesterday(scene)
    assert (await scene.told("limits"))["spent_today"] == 0
    await scene.start("b", video_id=VIDEO + 1)


async def test_refunds_do_not_count(platform: PlatformMaker) -> None:
    scene = await rich(platform, 10)
    await scene.finished("a", 60_000)
    assert (await scene.try_start("b", video_id=VIDEO + 1)).status_code == 402
    wish = {"session_id": "a", "reason": "as a courtesy"}
    await scene.money("refunds", wish, user=99, role="operator")
    assert (await scene.told("limits"))["spent_today"] == 0
    await scene.start("b", video_id=VIDEO + 1)


async def test_it_is_dropped_by_null(platform: PlatformMaker) -> None:
    scene = await rich(platform, 1)
    assert (await scene.try_start("a")).status_code == 402
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
