"""Deposits: money in, once per idempotency key. The `test` provider settles at once and moves no real money."""

from dataclasses import dataclass
from datetime import UTC, datetime

from api.billing import books, ledger, queries_statement, wallets
from api.billing.money import Currency
from api.billing.queries_statement import Transaction
from api.database import Connection, Database
from api.problems import Problem
from api.settings import Settings, SettingsError

LEAST, MOST = 100, 100_000  # minor units
PROVIDERS = ("test", "none")


class DepositsClosed(Problem):
    code, status = "deposits_closed", 403
    detail = "This platform takes no deposits at the moment. Ask its operator to add funds."


class KeyRequired(Problem):
    code, status = "idempotency_key_required", 422
    detail = "Send an Idempotency-Key header of 1 to 200 characters, new for each deposit and the same for its retries."


class KeyReused(Problem):
    code, status = "key_reused", 409
    detail = "This Idempotency-Key was used for another deposit. Use a new key."


class AmountOutOfBounds(Problem):
    code, status = "amount_out_of_bounds", 422
    detail = f"A deposit must be between {LEAST} and {MOST} minor units."


@dataclass(frozen=True)
class Deposited:
    """`balance` in minor units, as it was after the deposit: a retry is answered with the same words."""

    transaction: Transaction
    balance: int


def provider(settings: Settings) -> str:
    """Who settles deposits; raises SettingsError."""
    name = settings.text("PAYMENT_PROVIDER")
    if name not in PROVIDERS:
        raise SettingsError(f"PAYMENT_PROVIDER must be one of {', '.join(PROVIDERS)}, not {name!r}")
    return name


def require_open(settings: Settings) -> None:
    """Raises DepositsClosed."""
    if provider(settings) == "none":
        raise DepositsClosed


async def deposit(db: Database, currency: Currency, user_id: int, amount: int, key: str) -> Deposited:
    """Add `amount` minor units; whoever repeats it with the same key gets the same answer and no more money.

    Raises KeyRequired, AmountOutOfBounds, KeyReused.
    """
    if not (1 <= len(key) <= 200 and key.isprintable()):
        raise KeyRequired
    if not LEAST <= amount <= MOST:
        raise AmountOutOfBounds(least=LEAST, most=MOST)
    async with db.transaction() as tx:
        made = await _once(tx, currency, user_id, currency.micros(amount), key)
    if made.amount != amount:
        raise KeyReused
    return Deposited(made, made.balance_after)


async def _once(tx: Connection, currency: Currency, user_id: int, micros: int, key: str) -> Transaction:
    account, _ = await wallets.ensure(tx, currency, user_id)
    opened = await books.open_wallet(tx, currency, account.id)
    cause, now = f"{user_id} {key}", datetime.now(UTC)
    made = await queries_statement.caused(tx, f"deposit {cause}")
    if not made:
        wallet = opened.wallets[account.id]
        wallet.balance_micros += micros
        opened.cover_all()
        await books.store(tx, opened)
        paid_in = ledger.Entry("deposit", ledger.Place("clearing_test", 0), -micros)
        received = ledger.Entry("deposit", account.id, micros, wallet.balance_micros)
        await ledger.post(tx, currency, cause, now, [received, paid_in])
        made = await queries_statement.caused(tx, f"deposit {cause}")
    return made[0]
