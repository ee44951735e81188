"""The embedded test provider: no real money, a checkout page of its own, and every mishap a real one has, on demand.

It decides nothing by chance: what is paid, and what becomes of its messages, is what the payer chose on the page.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from api.billing import queries_testpay
from api.billing.money import currency_named
from api.billing.providers import TOLERANCE_S, BadMessage, Checkout, Message, Order, Standing
from api.billing.queries_testpay import Due
from api.database import Database
from api.problems import NotFound, Problem

Outcome = Literal["paid", "declined", "processing"]
Messages = Literal["once", "twice", "none", "reordered"]
SIGNATURE = "testpay-signature"
DELIVERED_AT_ONCE = 20
STATES: Mapping[str, Literal["pending", "settled", "failed", "expired"]] = {
    "open": "pending",
    "processing": "pending",
    "paid": "settled",
    "declined": "failed",
    "expired": "expired",
}
# What the payer's choice is told as, in the order it happens.
TOLD = {
    "paid": ("payment.started", "payment.paid"),
    "declined": ("payment.started", "payment.declined"),
    "processing": ("payment.started", "payment.processing", "payment.paid"),
}


class AlreadyDecided(Problem):
    code, status = "already_decided", 409
    detail = "This payment was decided before. Go back to your wallet."


@dataclass(frozen=True)
class Script:
    """What the payer chose: `delay_s` puts off every message, and the money itself while it is `processing`."""

    outcome: Outcome = "paid"
    messages: Messages = "once"
    delay_s: int = 0


class EmbeddedPay:
    """The adapter behind the port."""

    name = "test"

    def __init__(self, db: Database, secret: str) -> None:
        self._db = db
        self._key = hmac.digest(secret.encode(), b"streamify.testpay", "sha256")

    async def checkout(self, order: Order) -> Checkout:
        reference = hmac.new(self._key, f"checkout {order.payment_id}".encode(), "sha256").hexdigest()[:32]
        amount = order.currency.minor(order.amount_micros)
        await queries_testpay.add(self._db, reference, order.payment_id, amount, order.currency.code)
        return Checkout(reference, f"/api/billing/checkout/{reference}")

    async def standing(self, reference: str) -> Standing:
        found = await self.find(reference)
        currency = currency_named(found.currency)
        back = currency.micros(found.taken_back)
        return Standing(STATES[found.state], currency.micros(found.amount), found.currency, back)

    async def read(self, body: bytes, headers: Mapping[str, str]) -> Message:
        moment, _, signature = headers.get(SIGNATURE, "").partition(",")
        if not hmac.compare_digest(self._sign(moment, body).encode(), signature.encode()):
            raise BadMessage
        if abs(time.time() - int(moment)) > TOLERANCE_S:
            raise BadMessage
        return msgspec.json.decode(body, type=Message)

    async def find(self, reference: str) -> queries_testpay.Checkout:
        """One checkout; raises NotFound."""
        found = await queries_testpay.checkout(self._db, reference)
        if found is None:
            raise NotFound("There is no such checkout.")
        return found

    async def decide(self, reference: str, script: Script) -> None:
        """The payer pressed a button. Raises NotFound, AlreadyDecided."""
        if (await self.find(reference)).state != "open":
            raise AlreadyDecided
        async with self._db.transaction() as tx:
            if not await queries_testpay.decide(tx, reference, script.outcome, script.delay_s):
                raise AlreadyDecided
            for kind, copies in _planned(script):
                for _ in range(copies):
                    name = _name(reference, kind)
                    await queries_testpay.add_message(tx, name, reference, kind, script.delay_s)

    async def take_back(self, reference: str, amount: int, *, told: bool = True) -> None:
        """The payer's bank takes back so much, in all; 0: it gives it up. Raises NotFound when it was never paid."""
        async with self._db.transaction() as tx:
            if not await queries_testpay.set_taken_back(tx, reference, amount):
                raise NotFound("There is no such payment to take back.")
            if told:
                name = _name(reference, f"payment.taken_back {amount} {time.time_ns()}")
                await queries_testpay.add_message(tx, name, reference, "payment.taken_back", 0)

    async def due(self) -> list[Due]:
        """Messages to deliver now."""
        return await queries_testpay.due(self._db, DELIVERED_AT_ONCE)

    def signed(self, message: Due) -> tuple[bytes, dict[str, str]]:
        """The body and headers of a message."""
        body = msgspec.json.encode(Message(message.message_id, message.kind, message.payment_id, message.reference))
        moment = str(int(time.time()))
        return body, {SIGNATURE: f"{moment},{self._sign(moment, body)}", "content-type": "application/json"}

    async def delivered(self, message: Due, *, taken: bool) -> None:
        """What became of a delivery."""
        if taken:
            await queries_testpay.delivered(self._db, message.id)
        else:
            await queries_testpay.try_later(self._db, message.id)

    def _sign(self, moment: str, body: bytes) -> str:
        return hmac.new(self._key, moment.encode() + b"." + body, "sha256").hexdigest()


def _planned(script: Script) -> list[tuple[str, int]]:
    """Which messages are sent, in which order, how often each."""
    kinds = TOLD[script.outcome]
    if script.messages == "none":
        return []
    if script.messages == "reordered":
        return [(kind, 1) for kind in reversed(kinds)]
    return [(kind, 2 if script.messages == "twice" else 1) for kind in kinds]


def _name(reference: str, kind: str) -> str:
    return "msg_" + hashlib.sha256(f"{reference} {kind}".encode()).hexdigest()[:32]
