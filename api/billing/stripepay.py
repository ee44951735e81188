"""Stripe behind the port: a Checkout Session per payment, signed webhooks. Only loaded where it is configured.

The package's calls block, so each runs in a thread. The API version is pinned: what we read of the answers is of it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import msgspec
import stripe

from api.billing.money import currency_named
from api.billing.providers import (
    TOLERANCE_S,
    BadMessage,
    Checkout,
    Message,
    Order,
    ProviderAway,
    ProviderRefused,
    Standing,
)

API_VERSION = "2026-10-28.endive"
TIMEOUT_S = 8
RETRIES = 2
# Amounts are in minor units, but not always ISO 4217's (docs.stripe.com/currencies): the ariary counts as whole, and
# these two are written with two decimals that must be 00.
WHOLE = ("MGA",)
HUNDREDTHS = ("ISK", "UGX")
# A dispute in one of these has not taken the money, or has given it back.
HARMLESS = ("warning_needs_response", "warning_under_review", "warning_closed", "won", "prevented")

Result = TypeVar("Result")
State = Literal["pending", "settled", "failed", "expired"]


def stripe_micros(code: str) -> int:
    """Micro-units in what Stripe counts a currency in."""
    return 1_000_000 if code in WHOLE else 10_000 if code in HUNDREDTHS else currency_named(code).minor_micros


class About(msgspec.Struct):
    """What an event is about: a session, or something of a payment intent, or neither."""

    object: str
    id: str | None = None
    client_reference_id: str | None = None
    payment_intent: Any = None


class Data(msgspec.Struct):
    object: About


class Event(msgspec.Struct):
    """What is the same in the events of all API versions; theirs is set at Stripe, not by us."""

    id: str
    type: str
    data: Data


class StripePay:
    """The adapter. `page_url`: the wallet's page, where payers come back to."""

    name = "stripe"

    def __init__(self, secret_key: str, webhook_secret: str, api_url: str, page_url: str) -> None:
        self._webhook_secret, self._page_url = webhook_secret, page_url
        self._client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_url},
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
        )

    async def checkout(self, order: Order) -> Checkout:
        made = await _call(lambda: self._client.v1.checkout.sessions.create(self._terms(order), _options(order)))
        if not made.url:
            raise ProviderRefused
        return Checkout(made.id, made.url)

    def _terms(self, order: Order) -> Any:
        code = order.currency.code
        price = {
            "currency": code.lower(),
            "unit_amount": order.amount_micros // stripe_micros(code),
            "product_data": {"name": "Wallet deposit"},
        }
        back = f"{self._page_url}?payment={order.payment_id}"
        return {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "client_reference_id": order.payment_id,
            "metadata": {"payment_id": order.payment_id},
            "payment_intent_data": {"metadata": {"payment_id": order.payment_id}},
            "success_url": back,
            "cancel_url": back,
        }

    async def standing(self, reference: str) -> Standing:
        expand: Any = {"expand": ["payment_intent.latest_charge"]}
        session = await _call(lambda: self._client.v1.checkout.sessions.retrieve(reference, expand))
        code = (session.currency or "").upper()
        each = stripe_micros(code)
        charge = _charge(session)
        refunded = charge.amount_refunded if charge is not None else 0
        disputed = await self._disputed(session) if charge is not None and charge.disputed else 0
        return Standing(_state(session), (session.amount_total or 0) * each, code, (refunded + disputed) * each)

    async def _disputed(self, session: Any) -> int:
        """What banks hold back of a payment, in Stripe's units."""
        terms: Any = {"payment_intent": session.payment_intent.id}
        disputes = await _call(lambda: self._client.v1.disputes.list(terms))
        return sum(dispute.amount for dispute in disputes.data if dispute.status not in HARMLESS)

    async def read(self, body: bytes, headers: Mapping[str, str]) -> Message:
        signature = headers.get("stripe-signature", "")
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._webhook_secret, TOLERANCE_S)
            event = msgspec.json.decode(body, type=Event)
        except (stripe.SignatureVerificationError, ValueError) as error:
            raise BadMessage from error
        about = event.data.object
        if about.object == "checkout.session":
            return Message(event.id, event.type, about.client_reference_id, about.id)
        intent = about.id if about.object == "payment_intent" else about.payment_intent
        session = await self._session_of(intent) if isinstance(intent, str) else None
        if session is None:
            return Message(event.id, event.type, None, None)
        return Message(event.id, event.type, session.client_reference_id, session.id)

    async def _session_of(self, intent: str) -> Any:
        """The session behind a payment intent; None when we opened none."""
        terms: Any = {"payment_intent": intent}
        found = await _call(lambda: self._client.v1.checkout.sessions.list(terms))
        return found.data[0] if found.data else None


def _options(order: Order) -> Any:
    return {"idempotency_key": order.payment_id}


async def _call(call: Callable[[], Result]) -> Result:
    try:
        return await asyncio.to_thread(call)
    except (stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError) as error:
        raise ProviderRefused from error
    except stripe.StripeError as error:
        raise ProviderAway from error


def _charge(session: Any) -> Any:
    intent = session.payment_intent
    return None if intent is None or isinstance(intent, str) else intent.latest_charge


def _state(session: Any) -> State:
    """A session says `paid` only when the money is there; one that is complete may still fail days later."""
    if session.payment_status == "paid":
        return "settled"
    intent = session.payment_intent
    status = None if intent is None or isinstance(intent, str) else intent.status
    if status == "processing":
        return "pending"
    if session.status == "expired":
        return "expired"
    given_up = status == "canceled" or (session.status == "complete" and status == "requires_payment_method")
    return "failed" if given_up else "pending"
