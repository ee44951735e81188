"""The daily limit that users set themselves (days are UTC); it is kept in the wallet, and so under its lock.

What sessions hold counts as spent. No session starts when its first minute would go beyond the limit; one that plays
can hold nothing more beyond it, so it ends as if the money were used up, until the next day or a higher limit. A limit
below what is held already lets the next two minutes play out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.billing import books, queries_month, queries_spending, wallets
from api.billing.money import Currency
from api.database import Database, Queries
from api.problems import Problem


class DailyLimit(Problem):
    code, status = "daily_limit", 402
    detail = (
        "This would go beyond the daily limit you set yourself. It starts anew at midnight UTC; your wallet has it."
    )


@dataclass(frozen=True)
class Limits:
    """Minor units; `daily_limit` None: there is none. `spent_today` is rounded up."""

    daily_limit: int | None
    spent_today: int
    currency: str
    resets_at: datetime


def _today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def _spent_micros(db: Queries, user_id: int, currency: str) -> int:
    """By the ledger; less than nothing when more was given back than spent."""
    today = _today()
    after_id = await queries_month.entry_before(db, today)
    return await queries_spending.spent(db, user_id, currency, today, after_id)


async def limits(db: Queries, currency: Currency, user_id: int) -> Limits:
    daily = await queries_spending.limit(db, user_id, currency.code)
    return Limits(
        daily_limit=None if daily is None else currency.minor(daily),
        spent_today=currency.minor_up(max(0, await _spent_micros(db, user_id, currency.code))),
        currency=currency.code,
        resets_at=_today() + timedelta(days=1),
    )


async def set_limit(db: Database, currency: Currency, user_id: int, daily: int | None) -> Limits:
    """Set the limit in minor units, or drop it; sessions that it had stopped may hold money again."""
    async with db.transaction() as tx:
        account, _ = await wallets.ensure(tx, currency, user_id)
        await queries_spending.lock(tx, account.id)
        micros = None if daily is None else currency.micros(daily)
        spent, day = await _spent_micros(tx, user_id, currency.code), _today().date()
        await queries_spending.set_limit(tx, account.id, micros, spent_micros=spent, spent_day=day)
        opened = await books.open_wallet(tx, currency, account.id)
        opened.cover_all()
        await books.store(tx, opened)
    return await limits(db, currency, user_id)
