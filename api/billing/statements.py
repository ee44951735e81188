"""What users read about their money: transactions by pages or as a table, and what was earned."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from api.billing import queries_reconciliation, queries_statement, sheets
from api.billing.money import Currency
from api.billing.queries_statement import Filter, Transaction
from api.database import Queries
from api.identity import User

ROWS_AT_ONCE = 500
COLUMNS = (
    "id", "created_at", "transaction_type", "description", "session_id", "video_id", "amount", "amount_micros",
    "balance_after",
)  # fmt: skip


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


async def table(db: Queries, user_id: int, wanted: Filter, currency: Currency) -> AsyncIterator[str]:
    """The same transactions as CSV, piece by piece: no connection waits for a slow reader, no history fills the memory.

    What is booked meanwhile has a higher id and is not in it.
    """
    yield sheets.line([*COLUMNS, "currency"])
    left, before = wanted.limit, wanted.before
    while left > 0:
        found = await queries_statement.transactions(
            db, user_id, replace(wanted, limit=min(left, ROWS_AT_ONCE), before=before)
        )
        yield "".join(sheets.line([*(getattr(row, name) for name in COLUMNS), currency.code]) for row in found)
        if len(found) < ROWS_AT_ONCE:
            return
        left, before = left - len(found), found[-1].id


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
        reconciled_through=await queries_reconciliation.reconciled_through(db),
    )
