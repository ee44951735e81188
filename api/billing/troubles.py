"""What operators should know of money on its way in: payments that are not plain, messages not heard, users who owe."""

from dataclasses import dataclass
from datetime import datetime

from api.billing import queries_trouble
from api.billing.money import Currency, currency_named
from api.billing.queries_trouble import Failure, Troubled
from api.database import Queries

SHOWN = 200


@dataclass(frozen=True)
class Payment:
    """`kind`: mismatch (the provider has another amount), disputed (a bank took it back), doubtful (still open).

    Minor units; `ask_after` None: its provider is asked no more.
    """

    payment_id: str
    kind: str
    provider: str
    reference: str | None
    user_id: int
    amount: int
    taken_back: int
    currency: str
    state: str
    trouble: str | None
    asked: int
    ask_after: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Debt:
    """`owed` in minor units, rounded up: what a bank took back and the wallet did not have."""

    user_id: int
    owed: int
    currency: str


@dataclass(frozen=True)
class Troubles:
    """`more`: there are payments beyond those shown. `uncollected_micros`: delivered beyond all money, ever."""

    payments: list[Payment]
    more: bool
    messages: list[Failure]
    owing: list[Debt]
    uncollected_micros: int
    currency: str


async def troubles(db: Queries, currency: Currency) -> Troubles:
    """For operators, the newest first."""
    found = await queries_trouble.payments(db, SHOWN + 1)
    owing = await queries_trouble.owing(db, SHOWN)
    return Troubles(
        payments=[_shown(payment) for payment in found[:SHOWN]],
        more=len(found) > SHOWN,
        messages=await queries_trouble.failures(db),
        owing=[Debt(o.user_id, currency_named(o.currency).minor_up(o.owed_micros), o.currency) for o in owing],
        uncollected_micros=await queries_trouble.uncollected_micros(db, currency.code),
        currency=currency.code,
    )


def _shown(found: Troubled) -> Payment:
    currency = currency_named(found.currency)
    return Payment(
        payment_id=found.id,
        kind=found.kind,
        provider=found.provider,
        reference=found.reference,
        user_id=found.user_id,
        amount=currency.minor(found.amount_micros),
        taken_back=currency.minor(found.taken_back_micros),
        currency=found.currency,
        state=found.state,
        trouble=found.trouble,
        asked=found.asked,
        ask_after=found.ask_after,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )
