"""Monthly statements: opening and movements give the closing balance, session by session, and a closed month stays."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from api.billing import months
from api.billing.queries_month import Movement, Standing
from tests.billing.scenes import CREATOR, OTHER, VIDEO, VIEWER, Scene, played
from tests.conftest import PlatformMaker

NOW = datetime.now(UTC)
MONTH = f"{NOW:%Y-%m}"
BEFORE = f"{NOW.year - (NOW.month == 1)}-{(NOW.month - 2) % 12 + 1:02}"
AFTER = f"{NOW.year + NOW.month // 12}-{NOW.month % 12 + 1:02}"


async def statement(scene: Scene, month: str = MONTH, user: int = VIEWER) -> Any:
    path = f"/api/billing/statements/{month}"
    found = await scene.p.call("GET", "billing", path, token=scene.p.user(user))
    assert found.status_code == 200, found.text
    return found.json()


async def eventful(platform: PlatformMaker) -> Scene:
    """A deposit; a session refunded in part, one forgiven in part, one that is free; an adjustment."""
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=5000)
    await scene.finished("a", 60_000, price_per_minute=60)
    await scene.start("b", video_id=VIDEO + 1)
    await scene.log(*played("b", 0, 40_000, video=VIDEO + 1))
    await scene.end("b", wall_ms=30_000)
    await scene.finished("again", 20_000, price_per_minute=60)
    wish = {"session_id": "a", "reason": "as a courtesy", "amount": 7}
    assert (await scene.money("refunds", wish, user=99, role="operator")).status_code == 201
    change = {"user_id": VIEWER, "amount": -3, "reason": "counted twice"}
    assert (await scene.money("adjustments", change, user=99, role="operator")).status_code == 201
    return scene


def sums(found: Any) -> dict[str, int]:
    return {part: found[part]["amount_micros"] for part in ("deposits", "charges", "refunds", "adjustments")}


async def test_opening_and_movements_give_the_closing_balance(platform: PlatformMaker) -> None:
    scene = await eventful(platform)
    found = await statement(scene)
    assert sums(found) == {"deposits": 50_000_000, "charges": -630_000, "refunds": 70_000, "adjustments": -30_000}
    assert found["opening_micros"] + sum(sums(found).values()) == found["closing_micros"]
    assert found["closing_micros"] == await scene.balance_micros()
    assert (found["opening"], found["closing"], found["currency"]) == (0, 4941, "USD")
    for part in ("deposits", "charges", "refunds", "adjustments"):
        assert sum(item["amount_micros"] for item in found[part]["items"]) == found[part]["amount_micros"]
    assert (found["complete"], found["reconciled_through"], found["month"]) == (False, None, MONTH)


async def test_each_session_tells_what_was_delivered_free_and_forgiven(platform: PlatformMaker) -> None:
    found = await statement(await eventful(platform))
    told = {
        item["session_id"]: [item[name] for name in ("delivered_ms", "free_ms", "forgiven_ms", "amount_micros")]
        for item in found["charges"]["items"]
    }
    assert told == {
        "a": [60_000, 0, 0, -600_000],
        "b": [40_000, 0, 10_000, -30_000],
        "again": [20_000, 20_000, 0, 0],
    }
    assert [item["price_per_minute"] for item in found["charges"]["items"]] == [60, 6, 60]
    [refund] = found["refunds"]["items"]
    assert (refund["session_id"], refund["amount"]) == ("a", 7)


async def moved_back(scene: Scene, session: str) -> None:
    """What was booked so far happened last month: written as the database's owner, past its own triggers."""
    async with scene.db.connection() as connection:
        await connection.raw.execute("reset role")
        for name in ("journal", "entry"):
            await connection.raw.execute(f"alter table {name} disable trigger user")
        await connection.raw.execute("update journal set created_at = created_at - interval '31 days'")
        await connection.raw.execute(
            f"update hold set created_at = created_at - interval '31 days' where session_id = '{session}'"
        )


async def test_a_month_begins_with_what_the_one_before_left(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await scene.start("long")
    await scene.log(*played("long", 0, 40_000))
    await moved_back(scene, "long")
    then = datetime.fromisoformat(await scene.db.value("select min(created_at)::text from journal"))
    await scene.log(*played("long", 40_000, 60_000))
    await scene.deposit(amount=200)
    before = await statement(scene, f"{then:%Y-%m}")
    assert (before["opening_micros"], before["closing_micros"]) == (0, 960_000)
    assert (before["complete"], sums(before)["charges"]) == (True, -40_000)
    now = await statement(scene)
    assert (now["opening_micros"], now["closing_micros"]) == (960_000, 2_940_000)
    [session] = now["charges"]["items"]
    assert (session["session_id"], session["amount_micros"], session["delivered_ms"]) == ("long", -20_000, 60_000)
    again = await statement(scene, f"{then:%Y-%m}")
    assert {**again, "as_of": 0} == {**before, "as_of": 0}


async def test_a_month_without_anything_is_empty(platform: PlatformMaker) -> None:
    scene = await eventful(platform)
    for found in (await statement(scene, BEFORE), await statement(scene, user=OTHER)):
        assert (found["opening_micros"], found["closing_micros"]) == (0, 0)
        assert [found[part]["items"] for part in ("deposits", "charges", "refunds", "adjustments")] == [[], [], [], []]


async def test_creators_read_what_they_earned(platform: PlatformMaker) -> None:
    found = (await statement(await eventful(platform), user=CREATOR))["earnings"]
    assert (found["share_micros"], found["share"], found["matured"], found["payouts"]) == (448_000, 44, 0, 0)


@pytest.mark.parametrize("month", [AFTER, "2999-12"])
async def test_months_to_come_have_no_statement(platform: PlatformMaker, month: str) -> None:
    p = await platform("billing")
    refused = await p.call("GET", "billing", f"/api/billing/statements/{month}", token=p.user(VIEWER))
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026-1", "1999-01", "2026", "x", "2026-01-01", "٢٠٢٦-01"])
async def test_what_is_no_month_is_refused(platform: PlatformMaker, month: str) -> None:
    p = await platform("billing")
    refused = await p.call("GET", "billing", f"/api/billing/statements/{month}", token=p.user(VIEWER))
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["field"] == "month"


async def test_as_csv_all_lines_but_the_last_add_up_to_it(platform: PlatformMaker) -> None:
    scene = await eventful(platform)
    path = f"/api/billing/statements/{MONTH}?format=csv"
    found = await scene.p.call("GET", "billing", path, token=scene.p.user(VIEWER))
    assert found.headers["content-disposition"] == f'attachment; filename="statement-{MONTH}.csv"'
    rows = list(csv.DictReader(io.StringIO(found.text, newline="")))
    lines = [row["line"] for row in rows]
    assert lines == ["opening", "deposit", "charge", "charge", "charge", "refund", "adjustment", "closing"]
    amounts = [int(row["amount_micros"]) for row in rows]
    assert sum(amounts[:-1]) == amounts[-1] == await scene.balance_micros()
    assert (rows[3]["session_id"], rows[3]["forgiven_ms"], rows[6]["description"]) == ("b", "10000", "counted twice")


async def test_strangers_see_nothing(platform: PlatformMaker) -> None:
    p = await platform("billing")
    refused = await p.call("GET", "billing", f"/api/billing/statements/{MONTH}")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")


def test_the_year_turns_after_december() -> None:
    since, until = months.bounds("2025-12", NOW)
    assert (since, until) == (datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


def test_sums_that_do_not_agree_are_never_shown() -> None:
    moved = [Movement(1, "deposit", NOW, "Deposit", None, 5)]
    nothing = months.Part(0, 0, [])
    months.prove(Standing(1, 0, 5), moved, nothing)
    with pytest.raises(months.Unbalanced):
        months.prove(Standing(1, 0, 6), moved, nothing)
    with pytest.raises(months.Unbalanced):
        months.prove(Standing(1, 0, 5), [Movement(1, "payout", NOW, "", None, 5)], nothing)
