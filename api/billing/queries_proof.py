"""What proves a session's price: its intervals, its watches, its journals."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.billing.metering import WATCH_MS, Interval
from api.database import Queries


@dataclass
class Session:
    """A hold as its proof shows it."""

    session_id: str
    account_id: int
    watch_id: int
    user_id: int
    video_id: int
    currency: str
    price_micros_per_minute: int
    duration_ms: int
    state: str
    delivered: list[Interval]
    delivered_ms: int
    added_ms: int
    forgiven_ms: int
    charged_micros: int
    refunded_micros: int
    preview_ms: int
    created_at: datetime
    ended_at: datetime | None


async def session(db: Queries, session_id: str) -> Session | None:
    """One session."""
    sql = """
        select h.session_id, h.account_id, h.watch_id, h.user_id, h.video_id, a.currency, h.price_micros_per_minute,
            h.duration_ms, h.state, h.delivered, h.delivered_ms, h.added_ms, h.forgiven_ms, h.charged_micros,
            coalesce((select sum(r.amount_micros) from refund r where r.session_id = h.session_id), 0)::bigint
                as refunded_micros,
            w.preview_ms, h.created_at, h.ended_at
        from hold h
        join account a on a.id = h.account_id
        join watch w on w.id = h.watch_id
        where h.session_id = :session_id
    """
    found = await db.maybe(Session, sql, session_id=session_id)
    if found is not None:
        found.delivered = _pairs(found.delivered)
    return found


@dataclass
class Earlier:
    """What a session that began before had received."""

    delivered: list[Interval]


async def earlier(db: Queries, user_id: int, watch_id: int, session_id: str) -> list[Earlier]:
    """The sessions of the same watch that began before this one."""
    sql = """
        select delivered
        from hold
        where user_id = :user_id and watch_id = :watch_id
            and id < (select id from hold where session_id = :session_id)
        order by id
    """
    found = await db.all(Earlier, sql, user_id=user_id, watch_id=watch_id, session_id=session_id)
    for each in found:
        each.delivered = _pairs(each.delivered)
    return found


@dataclass(frozen=True)
class Watch:
    """A watch's account: what it saw, what that costs, who paid it."""

    id: int
    opened_ms: int | None
    seen_ms: int
    preview_ms: int
    preview_seen_ms: int
    claimed_ms: int
    forgiven_ms: int
    charged_micros: int
    uncollected_micros: int


async def watches(db: Queries, found: Session) -> list[Watch]:
    """The watches of the same video and price that were open while the session lived, its present one among them."""
    sql = """
        select w.id, w.opened_ms, w.seen_ms, w.preview_ms, (
                select coalesce(sum(upper(r) - lower(r)), 0)
                from unnest(w.seen * int8multirange(int8range(0, w.preview_ms))) as r
            )::bigint as preview_seen_ms, w.claimed_ms, w.forgiven_ms, w.charged_micros, w.uncollected_micros
        from watch w
        where w.user_id = :user_id and w.video_id = :video_id and w.price_micros_per_minute = :price
            and w.id <= :watch_id and (w.id = :watch_id
                or w.opened_ms > extract(epoch from :since::timestamptz) * 1000 - :watch_ms::bigint)
        order by w.id
    """
    return await db.all(
        Watch,
        sql,
        user_id=found.user_id,
        video_id=found.video_id,
        price=found.price_micros_per_minute,
        watch_id=found.watch_id,
        since=found.created_at,
        watch_ms=WATCH_MS,
    )


@dataclass(frozen=True)
class Booked:
    """One booking for a session; `idem_key` says what caused it, a stretch of the log for one."""

    journal_id: int
    kind: str
    idem_key: str
    effective_at: datetime
    created_at: datetime
    amount_micros: int
    balance_after: int | None


async def booked(db: Queries, found: Session, limit: int) -> list[Booked]:
    """What was booked on the viewer's wallet for a session, oldest first: entries and holds draw from one sequence."""
    sql = """
        select j.id as journal_id, j.kind, j.idem_key, j.effective_at, j.created_at, e.amount_micros, e.balance_after
        from entry e
        join journal j on j.id = e.journal_id
        where e.account_id = :account_id and e.session_id = :session_id
            and e.id > (select id from hold where session_id = :session_id)
        order by e.id
        limit :limit
    """
    return await db.all(Booked, sql, account_id=found.account_id, session_id=found.session_id, limit=limit)


def _pairs(ranges: Any) -> list[Interval]:
    return [(r.lower, r.upper) for r in ranges]
