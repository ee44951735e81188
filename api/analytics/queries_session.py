"""SQL of sessions and their minutes. Spans are written as the text of an `int8multirange`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.analytics.arrivals import Key
from api.analytics.session import Minutes, Session
from api.analytics.spans import Spans, length
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
            _spans(self.delivered),
            self.counted,
            self.qualified,
            self.completed,
        )


@dataclass(frozen=True)
class MinuteRow:
    session_id: str
    video_id: int
    minute: int
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


async def minutes(db: Queries, since: Mapping[Key, int]) -> dict[Key, Minutes]:
    """The minutes of sessions from a given one on."""
    rows = await db.all(
        MinuteRow,
        """
        select session_id, video_id, minute, delivered
        from unnest(:session_ids::text[], :video_ids::bigint[], :since::integer[])
            as wanted (session_id, video_id, since)
        join session_minute using (session_id, video_id)
        where minute >= since
        """,
        session_ids=[key.session_id for key in since],
        video_ids=[key.video_id for key in since],
        since=list(since.values()),
    )
    found: dict[Key, Minutes] = {key: {} for key in since}
    for row in rows:
        found[Key(row.session_id, row.video_id)][row.minute] = _spans(row.delivered)
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
        delivered=[_text(s.delivered) for s in changed],
        delivered_ms=[length(s.delivered) for s in changed],
        counted=[s.counted for s in changed],
        qualified=[s.qualified for s in changed],
        completed=[s.completed for s in changed],
    )


async def save_minutes(db: Queries, changed: Collection[tuple[Key, int, Spans]]) -> None:
    """Insert or replace minutes of sessions."""
    await db.run(
        """
        insert into session_minute
        select session_id, video_id, minute, delivered::int8multirange
        from unnest(:session_ids::text[], :video_ids::bigint[], :minutes::integer[], :delivered::text[])
            as changed (session_id, video_id, minute, delivered)
        on conflict (session_id, video_id, minute) do update set delivered = excluded.delivered
        """,
        session_ids=[key.session_id for key, _, _ in changed],
        video_ids=[key.video_id for key, _, _ in changed],
        minutes=[minute for _, minute, _ in changed],
        delivered=[_text(spans) for _, _, spans in changed],
    )


def _spans(multirange: Any) -> Spans:
    return tuple((found.lower, found.upper) for found in multirange)


def _text(spans: Spans) -> str:
    return "{" + ",".join(f"[{start},{end})" for start, end in spans) + "}"
