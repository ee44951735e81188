"""What payments do to wallets: deposits in, money taken back by banks out, as far as there is any.

What is missing is owed: it blocks new sessions and is taken from the next deposit. A wallet never goes below zero.
Callers hold the payment's lock; the wallet's is taken here.
"""

from datetime import UTC, datetime

from api.billing import books, ledger, queries_payment, wallets
from api.billing.books import Books
from api.billing.ledger import About, Entry, Place
from api.billing.money import Currency, currency_named
from api.billing.queries_payment import Payment
from api.billing.settlement import Wallet
from api.database import Connection, Queries
from api.problems import Problem

TAKEN_BACK = "A deposit was taken back by your bank"
RETURNED = "A deposit that your bank had taken back"


class PaymentTakenBack(Problem):
    code, status = "payment_taken_back", 402
    detail = "A deposit of yours was taken back by your bank. Add funds to cover it before you watch on."


async def settle(tx: Connection, payment: Payment) -> int:
    """The money is there: into the wallet, once, and first of all against what is owed. Gives the journal."""
    opened, wallet = await _open(tx, payment)
    wallet.balance_micros += payment.amount_micros
    await books.store(tx, opened)
    cause = f"{payment.user_id} {payment.idem_key}"
    entries = [
        Entry("deposit", wallet.id, payment.amount_micros, wallet.balance_micros),
        Entry("deposit", Place(f"clearing_{payment.provider}", 0), -payment.amount_micros),
    ]
    ids = await ledger.post(tx, opened.currency, cause, datetime.now(UTC), entries)
    await _square(tx, opened, wallet, f"deposit {cause}")
    return ids["deposit"]


async def take_back(tx: Connection, payment: Payment, journal_id: int, change_micros: int) -> None:
    """A bank took `change_micros` of a settled payment; negative: it gave them back after all."""
    opened, wallet = await _open(tx, payment)
    kind: ledger.Kind = "chargeback" if change_micros > 0 else "reinstated"
    entries = [
        Entry(kind, Place(f"clearing_{payment.provider}", 0), change_micros),
        Entry(kind, Place("receivable", payment.user_id), -change_micros),
    ]
    about = About(reverses=journal_id, reason=TAKEN_BACK if change_micros > 0 else RETURNED)
    cause = f"{payment.id} {payment.version}"
    await ledger.post(tx, opened.currency, cause, datetime.now(UTC), entries, about=about)
    await _square(tx, opened, wallet, f"{kind} {cause}")


async def _square(tx: Connection, opened: Books, wallet: Wallet, cause: str) -> None:
    """What is owed is taken from free money; what was taken too much returns. The rest of it covers sessions."""
    owed = await queries_payment.owed_micros(tx, wallet.user_id, opened.currency.code)
    recovered = min(owed, wallet.free_micros)
    wallet.balance_micros -= recovered
    opened.cover_all()
    await books.store(tx, opened)
    if recovered:
        square = [
            Entry("recovery", wallet.id, -recovered, wallet.balance_micros),
            Entry("recovery", Place("receivable", wallet.user_id), recovered),
        ]
        about = About(reason=TAKEN_BACK if recovered > 0 else RETURNED)
        await ledger.post(tx, opened.currency, cause, datetime.now(UTC), square, about=about)


async def _open(tx: Connection, payment: Payment) -> tuple[Books, Wallet]:
    currency = currency_named(payment.currency)
    account, _ = await wallets.ensure(tx, currency, payment.user_id)
    opened = await books.open_wallet(tx, currency, account.id)
    return opened, opened.wallets[account.id]


async def require_even(db: Queries, currency: Currency, user_id: int) -> None:
    """Raises PaymentTakenBack while a user owes what a bank took back."""
    owed = await queries_payment.owed_micros(db, user_id, currency.code)
    if owed > 0:
        raise PaymentTakenBack(required=currency.minor_up(owed))
