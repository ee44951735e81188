"""The daily limit that users set themselves: no session starts when its first minute would go beyond it (days are UTC).

What sessions hold counts as spent. A session that plays is not stopped by the limit; the next start is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.billing import queries_month, queries_spending
from api.billing.money import Currency
from api.billing.settlement import Wallet
from api.database import Connection, Database, Queries
from api.problems import Problem


class DailyLimit(Problem):
    code, status = "daily_limit", 403
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
    today = _today()
    after_id = await queries_month.entry_before(db, today)
    return max(0, await queries_spending.spent(db, user_id, currency, today, after_id))


async def limits(db: Queries, currency: Currency, user_id: int) -> Limits:
    daily = await queries_spending.limit(db, user_id)
    return Limits(
        daily_limit=None if daily is None else currency.minor(daily),
        spent_today=currency.minor_up(await _spent_micros(db, user_id, currency.code)),
        currency=currency.code,
        resets_at=_today() + timedelta(days=1),
    )


async def set_limit(db: Database, currency: Currency, user_id: int, daily: int | None) -> Limits:
    """Set the limit in minor units, or drop it; it counts from the next start on."""
    if daily is None:
        await queries_spending.drop_limit(db, user_id)
    else:
        await queries_spending.set_limit(db, user_id, currency.micros(daily))
    return await limits(db, currency, user_id)


async def left_micros(tx: Connection, currency: Currency, wallet: Wallet) -> int | None:
    """What a user may still spend today beyond what sessions hold; None without a limit. The wallet is locked."""
    daily = await queries_spending.limit(tx, wallet.user_id)
    if daily is None:
        return None
    return daily - await _spent_micros(tx, wallet.user_id, currency.code) - wallet.held_micros
