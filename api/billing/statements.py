"""What users read about their money: transactions by pages, and what was earned."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from api.billing import queries_statement
from api.billing.money import Currency
from api.billing.queries_statement import Filter, Transaction
from api.database import Queries
from api.identity import User


@dataclass(frozen=True)
class Page:
    """`next_cursor` None: that was all."""

    items: list[Transaction]
    next_cursor: str | None


@dataclass(frozen=True)
class Revenue:
    """Minor units, floored: the shares may fall short of the whole by what is below a minor unit."""

    gross: int
    refunds: int
    net: int
    platform_share: int
    creator_share: int
    currency: str
    as_of: datetime
    reconciled_through: datetime | None


async def page(db: Queries, user_id: int, wanted: Filter) -> Page:
    """A user's transactions, newest first; the cursor is the id of the last one shown."""
    found = await queries_statement.transactions(db, user_id, replace(wanted, limit=wanted.limit + 1))
    items = found[: wanted.limit]
    return Page(items, str(items[-1].id) if len(found) > wanted.limit else None)


async def revenue(
    db: Queries, currency: Currency, user: User, since: datetime | None, until: datetime | None
) -> Revenue:
    """What viewers paid, after what was forgiven, before and after refunds; an operator's: all, else of own films."""
    earned = await queries_statement.earned(db, None if user.is_operator else user.id, since, until)
    net_micros = earned.creator_micros + earned.platform_micros
    return Revenue(
        gross=currency.minor(net_micros + earned.refund_micros),
        refunds=currency.minor(earned.refund_micros),
        net=currency.minor(net_micros),
        platform_share=currency.minor(earned.platform_micros),
        creator_share=currency.minor(earned.creator_micros),
        currency=currency.code,
        as_of=datetime.now(UTC),
        reconciled_through=None,
    )
