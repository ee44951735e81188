"""Deposits: a payment per idempotency key. The test provider can settle at once; else its payer goes to a checkout."""

import secrets
from dataclasses import dataclass

from api.billing import credits, keys, payments, queries_payment, queries_statement
from api.billing.keys import Asked
from api.billing.money import Currency, currency_named
from api.billing.providers import PAYMENT_ID, Order, Till
from api.billing.queries_payment import Payment
from api.billing.queries_statement import Transaction
from api.database import Connection, Database, Queries
from api.problems import NotFound, Problem

LEAST, MOST = 100, 100_000  # minor units


class DepositsClosed(Problem):
    code, status = "deposits_closed", 403
    detail = "This platform takes no deposits at the moment. Ask its operator to add funds."


class AmountOutOfBounds(Problem):
    code, status = "amount_out_of_bounds", 422
    detail = f"A deposit must be between {LEAST} and {MOST} minor units."


@dataclass(frozen=True)
class Deposited:
    """`balance` in minor units, as it was after the deposit: a retry is answered with the same words."""

    transaction: Transaction
    balance: int


@dataclass(frozen=True)
class Opened:
    """A payment and how it stands. `amount` and `taken_back` in minor units; `checkout_url` while it can be paid."""

    payment_id: str
    state: str
    amount: int
    currency: str
    taken_back: int
    checkout_url: str | None


def require_open(till: Till) -> str:
    """Who takes deposits; raises DepositsClosed."""
    if till.takes is None:
        raise DepositsClosed
    return till.takes


async def deposit(db: Database, till: Till, user_id: int, amount: int, key: str) -> Deposited | Opened:
    """Add `amount` minor units; whoever repeats it with the same key has the same payment and no more money.

    Raises DepositsClosed, KeyRequired, AmountOutOfBounds, KeyReused, ProviderAway, ProviderRefused.
    """
    provider = require_open(till)
    request = keys.asked(user_id, key, "deposit", {"amount": amount})
    if not LEAST <= amount <= MOST:
        raise AmountOutOfBounds(least=LEAST, most=MOST)
    async with db.transaction() as tx:
        payment = await _open(tx, till, provider, request, till.currency.micros(amount))
    if payment.state == "created":
        payment = await _send(db, till, payment)
    if payment.journal_id is None:
        return shown(payment)
    made = await queries_statement.booked(db, payment.journal_id)
    return Deposited(made, made.balance_after or 0)


async def _open(tx: Connection, till: Till, provider: str, request: Asked, micros: int) -> Payment:
    """The payment of a key, in the same transaction as the key. A key of before there were keys is a payment's too."""
    kept = await keys.claim(tx, request)
    known = await queries_payment.by_key(tx, request.user_id, request.key)
    if known is not None:
        if known.amount_micros != micros:
            raise keys.KeyReused
        return known
    if kept is None:
        await keys.keep(tx, request)
    payment_id = f"pay_{secrets.token_hex(16)}"
    await queries_payment.add(
        tx, payment_id, provider, request.user_id, request.key, amount_micros=micros, currency=till.currency.code
    )
    opened = await find(tx, payment_id)
    if till.at_once:
        await queries_payment.learn(tx, payment_id, payments.settled(None, await credits.settle(tx, opened)))
        opened = await find(tx, payment_id)
    return opened


async def _send(db: Database, till: Till, payment: Payment) -> Payment:
    """Ask the provider for the payment's checkout; who died before storing it gets the same one again."""
    order = Order(payment.id, payment.user_id, payment.amount_micros, currency_named(payment.currency))
    checkout = await till.known[payment.provider].checkout(order)
    await queries_payment.set_checkout(db, payment.id, checkout.reference, checkout.url)
    return await find(db, payment.id)


async def find(db: Queries, payment_id: str) -> Payment:
    """One payment; raises NotFound."""
    found = await queries_payment.payment(db, payment_id) if PAYMENT_ID.fullmatch(payment_id) else None
    if found is None:
        raise NotFound("There is no such payment.")
    return found


async def look(db: Queries, user_id: int, payment_id: str) -> Opened:
    """How a payment of the user's stands; raises NotFound."""
    found = await find(db, payment_id)
    if found.user_id != user_id:
        raise NotFound("There is no such payment.")
    return shown(found)


def shown(payment: Payment) -> Opened:
    currency: Currency = currency_named(payment.currency)
    return Opened(
        payment.id,
        payment.state,
        currency.minor(payment.amount_micros),
        payment.currency,
        currency.minor(payment.taken_back_micros),
        payment.checkout_url if payment.state == "pending" else None,
    )
