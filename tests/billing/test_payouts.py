"""Creators' money: it waits, matures by day, goes out in payouts, and comes back when they fail."""

import asyncio
from typing import Any

import pytest

from tests.billing.scenes import CREATOR, OTHER, Scene, check_books, ledger
from tests.conftest import PlatformMaker

OPERATOR = 1
SHARE = 4_800_000  # micros: 8,000 basis points of ten minutes at 60 minor units


async def scene(platform: PlatformMaker, **settings: str) -> Scene:
    made = Scene(await platform("billing", **{"PAYOUT_MINIMUM": "100"} | settings))
    await made.deposit()
    return made


async def as_if(s: Scene, days_ago: int) -> None:
    """What is posted from now on was posted so many days ago."""
    await s.db.run(f"alter table journal alter column created_at set default now() - interval '{days_ago} days'")


async def earned(s: Scene, days_ago: int, session: str = "s") -> None:
    """Ten minutes for 6.00 in all, watched so many days ago; the creator's share is 4.80."""
    await as_if(s, days_ago)
    await s.finished(session, 600_000, price_per_minute=60, video_id=5)
    await as_if(s, 0)


async def matured(s: Scene) -> None:
    """Sweep until all days are closed; one is, at each."""
    while not await s.db.value("select max(day) = (now() at time zone 'utc')::date - 1 from closed_day"):
        await s.sweep()
    await s.sweep()


async def standing(s: Scene) -> list[int]:
    found = await s.told("earnings", CREATOR)
    return [found[k] for k in ("pending", "available", "requested", "paid")]


async def ask(s: Scene, body: object = None, key: str | None = None) -> Any:
    return await s.money("payouts", body or {}, key, user=CREATOR)


async def conclude(s: Scene, payout: int, state: str, **more: object) -> Any:
    return await s.money(f"payouts/{payout}", {"state": state, **more}, user=OPERATOR, role="operator")


async def test_earnings_wait_two_weeks_and_can_then_be_paid_out(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await earned(s, 14)
    await matured(s)
    assert await standing(s) == [480, 0, 0, 0]
    assert (await ask(s)).json()["code"] == "below_minimum"
    await s.db.run("update earning_day set day = day - 1")
    await s.sweep()
    assert await standing(s) == [0, 480, 0, 0]
    made = await ask(s)
    assert made.status_code == 201, made.text
    assert (made.json()["amount"], made.json()["state"], made.json()["currency"]) == (480, "requested", "USD")
    assert await standing(s) == [0, 0, 480, 0]
    paid = await conclude(s, made.json()["id"], "paid", reference="wire 7")
    assert (paid.json()["state"], paid.json()["reference"]) == ("paid", "wire 7")
    assert await standing(s) == [0, 0, 0, 480]
    await check_books(s.db)


async def test_a_creator_reads_earnings_and_payouts_among_the_transactions(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await earned(s, 20)
    await matured(s)
    made = (await ask(s, {"amount": 300})).json()
    await conclude(s, made["id"], "returned")
    items = (await s.told("transactions", CREATOR))["items"]
    assert [(i["transaction_type"], i["amount"], i["balance_after"]) for i in items] == [
        ("payout", 300, 480), ("payout", -300, 180), ("payout_earning", 480, 480),
    ]  # fmt: skip
    assert items[2]["description"].startswith("Earnings through 20")


async def test_money_of_today_is_pending(platform: PlatformMaker) -> None:
    s = await scene(platform, PAYOUT_HOLD_DAYS="0")
    await earned(s, 0)
    assert await standing(s) == [480, 0, 0, 0]
    await s.sweep()
    assert await standing(s) == [480, 0, 0, 0]


async def test_days_are_closed_once_however_many_sweep(platform: PlatformMaker) -> None:
    s = await scene(platform, PAYOUT_HOLD_DAYS="0")
    await earned(s, 3)
    await asyncio.gather(*(s.sweep() for _ in range(8)))
    await matured(s)
    assert await standing(s) == [0, 480, 0, 0]
    assert await s.db.value("select count(*) from journal where kind = 'payout_earning'") == 1
    assert {k: t for k, o, t in await ledger(s.db) if k in ("creator", "payable")} == {"creator": 0, "payable": SHARE}


async def test_a_refund_after_the_payout_is_first_earned_again(platform: PlatformMaker) -> None:
    s = await scene(platform, PAYOUT_HOLD_DAYS="0")
    await earned(s, 3)
    await matured(s)
    await ask(s, {"amount": 400})
    body = {"session_id": "s", "reason": "sorry"}
    assert (await s.money("refunds", body, user=OPERATOR, role="operator")).status_code == 201
    assert await standing(s) == [-480, 0, 400, 0]
    assert (await ask(s, {"amount": 100})).json()["code"] == "not_available"
    # Its day is closed: what is there covers a part of the loss, so the whole of it waits for gains.
    await s.db.run(
        "insert into earning_day values ((select id from account where kind = 'creator'), '2020-01-01', -480)"
    )
    await s.sweep()
    assert await s.db.value("select balance_micros from account where kind = 'payable'") == 800_000 - 480
    await check_books(s.db)


async def test_concurrent_payouts_take_what_there_is_once(platform: PlatformMaker) -> None:
    s = await scene(platform, PAYOUT_HOLD_DAYS="0")
    await earned(s, 3)
    await matured(s)
    answers = await asyncio.gather(*(ask(s, {"amount": 300}) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7
    same = await asyncio.gather(*(ask(s, {"amount": 100}, "key") for _ in range(8)))
    assert {a.status_code for a in same} == {201}
    assert len({a.text for a in same}) == 1
    assert await standing(s) == [0, 80, 400, 0]


async def test_a_payout_comes_back_once(platform: PlatformMaker) -> None:
    s = await scene(platform, PAYOUT_HOLD_DAYS="0")
    await earned(s, 3)
    await matured(s)
    made = (await ask(s)).json()
    await conclude(s, made["id"], "paid")
    answers = await asyncio.gather(*(conclude(s, made["id"], "returned") for _ in range(4)))
    assert {a.json()["state"] for a in answers} == {"returned"}
    assert await standing(s) == [0, 480, 0, 0]
    assert (await conclude(s, made["id"], "paid")).json()["code"] == "payout_closed"
    await check_books(s.db)


async def test_creators_see_their_own_payouts_and_operators_all(platform: PlatformMaker) -> None:
    s = await scene(platform, PAYOUT_HOLD_DAYS="0")
    await earned(s, 3)
    await matured(s)
    for _ in range(3):
        await ask(s, {"amount": 100})
    first = await s.told("payouts?limit=2", CREATOR)
    rest = await s.told(f"payouts?limit=2&cursor={first['next_cursor']}", CREATOR)
    assert ([len(first["items"]), len(rest["items"])], rest["next_cursor"]) == ([2, 1], None)
    assert (await s.told("payouts", OTHER))["items"] == []
    path = "/api/billing/payouts?all=true&state=requested"
    everyones = await s.p.call("GET", "billing", path, token=s.p.user(OPERATOR, "operator"))
    assert len(everyones.json()["items"]) == 3
    assert (await s.p.call("GET", "billing", path, token=s.p.user(CREATOR))).status_code == 403
    assert (await s.p.call("GET", "billing", "/api/billing/payouts")).status_code == 401


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount": 99}, "below_minimum"),
        ({"amount": 481}, "not_available"),
        ({"amount": 0}, "invalid_request"),
        ({"amount": "100"}, "invalid_request"),
        ({"to": "me"}, "invalid_request"),
    ],
)
async def test_a_wrong_payout_is_refused(platform: PlatformMaker, body: object, code: str) -> None:
    s = await scene(platform, PAYOUT_HOLD_DAYS="0")
    await earned(s, 3)
    await matured(s)
    assert (await ask(s, body)).json()["code"] == code
    assert await standing(s) == [0, 480, 0, 0]


async def test_only_operators_conclude_payouts(platform: PlatformMaker) -> None:
    s = await scene(platform)
    assert (await s.money("payouts/1", {"state": "paid"}, user=CREATOR)).status_code == 403
    for number in ("1", "0", "-1", "9" * 30, "x"):
        path = f"payouts/{number}"
        assert (await s.money(path, {"state": "paid"}, user=OPERATOR, role="operator")).status_code == 404
    assert (await conclude(s, 1, "lost")).status_code == 422
