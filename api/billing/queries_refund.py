"""Refunds of sessions."""

from dataclasses import dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Paid:
    """What a session cost, and what of that was given back."""

    account_id: int
    user_id: int
    video_id: int
    creator_id: int
    state: str
    price_micros_per_minute: int
    charged_micros: int
    creator_micros: int
    refunded_micros: int
    creator_refunded_micros: int
    ended_at: datetime | None


async def paid(db: Queries, session_id: str) -> Paid | None:
    """A session to refund."""
    sql = """
        select h.account_id, h.user_id, h.video_id, h.creator_id, h.state, h.price_micros_per_minute, h.charged_micros,
            h.creator_micros, coalesce(sum(r.amount_micros), 0)::bigint as refunded_micros,
            coalesce(sum(r.creator_micros), 0)::bigint as creator_refunded_micros, h.ended_at
        from hold h
        left join refund r on r.session_id = h.session_id
        where h.session_id = :session_id
        group by h.session_id
    """
    return await db.maybe(Paid, sql, session_id=session_id)


async def claimed_ms(db: Queries, user_id: int) -> int:
    """What a user had refunded without an operator in this calendar month (UTC)."""
    sql = """
        select coalesce(sum(media_ms), 0)::bigint
        from refund
        where user_id = :user_id and rule <> 'operator'
            and created_at >= date_trunc('month', now() at time zone 'utc') at time zone 'utc'
    """
    return int(await db.value(sql, user_id=user_id))


async def add(
    db: Queries,
    journal_id: int,
    session_id: str,
    user_id: int,
    *,
    rule: str,
    granted_by: int,
    amount_micros: int,
    creator_micros: int,
    media_ms: int,
) -> None:
    """Note a refund that was posted."""
    sql = """
        insert into refund
            (journal_id, session_id, user_id, rule, granted_by, amount_micros, creator_micros, media_ms)
        values (:journal_id, :session_id, :user_id, :rule, :granted_by, :amount_micros, :creator_micros, :media_ms)
    """
    await db.run(
        sql,
        journal_id=journal_id,
        session_id=session_id,
        user_id=user_id,
        rule=rule,
        granted_by=granted_by,
        amount_micros=amount_micros,
        creator_micros=creator_micros,
        media_ms=media_ms,
    )
