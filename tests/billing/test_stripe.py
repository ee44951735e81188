"""Deposits through Stripe: its adapter and webhooks, against a double that speaks its wire format."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.billing.app import make_app
from api.billing.stripepay import API_VERSION, stripe_micros
from api.settings import SettingsError, load
from tests.billing import stripe_double
from tests.billing.scenes import VIEWER, Scene, check_books, ledger
from tests.billing.stripe_double import KEY, SECRET, Double, sign
from tests.conftest import PlatformMaker


class Shop(Scene):
    """A platform that takes money through the double."""

    double: Double

    async def open(self, amount: int = 500, key: str | None = None) -> str:
        """A deposit's session at Stripe."""
        made = await self.money("deposit", {"amount": amount}, key)
        assert made.status_code == 202, made.text
        return str(made.json()["checkout_url"]).rpartition("/")[2]

    async def hear(self, body: bytes, headers: dict[str, str]) -> Any:
        return await self.p.call("POST", "billing", "/api/billing/webhooks/stripe", content=body, headers=headers)

    async def tell(self, kind: str, about: dict[str, Any]) -> None:
        assert (await self.hear(*self.double.event(kind, about))).status_code == 200


@pytest.fixture
async def shop(platform: PlatformMaker) -> AsyncIterator[Shop]:
    async with stripe_double.running() as double:
        made = Shop(
            await platform(
                "billing",
                PAYMENT_PROVIDER="stripe",
                STRIPE_SECRET_KEY=KEY,
                STRIPE_WEBHOOK_SECRET=SECRET,
                STRIPE_API_URL=double.url,
                PUBLIC_URL="https://films.example",
            )
        )
        made.double = double
        yield made


async def test_a_deposit_is_credited_when_stripe_says_that_it_is_paid(shop: Shop) -> None:
    name = await shop.open()
    session = shop.double.sessions[name]
    assert (session["amount_total"], session["currency"], session["mode"]) == (500, "usd", "payment")
    assert session["success_url"] == f"https://films.example/wallet?payment={session['client_reference_id']}"
    assert shop.double.versions == {API_VERSION}
    # The event says paid, the session is not: nothing is credited.
    await shop.tell("checkout.session.completed", session | {"payment_status": "paid"})
    assert await shop.balance_micros() == 0
    shop.double.pay(name)
    await shop.tell("checkout.session.completed", session)
    assert await shop.balance_micros() == 5_000_000
    assert await ledger(shop.db) == [("clearing_stripe", 0, -5_000_000), ("wallet", VIEWER, 5_000_000)]


async def test_repeated_and_reordered_events_credit_once(shop: Shop) -> None:
    name = await shop.open()
    session = shop.double.sessions[name]
    shop.double.pay(name)
    intent = session["payment_intent"]
    events = [
        shop.double.event("charge.succeeded", intent["latest_charge"]),
        shop.double.event("checkout.session.completed", session),
        shop.double.event("payment_intent.succeeded", intent),
        shop.double.event("payment_intent.created", intent | {"status": "requires_payment_method"}),
        shop.double.event("checkout.session.expired", session | {"status": "expired", "payment_status": "unpaid"}),
    ]
    answers = await asyncio.gather(*(shop.hear(*event) for event in (*events, *reversed(events))))
    assert {a.status_code for a in answers} == {200}
    assert await shop.balance_micros() == 5_000_000
    assert await shop.db.value("select count(*) from payment_message") == 5
    await check_books(shop.db)


async def test_without_any_event_the_sweep_finds_the_money(shop: Shop) -> None:
    name = await shop.open()
    shop.double.pay(name)
    await shop.db.run("update payment set ask_after = now()")
    assert (await shop.sweep())["learnt"] == 1
    assert await shop.balance_micros() == 5_000_000


@pytest.mark.parametrize(
    ("status", "payment_status", "intent", "state"),
    [
        ("open", "unpaid", None, "pending"),
        ("expired", "unpaid", None, "expired"),
        ("expired", "unpaid", "processing", "pending"),
        ("complete", "unpaid", "processing", "pending"),
        ("complete", "unpaid", "requires_payment_method", "failed"),
        ("complete", "unpaid", "canceled", "failed"),
        ("open", "unpaid", "requires_payment_method", "pending"),
        ("complete", "paid", "succeeded", "settled"),
    ],
)
async def test_a_session_s_words_mean(
    shop: Shop, status: str, payment_status: str, intent: str | None, state: str
) -> None:
    name = await shop.open()
    if intent is not None:
        shop.double.pay(name, intent)
    shop.double.sessions[name] |= {"status": status, "payment_status": payment_status}
    await shop.tell("checkout.session.completed", shop.double.sessions[name])
    assert await shop.db.value("select state from payment") == state
    assert await shop.balance_micros() == (5_000_000 if state == "settled" else 0)


async def test_forged_and_stale_events_are_refused(shop: Shop) -> None:
    name = await shop.open()
    shop.double.pay(name)
    body, headers = shop.double.event("checkout.session.completed", shop.double.sessions[name])
    wrong = [
        (body, {}),
        (body + b" ", headers),
        (body, {"stripe-signature": sign(body, 301)}),
        (body, {"stripe-signature": sign(body, secret="whsec_other")}),
        (body, {"stripe-signature": "t=x,v1=y"}),
        (b"\xff", {"stripe-signature": sign(b"\xff")}),
        (b"[]", {"stripe-signature": sign(b"[]")}),
        (b"{}", {"stripe-signature": sign(b"{}")}),
    ]
    for told in wrong:
        refused = await shop.hear(*told)
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_signature"), told
    assert await shop.balance_micros() == 0
    assert (await shop.hear(body, {"stripe-signature": sign(body, 290)})).status_code == 200
    assert await shop.balance_micros() == 5_000_000


async def test_events_of_others_are_taken_and_change_nothing(shop: Shop) -> None:
    await shop.tell("customer.created", {"id": "cus_1", "object": "customer"})
    await shop.tell("charge.succeeded", {"id": "ch_1", "object": "charge", "payment_intent": "pi_unknown"})
    await shop.tell("checkout.session.completed", {"id": "cs_1", "object": "checkout.session"})
    await shop.tell("checkout.session.completed", {"id": "c", "object": "checkout.session", "client_reference_id": "x"})
    assert await shop.db.value("select count(*) from payment_message where payment_id is null") == 4


async def test_a_dispute_takes_the_money_back_until_it_is_won(shop: Shop) -> None:
    name = await shop.open()
    shop.double.pay(name)
    await shop.tell("checkout.session.completed", shop.double.sessions[name])
    dispute = shop.double.dispute(name, 500, "warning_needs_response")
    await shop.tell("charge.dispute.created", dispute)
    assert await shop.balance_micros() == 5_000_000
    dispute["status"] = "needs_response"
    await shop.tell("charge.dispute.funds_withdrawn", dispute)
    assert await shop.balance_micros() == 0
    dispute["status"] = "won"
    await shop.tell("charge.dispute.closed", dispute)
    assert await shop.balance_micros() == 5_000_000
    await check_books(shop.db)


async def test_a_refund_in_stripes_dashboard_leaves_the_wallet(shop: Shop) -> None:
    name = await shop.open()
    shop.double.pay(name)
    await shop.tell("checkout.session.completed", shop.double.sessions[name])
    charge = shop.double.sessions[name]["payment_intent"]["latest_charge"]
    charge["amount_refunded"] = 200
    await shop.tell("charge.refunded", charge)
    assert await shop.balance_micros() == 3_000_000
    shop.double.dispute(name, 500)
    await shop.db.run("update payment set ask_after = now()")
    await shop.sweep()
    assert await shop.balance_micros() == 0
    assert await shop.db.value("select taken_back_micros from payment") == 5_000_000
    await check_books(shop.db)


async def test_an_outage_is_a_503_and_the_retry_gets_the_same_session(shop: Shop) -> None:
    shop.double.away = 3
    refused = await shop.money("deposit", {"amount": 500}, "key")
    assert (refused.status_code, refused.json()["code"]) == (503, "provider_unavailable")
    shop.double.away = 2
    name = await shop.open(key="key")
    assert await shop.open(key="key") == name
    assert list(shop.double.sessions) == [name]
    shop.double.pay(name)
    body, headers = shop.double.event("checkout.session.completed", shop.double.sessions[name])
    shop.double.away = 3
    assert (await shop.hear(body, headers)).status_code == 503
    assert (await shop.hear(body, headers)).status_code == 200
    assert await shop.balance_micros() == 5_000_000


async def test_concurrent_repeats_open_one_session(shop: Shop) -> None:
    names = await asyncio.gather(*(shop.open(key="key") for _ in range(8)))
    assert set(names) == set(shop.double.sessions)
    assert len(shop.double.sessions) == 1


async def test_a_session_stripe_does_not_know_stops_no_others(shop: Shop) -> None:
    lost, found = await shop.open(), await shop.open()
    shop.double.pay(found)
    del shop.double.sessions[lost]
    await shop.db.run("update payment set ask_after = now()")
    await shop.sweep()
    await shop.sweep()
    assert await shop.balance_micros() == 5_000_000


@pytest.mark.parametrize(
    ("code", "micros"), [("USD", 10_000), ("JPY", 1_000_000), ("KWD", 1_000), ("ISK", 10_000), ("MGA", 1_000_000)]
)
def test_stripe_counts_currencies_in_its_own_units(code: str, micros: int) -> None:
    assert stripe_micros(code) == micros


def test_stripe_needs_its_keys() -> None:
    with pytest.raises(SettingsError, match="STRIPE_WEBHOOK_SECRET"):
        make_app(load({"PAYMENT_PROVIDER": "stripe", "STRIPE_SECRET_KEY": KEY}))


def test_stripes_package_is_loaded_only_where_it_is_used() -> None:
    code = "import sys, api.billing.app; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
