"""The port to whoever takes people's money. Two providers stand behind it: `testpay.py` and `stripepay.py`.

A provider promises: the same payment id gives the same checkout however often it is asked for; `standing` is the truth
now; a message only says of which payment there may be news, and only the provider can have signed it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from api.billing.money import Currency
from api.problems import Problem

TOLERANCE_S = 300
PAYMENT_ID = re.compile("pay_[0-9a-f]{32}")


class BadMessage(Problem):
    code, status = "bad_signature", 400
    detail = "This message was not signed by the provider, or too long ago."


class ProviderAway(Problem):
    code, status = "provider_unavailable", 503
    detail = "The payment provider does not answer. Try again in a moment with the same Idempotency-Key."


class ProviderRefused(Problem):
    code, status = "provider_refused", 502
    detail = "The payment provider refuses this deposit. Nothing was paid; tell the platform's operator."


@dataclass(frozen=True)
class Order:
    """What is to be paid."""

    payment_id: str
    user_id: int
    amount_micros: int
    currency: Currency


@dataclass(frozen=True)
class Checkout:
    """The provider's name for a payment, and the page on which it is paid."""

    reference: str
    url: str


@dataclass(frozen=True)
class Standing:
    """How a payment stands. `taken_back_micros`: refunded at the provider, or disputed and not won, in all."""

    state: Literal["pending", "settled", "failed", "expired"]
    amount_micros: int
    currency: str
    taken_back_micros: int = 0


@dataclass(frozen=True)
class Message:
    """A signed message; `payment_id` None: it is about none of our payments."""

    id: str
    kind: str
    payment_id: str | None
    reference: str | None


class Provider(Protocol):
    name: str

    async def checkout(self, order: Order) -> Checkout:
        """Raises ProviderAway, ProviderRefused."""

    async def standing(self, reference: str) -> Standing:
        """Raises ProviderAway."""

    async def read(self, body: bytes, headers: Mapping[str, str]) -> Message:
        """What a webhook's raw body says. Raises BadMessage, ProviderAway."""


@dataclass(frozen=True)
class Till:
    """How this platform takes money: who takes new deposits (None: nobody), and whom it can ask about old ones."""

    currency: Currency
    takes: str | None
    at_once: bool
    known: Mapping[str, Provider]
