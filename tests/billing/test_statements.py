"""What people read of their money: one row per deposit and session, in pages; revenue for those it belongs to."""

from typing import Any

import pytest

from tests.billing.scenes import CREATOR, OTHER, VIDEO, VIEWER, Scene, played
from tests.conftest import PlatformMaker


async def transactions(scene: Scene, query: str = "", user: int = VIEWER) -> dict[str, Any]:
    path = f"/api/billing/transactions{query}"
    answered = await scene.p.call("GET", "billing", path, token=scene.p.user(user))
    assert answered.status_code == 200, answered.text
    page: dict[str, Any] = answered.json()
    return page


async def history(platform: PlatformMaker) -> Scene:
    """A deposit, a session, a deposit, another session; the first session then goes on."""
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=500)
    await scene.start("a", video_id=1)
    await scene.log(*played("a", 0, 20_000, video=1))
    await scene.deposit(amount=300)
    await scene.start("b", video_id=2)
    await scene.log(*played("b", 0, 60_000, video=2))
    await scene.log(*played("a", 20_000, 36_000, video=1))
    return scene


async def test_a_session_is_one_transaction_that_grows(platform: PlatformMaker) -> None:
    scene = await history(platform)
    page = await transactions(scene)
    rows = [(t["transaction_type"], t["amount"], t["amount_micros"], t["session_id"]) for t in page["items"]]
    assert rows == [
        ("charge", -6, -60_000, "b"),
        ("deposit", 300, 3_000_000, None),
        ("charge", -3, -36_000, "a"),
        ("deposit", 500, 5_000_000, None),
    ]
    assert sum(t["amount_micros"] for t in page["items"]) == await scene.balance_micros()
    assert [t["balance_after"] for t in page["items"]] == [792, 798, 790, 500]
    assert [t["video_id"] for t in page["items"]] == [2, None, 1, None]
    assert page["next_cursor"] is None


async def test_what_was_forgiven_is_not_shown_as_charged(platform: PlatformMaker) -> None:
    scene = await history(platform)
    await scene.end("a", 10_000)
    [row] = [t for t in (await transactions(scene))["items"] if t["session_id"] == "a"]
    assert (row["amount_micros"], row["transaction_type"]) == (-10_000, "charge")


async def test_pages_follow_each_other_without_gap_or_double(platform: PlatformMaker) -> None:
    scene = await history(platform)
    whole = (await transactions(scene))["items"]
    first = await transactions(scene, "?limit=3")
    second = await transactions(scene, f"?limit=3&cursor={first['next_cursor']}")
    assert first["items"] + second["items"] == whole
    assert second["next_cursor"] is None
    assert (await transactions(scene, "?limit=4"))["next_cursor"] is None


async def test_transactions_are_filtered_by_type_and_time(platform: PlatformMaker) -> None:
    scene = await history(platform)
    kinds = [t["transaction_type"] for t in (await transactions(scene, "?type=deposit"))["items"]]
    assert kinds == ["deposit", "deposit"]
    assert (await transactions(scene, "?type=refund"))["items"] == []
    third = (await transactions(scene))["items"][1]["created_at"].replace("+", "%2B")
    assert len((await transactions(scene, f"?from={third}"))["items"]) == 2
    assert len((await transactions(scene, f"?to={third}"))["items"]) == 2
    assert (await transactions(scene, "?from=2000-01-01&to=2000-01-02"))["items"] == []


async def test_everybody_sees_only_their_own(platform: PlatformMaker) -> None:
    scene = await history(platform)
    assert (await transactions(scene, user=OTHER))["items"] == []
    assert (await transactions(scene, user=CREATOR))["items"] == []
    assert (await scene.p.call("GET", "billing", "/api/billing/transactions")).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=0",
        f"cursor={2**63}",
        "type=gift",
        "from=yesterday",
        "limit=0",
        "limit=201",
        "page=2",
        "to=0001-01-01T00:00:00%2B10:00",
    ],
)
async def test_wrong_queries_are_refused(platform: PlatformMaker, query: str) -> None:
    p = await platform("billing")
    refused = await p.call("GET", "billing", f"/api/billing/transactions?{query}", token=p.user(VIEWER))
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["field"] == query.partition("=")[0]


async def test_revenue_is_the_operators_in_all_and_the_creators_in_part(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=5000)
    await scene.start("a", price_per_minute=600, creator_id=CREATOR)
    await scene.start("b", price_per_minute=600, video_id=VIDEO + 1, creator_id=CREATOR + 1)
    await scene.log(*played("a", 0, 60_000), *played("b", 0, 20_000, video=VIDEO + 1))

    async def revenue(user: int, role: str = "user", query: str = "") -> list[int]:
        path = f"/api/billing/revenue/total{query}"
        found = (await scene.p.call("GET", "billing", path, token=scene.p.user(user, role))).json()
        assert (found["currency"], found["refunds"], found["reconciled_through"]) == ("USD", 0, None)
        assert found["net"] == found["gross"]
        return [found["gross"], found["creator_share"], found["platform_share"]]

    assert await revenue(99, "operator") == [800, 640, 160]
    assert await revenue(CREATOR) == [600, 480, 120]
    assert await revenue(CREATOR + 1) == [200, 160, 40]
    assert await revenue(VIEWER) == [0, 0, 0]
    assert await revenue(99, "operator", "?to=2020-01-01") == [0, 0, 0]
    assert await revenue(99, "operator", "?from=2020-01-01") == [800, 640, 160]
