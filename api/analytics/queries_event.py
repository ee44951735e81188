"""SQL of money events, and of what users did: their sessions with what each cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from api.analytics.times import from_ms
from api.database import Queries


@dataclass(frozen=True)
class EventRow:
    """A charge or refund; `amount_micros` is positive in both."""

    id: str
    type: str
    session_id: str
    user_id: int
    video_id: int
    creator_id: int
    amount_micros: int
    at_ms: int


async def add_events(db: Queries, events: Iterable[EventRow]) -> set[str]:
    """Store events in the order of their ids, so that equal batches never deadlock; gives the ids that are new."""
    rows = sorted(events, key=lambda event: event.id)
    found = await db.value(
        """
        with added as (
            insert into event (id, type, session_id, user_id, video_id, creator_id, amount_micros, at)
            select * from unnest(:ids::text[], :types::text[], :session_ids::text[], :user_ids::bigint[],
                :video_ids::bigint[], :creator_ids::bigint[], :amounts_micros::bigint[], :at::timestamptz[])
            on conflict (id) do nothing
            returning id
        )
        select coalesce(array_agg(id), '{}') from added
        """,
        ids=[row.id for row in rows],
        types=[row.type for row in rows],
        session_ids=[row.session_id for row in rows],
        user_ids=[row.user_id for row in rows],
        video_ids=[row.video_id for row in rows],
        creator_ids=[row.creator_id for row in rows],
        amounts_micros=[row.amount_micros for row in rows],
        at=[from_ms(row.at_ms) for row in rows],
    )
    return set(found)


async def save_currency(db: Queries, minor_micros: int) -> None:
    """What a minor unit is, for readers of the original tables."""
    await db.run("update currency set minor_micros = :minor_micros", minor_micros=minor_micros)


@dataclass(frozen=True)
class Activity:
    """One session of a user; `micros` is what it cost after refunds."""

    session_id: str
    video_id: int
    title: str
    first_at: datetime
    delivered_ms: int
    micros: int


async def activities(
    db: Queries, user_id: int, *, start: datetime, end: datetime, before: tuple[datetime, str], limit: int
) -> list[Activity]:
    """A user's sessions that began in [start, end) and come after `before` in the history, newest first."""
    return await db.all(
        Activity,
        """
        select session.session_id, session.video_id, video.title, first_at, delivered_ms,
            coalesce(micros, 0)::bigint as micros
        from session
        join video using (video_id)
        left join lateral (
            select sum(case type when 'charge' then amount_micros else -amount_micros end) as micros
            from event
            where event.session_id = session.session_id and event.video_id = session.video_id
        ) as money on true
        where session.user_id = :user_id and first_at >= :start and first_at < :end
            and (first_at, session.session_id) < (:before_at, :before_id)
        order by first_at desc, session.session_id desc
        limit :limit
        """,
        user_id=user_id,
        start=start,
        end=end,
        before_at=before[0],
        before_id=before[1],
        limit=limit,
    )
