"""What users read: their transactions and what was earned."""

from dataclasses import dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Transaction:
    """`amount` and `balance_after` in minor units, signed as they change the balance. A session is one transaction."""

    id: int
    amount: int
    amount_micros: int
    transaction_type: str
    description: str
    session_id: str | None
    video_id: int | None
    created_at: datetime
    balance_after: int


@dataclass(frozen=True)
class Filter:
    """Which transactions: `since` inclusive, `until` exclusive, `before` an id."""

    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 50


async def transactions(db: Queries, user_id: int, wanted: Filter) -> list[Transaction]:
    """A user's transactions, newest first."""
    sql = """
        select id, amount, amount_micros, transaction_type, description, session_id, video_id, created_at, balance_after
        from transactions
        where user_id = :user_id
            and (:kind::text is null or transaction_type = :kind)
            and (:since::timestamptz is null or created_at >= :since)
            and (:until::timestamptz is null or created_at < :until)
            and (:before::bigint is null or id < :before)
        order by id desc
        limit :limit
    """
    return await db.all(
        Transaction,
        sql,
        user_id=user_id,
        kind=wanted.kind,
        since=wanted.since,
        until=wanted.until,
        before=wanted.before,
        limit=wanted.limit,
    )


async def booked(db: Queries, journal_id: int) -> Transaction:
    """The transaction that a journal gave a wallet, or took from one."""
    sql = """
        select t.id, t.amount, t.amount_micros, t.transaction_type, t.description, t.session_id, t.video_id,
            t.created_at, t.balance_after
        from entry e
        join transactions t on t.id = e.id
        where e.journal_id = :journal_id
    """
    return await db.one(Transaction, sql, journal_id=journal_id)


@dataclass(frozen=True)
class Earned:
    """Micro-units that creators and the platform have from viewers, after refunds of `refund_micros` in all."""

    creator_micros: int
    platform_micros: int
    refund_micros: int


async def earned(db: Queries, creator_id: int | None, since: datetime | None, until: datetime | None) -> Earned:
    """What one creator's films earned, or all; `since` inclusive, `until` exclusive."""
    sql = """
        select coalesce(sum(e.amount_micros) filter (where a.kind = 'creator'), 0)::bigint as creator_micros,
            coalesce(sum(e.amount_micros) filter (where a.kind = 'revenue'), 0)::bigint as platform_micros,
            coalesce(-sum(e.amount_micros) filter (where j.kind = 'refund'), 0)::bigint as refund_micros
        from account a
        join entry e on e.account_id = a.id
        join journal j on j.id = e.journal_id
        where a.kind in ('creator', 'revenue')
            and (:creator_id::bigint is null or a.owner = :creator_id)
            and j.kind in ('charge', 'forgiven', 'refund')
            and (:since::timestamptz is null or j.effective_at >= :since)
            and (:until::timestamptz is null or j.effective_at < :until)
    """
    return await db.one(Earned, sql, creator_id=creator_id, since=since, until=until)
