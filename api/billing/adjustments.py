"""Adjustments: an operator puts a wallet right, in either direction, with a reason its user reads."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.billing import books, keys, ledger, queries_statement, wallets
from api.billing.ledger import About, Entry, Place
from api.billing.money import Currency
from api.billing.queries_statement import Transaction
from api.database import Connection, Database
from api.problems import Problem


class MoreThanThereIs(Problem):
    code, status = "more_than_there_is", 409
    detail = "The wallet has less than this; what its sessions hold cannot be taken."


@dataclass(frozen=True)
class Adjusted:
    """`balance` in minor units."""

    transaction: Transaction
    balance: int


async def adjust(
    db: Database, currency: Currency, operator_id: int, key: str, *, user_id: int, amount: int, reason: str
) -> Any:
    """Add `amount` minor units to a wallet, or take them. Raises KeyRequired, KeyReused, MoreThanThereIs."""
    body = {"user_id": user_id, "amount": amount, "reason": reason}
    request = keys.asked(operator_id, key, "adjustment", body)
    async with db.transaction() as tx:

        async def effect() -> Adjusted:
            cause = f"{operator_id} {key}"
            micros = currency.micros(amount)
            journal_id = await put_right(tx, currency, user_id, micros, reason=reason, cause=cause)
            made = await queries_statement.booked(tx, journal_id)
            return Adjusted(made, made.balance_after)

        return await keys.once(tx, request, effect)


async def put_right(tx: Connection, currency: Currency, user_id: int, micros: int, *, reason: str, cause: str) -> int:
    """Add micro-units to a wallet, or take them; gives the journal. Raises MoreThanThereIs."""
    account, _ = await wallets.ensure(tx, currency, user_id)
    opened = await books.open_wallet(tx, currency, account.id)
    wallet = opened.wallets[account.id]
    if wallet.free_micros + micros < 0:
        raise MoreThanThereIs(available=currency.minor(wallet.free_micros))
    wallet.balance_micros += micros
    opened.cover_all()
    await books.store(tx, opened)
    entries = [
        Entry("adjustment", wallet.id, micros, wallet.balance_micros),
        Entry("adjustment", Place("adjusted", 0), -micros),
    ]
    ids = await ledger.post(tx, currency, cause, datetime.now(UTC), entries, about=About(reason=reason))
    return ids["adjustment"]
