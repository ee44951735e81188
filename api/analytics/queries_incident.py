"""SQL of incidents: sets of moments (ms since 1970) by session, minute and kind."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from api.analytics.arrivals import Key
from api.analytics.spans import Spans, as_multirange, from_multirange
from api.database import Queries


@dataclass(frozen=True)
class Row:
    session_id: str
    video_id: int
    minute: int
    moments: Any


async def incidents(db: Queries, kind: str, keys: Collection[Key]) -> dict[tuple[Key, int], Spans]:
    """What is known of some sessions."""
    rows = await db.all(
        Row,
        """
        select session_id, video_id, minute, moments
        from unnest(:session_ids::text[], :video_ids::bigint[]) as wanted (session_id, video_id)
        join incident using (session_id, video_id)
        where kind = :kind
        """,
        session_ids=[key.session_id for key in keys],
        video_ids=[key.video_id for key in keys],
        kind=kind,
    )
    return {(Key(row.session_id, row.video_id), row.minute): from_multirange(row.moments) for row in rows}


async def save_incidents(db: Queries, kind: str, changed: Sequence[tuple[Key, int, Spans]]) -> None:
    """Insert or replace."""
    await db.run(
        """
        insert into incident (session_id, video_id, minute, kind, moments)
        select session_id, video_id, minute, :kind, moments::int8multirange
        from unnest(:session_ids::text[], :video_ids::bigint[], :minutes::integer[], :moments::text[])
            as changed (session_id, video_id, minute, moments)
        on conflict (session_id, video_id, minute, kind) do update set moments = excluded.moments
        """,
        kind=kind,
        session_ids=[key.session_id for key, _, _ in changed],
        video_ids=[key.video_id for key, _, _ in changed],
        minutes=[minute for _, minute, _ in changed],
        moments=[as_multirange(spans) for _, _, spans in changed],
    )
