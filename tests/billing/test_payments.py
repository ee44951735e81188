"""Deposits by the embedded provider's checkout: its page, its messages in every disorder, and none at all."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from api.billing.providers import Message
from api.billing.testpay import EmbeddedPay
from tests.billing.scenes import OTHER, VIEWER, Scene, check_books, ledger, played
from tests.conftest import PlatformMaker


class Wallet(Scene):
    """A viewer who pays on the page."""

    async def open(self, amount: int = 500, key: str | None = None, user: int = VIEWER) -> dict[str, Any]:
        made = await self.money("deposit", {"amount": amount}, key, user=user)
        assert made.status_code == 202, made.text
        opened: dict[str, Any] = made.json()
        return opened

    async def press(self, opened: dict[str, Any], act: str = "pay", **choice: object) -> Any:
        data = {"act": act, **choice}
        path = str(opened["checkout_url"])
        return await self.p.call("POST", "billing", path, data=data, follow_redirects=False)

    async def state(self, opened: dict[str, Any]) -> str:
        return str((await self.told(f"payments/{opened['payment_id']}"))["state"])

    async def waiting(self) -> int:
        return int(await self.db.value("select count(*) from test_message"))

    async def make_due(self, sql: str) -> None:
        """Let time pass, as far as a table knows of it."""
        await self.db.run(sql)


async def wallet(platform: PlatformMaker) -> Wallet:
    return Wallet(await platform("billing", PAYMENT_PROVIDER="checkout"))


async def test_a_deposit_is_paid_on_the_providers_page(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    assert opened | {"payment_id": "", "checkout_url": ""} == {
        "payment_id": "", "state": "pending", "amount": 500, "currency": "USD", "taken_back": 0, "checkout_url": "",
    }  # fmt: skip
    assert await w.balance_micros() == 0
    page = await w.p.call("GET", "billing", opened["checkout_url"])
    assert page.status_code == 200
    assert "5.00 USD" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    paid = await w.press(opened)
    assert (paid.status_code, paid.headers["location"]) == (303, f"/wallet?payment={opened['payment_id']}")
    assert await w.balance_micros() == 5_000_000
    assert await w.state(opened) == "settled"
    assert "succeeded" in (await w.p.call("GET", "billing", opened["checkout_url"])).text
    assert await ledger(w.db) == [("clearing_test", 0, -5_000_000), ("wallet", VIEWER, 5_000_000)]


async def test_a_repeated_deposit_is_the_same_payment_before_and_after_it_is_paid(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    answers = await asyncio.gather(*(w.money("deposit", {"amount": 500}, "key") for _ in range(10)))
    assert {a.status_code for a in answers} == {202}
    assert len({a.text for a in answers}) == 1
    await w.press(answers[0].json())
    again = await w.money("deposit", {"amount": 500}, "key")
    assert (again.status_code, again.json()["balance"]) == (201, 500)
    assert (await w.money("deposit", {"amount": 501}, "key")).json()["code"] == "key_reused"
    assert await w.balance_micros() == 5_000_000


@pytest.mark.parametrize("messages", ["once", "twice", "reordered"])
@pytest.mark.parametrize(("outcome", "state"), [("paid", "settled"), ("declined", "failed"), ("processing", "settled")])
async def test_messages_in_any_disorder_settle_once(
    platform: PlatformMaker, messages: str, outcome: str, state: str
) -> None:
    w = await wallet(platform)
    opened = await w.open()
    await w.press(opened, outcome=outcome, messages=messages)
    assert await w.waiting() == 0
    assert await w.state(opened) == state
    assert await w.balance_micros() == (5_000_000 if state == "settled" else 0)
    assert await w.db.value("select count(*) from payment_message") == (3 if outcome == "processing" else 2)
    await check_books(w.db)


async def test_a_declined_payment_credits_nothing(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    assert (await w.press(opened, "decline")).status_code == 303
    assert await w.state(opened) == "failed"
    assert await w.balance_micros() == 0
    assert (await w.press(opened)).json()["code"] == "already_decided"


async def test_late_money_comes_when_it_is_there_not_before(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    await w.press(opened, outcome="processing", delay_s=3600)
    assert (await w.sweep())["delivered"] == 0
    await w.make_due("update payment set ask_after = now()")
    assert (await w.sweep())["learnt"] == 1
    assert await w.balance_micros() == 0
    await w.make_due("update test_checkout set pays_at = now()")
    await w.make_due("update test_message set deliver_at = now()")
    assert (await w.sweep())["delivered"] == 3
    assert await w.balance_micros() == 5_000_000


async def test_the_sweep_asks_where_no_message_comes(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    await w.press(opened, messages="none")
    assert await w.state(opened) == "pending"
    assert (await w.sweep())["learnt"] == 0
    await w.make_due("update payment set ask_after = now()")
    assert (await w.sweep())["learnt"] == 1
    assert await w.balance_micros() == 5_000_000
    assert await w.db.value("select ask_after > now() + interval '23 hours' from payment")


async def test_what_nobody_pays_in_a_day_expires(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    await w.make_due("update test_checkout set created_at = now() - interval '25 hours'")
    await w.make_due("update payment set ask_after = now()")
    await w.sweep()
    assert await w.state(opened) == "expired"
    assert (await w.press(opened)).status_code == 409
    assert await w.db.value("select ask_after from payment") is None


async def test_messages_are_believed_when_they_are_signed_and_fresh(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    pay = EmbeddedPay(w.db, w.p.settings.secret("SERVICE_SECRET"))
    body = msgspec.json.encode(Message("m", "payment.paid", opened["payment_id"], opened["checkout_url"][-32:]))
    now, old = str(int(time.time())), str(int(time.time()) - 301)
    forged = [
        {}, {"testpay-signature": ""}, {"testpay-signature": f"{now},"}, {"testpay-signature": f"{now},00"},
        {"testpay-signature": f"{old},{pay._sign(old, body)}"}, {"testpay-signature": f"{now},{pay._sign(now, b'x')}"},
    ]  # fmt: skip
    for headers in forged:
        refused = await w.p.call("POST", "billing", "/api/billing/webhooks/test", content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_signature")
    # A signed message of an unpaid payment is only a reason to look.
    headers = {"testpay-signature": f"{now},{pay._sign(now, body)}"}
    assert (await w.p.call("POST", "billing", "/api/billing/webhooks/test", content=body, headers=headers)).is_success
    assert await w.balance_micros() == 0
    assert (await w.p.call("POST", "billing", "/api/billing/webhooks/stripe", content=body)).status_code == 404


async def test_a_bank_takes_back_what_there_is_and_the_rest_is_owed(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    await w.press(opened)
    await w.finished("s")
    await w.press(opened, "back")
    assert await w.balance_micros() == 0
    assert {k: t for k, _, t in await ledger(w.db)}["receivable"] == -60_000
    refused = await w.try_start("t")
    assert (refused.status_code, refused.json()["code"], refused.json()["required"]) == (402, "payment_taken_back", 6)
    kinds = [item["transaction_type"] for item in (await w.told("transactions"))["items"]]
    assert kinds == ["adjustment", "charge", "deposit"]
    await check_books(w.db)
    again = await w.open(amount=100)
    await w.press(again)
    assert await w.balance_micros() == 1_000_000 - 60_000
    assert (await w.try_start("t")).status_code == 201
    await check_books(w.db)


async def test_what_a_bank_gives_back_after_all_is_in_the_wallet_again(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    await w.press(opened)
    await w.finished("s")
    for _ in range(2):
        await w.press(opened, "back")
        await w.press(opened, "keep")
        assert await w.balance_micros() == 5_000_000 - 60_000
    assert {k: t for k, _, t in await ledger(w.db)}["receivable"] == 0
    assert (await w.told(f"payments/{opened['payment_id']}"))["taken_back"] == 0
    await check_books(w.db)


async def test_a_bank_leaves_what_sessions_hold(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    await w.press(opened)
    held = (await w.start("s")).held_micros
    await w.press(opened, "back")
    assert await w.balance_micros() == held
    await w.log(*played("s", 0, 60_000))
    await w.end("s", wall_ms=60_000)
    await check_books(w.db)


async def test_a_payment_is_seen_by_its_user_alone(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    path = f"/api/billing/payments/{opened['payment_id']}"
    assert (await w.p.call("GET", "billing", path, token=w.p.user(OTHER))).status_code == 404
    assert (await w.p.call("GET", "billing", path)).status_code == 401
    for reference in ("0" * 32, "x", "%00"):
        assert (await w.p.call("GET", "billing", f"/api/billing/checkout/{reference}")).status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"act=steal", b"act=pay&outcome=rich", b"act=pay&delay_s=-1", b"act=pay&x=1", b"\xff", b"a=1&" * 30]
)
async def test_a_wrong_choice_is_refused(platform: PlatformMaker, body: bytes) -> None:
    w = await wallet(platform)
    opened = await w.open()
    refused = await w.p.call("POST", "billing", opened["checkout_url"], content=body)
    assert refused.status_code == 422
    assert await w.state(opened) == "pending"


async def test_where_payments_are_real_or_at_once_there_is_no_page(platform: PlatformMaker) -> None:
    p = await platform("billing", PAYMENT_PROVIDER="none")
    assert (await p.call("GET", "billing", f"/api/billing/checkout/{'0' * 32}")).status_code == 404
    assert (await p.call("POST", "billing", "/api/billing/webhooks/test", content=b"{}")).status_code == 404


async def test_money_that_is_not_what_was_ordered_is_not_credited(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    opened = await w.open()
    await w.make_due("update test_checkout set amount = 400")
    await w.press(opened)
    assert await w.balance_micros() == 0
    assert "provider has 4000000 USD" in await w.db.value("select trouble from payment")


async def test_a_payment_ends_a_session_s_drought(platform: PlatformMaker) -> None:
    w = await wallet(platform)
    await w.press(await w.open(amount=100))
    await w.start("s", price_per_minute=100)
    await w.log(*played("s", 0, 60_000))
    assert (await w.hold("s")).state == "spent"
    await w.press(await w.open(amount=500))
    assert (await w.hold("s")).state == "open"
    await check_books(w.db)
