"""SQL of sessions and their slots. Spans are written as the text of an `int8multirange`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.analytics.arrivals import Key, Slot, slot_of
from api.analytics.session import Session, Slots
from api.analytics.spans import Spans, as_multirange, from_multirange, length
from api.analytics.times import from_ms, to_ms
from api.database import Queries


@dataclass(frozen=True)
class SessionRow:
    session_id: str
    video_id: int
    user_id: int
    first_at: datetime
    last_at: datetime
    delivered: Any
    counted: bool
    qualified: bool
    completed: bool

    def session(self) -> Session:
        return Session(
            Key(self.session_id, self.video_id),
            self.user_id,
            to_ms(self.first_at),
            to_ms(self.last_at),
            from_multirange(self.delivered),
            self.counted,
            self.qualified,
            self.completed,
        )


@dataclass(frozen=True)
class SlotRow:
    session_id: str
    video_id: int
    minute: int
    rendition: str
    delivered: Any


async def sessions(db: Queries, keys: Collection[Key]) -> list[Session]:
    """Those of the sessions that exist."""
    rows = await db.all(
        SessionRow,
        """
        select session_id, video_id, user_id, first_at, last_at, delivered, counted, qualified, completed
        from session
        where (session_id, video_id) in (select * from unnest(:session_ids::text[], :video_ids::bigint[]))
        """,
        session_ids=[key.session_id for key in keys],
        video_ids=[key.video_id for key in keys],
    )
    return [row.session() for row in rows]


async def uncounted(db: Queries, limit: int) -> list[Session]:
    """Sessions that wait to be counted although their video is known by now."""
    rows = await db.all(
        SessionRow,
        """
        select session_id, video_id, user_id, first_at, last_at, delivered, counted, qualified, completed
        from session
        join video using (video_id)
        where not counted and known_at is not null
        order by video_id, session_id
        limit :limit
        """,
        limit=limit,
    )
    return [row.session() for row in rows]


async def slots(db: Queries, since: Mapping[Key, int]) -> dict[Key, Slots]:
    """The slots of sessions from a given minute on."""
    rows = await db.all(
        SlotRow,
        """
        select session_id, video_id, minute, rendition, delivered
        from unnest(:session_ids::text[], :video_ids::bigint[], :since::integer[])
            as wanted (session_id, video_id, since)
        join session_minute using (session_id, video_id)
        where minute >= since and minute >= :earliest
        """,
        session_ids=[key.session_id for key in since],
        video_ids=[key.video_id for key in since],
        since=list(since.values()),
        earliest=min(since.values(), default=0),
    )
    found: dict[Key, Slots] = {key: {} for key in since}
    for row in rows:
        slot = slot_of(row.minute, row.rendition)
        found[Key(row.session_id, row.video_id)][slot] = from_multirange(row.delivered)
    return found


async def save_sessions(db: Queries, changed: Collection[Session]) -> None:
    """Insert or replace sessions."""
    await db.run(
        """
        insert into session
        select session_id, video_id, user_id, first_at, last_at, delivered::int8multirange, delivered_ms,
            counted, qualified, completed
        from unnest(:session_ids::text[], :video_ids::bigint[], :user_ids::bigint[], :first_at::timestamptz[],
            :last_at::timestamptz[], :delivered::text[], :delivered_ms::bigint[], :counted::boolean[],
            :qualified::boolean[], :completed::boolean[])
            as changed (session_id, video_id, user_id, first_at, last_at, delivered, delivered_ms,
                counted, qualified, completed)
        on conflict (session_id, video_id) do update
        set first_at = excluded.first_at, last_at = excluded.last_at, delivered = excluded.delivered,
            delivered_ms = excluded.delivered_ms, counted = excluded.counted, qualified = excluded.qualified,
            completed = excluded.completed
        """,
        session_ids=[s.key.session_id for s in changed],
        video_ids=[s.key.video_id for s in changed],
        user_ids=[s.user_id for s in changed],
        first_at=[from_ms(s.first_ms) for s in changed],
        last_at=[from_ms(s.last_ms) for s in changed],
        delivered=[as_multirange(s.delivered) for s in changed],
        delivered_ms=[length(s.delivered) for s in changed],
        counted=[s.counted for s in changed],
        qualified=[s.qualified for s in changed],
        completed=[s.completed for s in changed],
    )


async def save_slots(db: Queries, changed: Collection[tuple[Key, Slot, Spans]]) -> None:
    """Insert or replace slots of sessions."""
    await db.run(
        """
        insert into session_minute
        select session_id, video_id, minute, rendition, delivered::int8multirange
        from unnest(:session_ids::text[], :video_ids::bigint[], :minutes::integer[], :renditions::text[],
            :delivered::text[]) as changed (session_id, video_id, minute, rendition, delivered)
        on conflict (session_id, video_id, minute, rendition) do update set delivered = excluded.delivered
        """,
        session_ids=[key.session_id for key, _, _ in changed],
        video_ids=[key.video_id for key, _, _ in changed],
        minutes=[slot.minute for _, slot, _ in changed],
        renditions=[slot.rendition for _, slot, _ in changed],
        delivered=[as_multirange(spans) for _, _, spans in changed],
    )
