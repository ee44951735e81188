"""What operators see of payments that are not plain, and what creators cannot take out meanwhile."""

from typing import Any

import pytest

from tests.billing.scenes import CREATOR, VIEWER, Scene, check_books
from tests.conftest import PlatformMaker

CHIEF = 1


async def troubles(s: Scene) -> Any:
    return (await s.p.call("GET", "billing", "/api/billing/troubles", token=s.p.user(CHIEF, "operator"))).json()


async def payment(s: Scene, name: str, **columns: object) -> None:
    """A payment as `payments.py` leaves it."""
    given = {"id": "pay_" + name * 32, "provider": "test", "reference": name, "user_id": VIEWER, "idem_key": name}
    given |= {"amount_micros": 5_000_000, "currency": "USD"} | columns
    names = ", ".join(given)
    await s.db.run(f"insert into payment ({names}) values ({', '.join(':' + n for n in given)})", **given)


async def taken_back(s: Scene, micros: int) -> None:
    """A bank takes back what was deposited, as far as it is gone: the wallet's user owes it."""
    sql = """
        with place as (
            insert into account (kind, owner, currency, minor_micros)
            values ('receivable', 7, 'USD', 10000), ('clearing_stripe', 0, 'USD', 10000) returning id, kind
        ), original as (select min(id) as id from journal where kind = 'deposit'), made as (
            insert into journal (idem_key, kind, effective_at, reverses)
            select 'chargeback ' || random(), 'adjustment', now(), null returning id
        )
        insert into entry (journal_id, account_id, amount_micros)
        select made.id, place.id, case place.kind when 'receivable' then -:micros::bigint else :micros end
        from made, place
    """
    await s.db.run(sql, micros=micros)


async def test_payments_that_are_not_plain_are_listed_and_others_are_not(platform: PlatformMaker) -> None:
    s = Scene(await platform("billing"))
    await s.deposit()
    await payment(s, "a", trouble="ordered 5000000 USD, the provider has 4000000 USD", state="pending")
    await payment(s, "b", state="pending")
    await payment(s, "c", state="failed")
    await s.db.run(
        "update payment set created_at = now() - interval '2 hours', ask_after = now() where reference in ('b', 'c')"
    )
    await payment(s, "d", state="pending")
    found = await troubles(s)
    assert [(p["kind"], p["reference"], p["amount"]) for p in found["payments"]] == [
        ("mismatch", "a", 500),
        ("doubtful", "b", 500),
    ]
    assert (found["more"], found["messages"], found["owing"], found["uncollected_micros"]) == (False, [], [], 0)


async def test_messages_that_could_not_be_heard_are_counted(platform: PlatformMaker) -> None:
    s = Scene(await platform("billing", PAYMENT_PROVIDER="checkout"))
    for _ in range(3):
        refused = await s.p.call("POST", "billing", "/api/billing/webhooks/test", json={"id": "forged"})
        assert refused.status_code == 400
    assert (await s.p.call("POST", "billing", "/api/billing/webhooks/nobody", json={})).status_code == 404
    [failure] = (await troubles(s))["messages"]
    assert (failure["provider"], failure["code"], failure["times"]) == ("test", "bad_signature", 3)
    assert failure["last_heard_at"] is None


async def test_what_was_never_paid_is_shown(platform: PlatformMaker) -> None:
    s = Scene(await platform("billing"))
    await s.deposit(amount=100)
    await s.finished("s", 120_000, price_per_minute=100)
    assert (await troubles(s))["uncollected_micros"] == 1_000_000


@pytest.mark.parametrize(("owed", "reserved", "left"), [(0, 0, 480), (1, 1, 480), (300, 240, 480), (9000, 480, 480)])
async def test_a_creators_share_of_what_a_viewer_owes_is_kept_back(
    platform: PlatformMaker, owed: int, reserved: int, left: int
) -> None:
    s = Scene(await platform("billing"))
    await s.deposit()
    await s.finished("s", 600_000, price_per_minute=60)
    if owed:
        await taken_back(s, owed * 10_000)
    found = await s.told("earnings", CREATOR)
    assert (found["reserved"], found["pending"], found["available"]) == (reserved, left, 0)
    assert [(d["user_id"], d["owed"]) for d in (await troubles(s))["owing"]] == ([(VIEWER, owed)] if owed else [])
    await check_books(s.db)


async def test_a_payout_leaves_what_is_reserved(platform: PlatformMaker) -> None:
    s = Scene(await platform("billing", PAYOUT_HOLD_DAYS="0", PAYOUT_MINIMUM="1"))
    await s.deposit()
    await s.db.run("alter table journal alter column created_at set default now() - interval '1 day'")
    await s.finished("s", 600_000, price_per_minute=60)
    await s.db.run("alter table journal alter column created_at set default now()")
    while not (await s.told("earnings", CREATOR))["available"]:
        await s.sweep()
    await taken_back(s, 2_500_000)
    assert (await s.told("earnings", CREATOR))["available"] == 280
    refused = await s.money("payouts", {"amount": 281}, user=CREATOR)
    assert (refused.status_code, refused.json()["code"], refused.json()["available"]) == (409, "not_available", 280)
    assert (await s.money("payouts", {}, user=CREATOR)).json()["amount"] == 280


async def test_troubles_are_for_operators(platform: PlatformMaker) -> None:
    s = Scene(await platform("billing"))
    assert (await s.p.call("GET", "billing", "/api/billing/troubles", token=s.p.user(VIEWER))).status_code == 403
