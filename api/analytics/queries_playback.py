"""SQL of what players told of ended playbacks, and how far streaming was asked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Through:
    """The last playback that was heard of: when it last changed, and which."""

    through: datetime
    session_id: str


@dataclass(frozen=True)
class Playback:
    """An ended playback whose player told how it went. `startup_ms` is None when no picture ever came."""

    session_id: str
    video_id: int
    user_id: int
    started_at: datetime
    startup_ms: int | None
    stalls: int
    stall_ms: int
    dropped_frames: int
    counted: bool = False


async def lock_through(db: Queries) -> Through:
    """How far streaming was asked; the caller is the only one who asks until its transaction ends."""
    return await db.one(Through, "select through, session_id from told for update")


async def save_through(db: Queries, through: datetime, session_id: str) -> None:
    """Streaming was asked up to here."""
    await db.run("update told set through = :through, session_id = :session_id", through=through, session_id=session_id)


async def playbacks(db: Queries, session_ids: Collection[str]) -> list[Playback]:
    """Those of the playbacks that are known."""
    return await db.all(
        Playback,
        """
        select session_id, video_id, user_id, started_at, startup_ms, stalls, stall_ms, dropped_frames, counted
        from playback
        where session_id = any(:session_ids)
        """,
        session_ids=list(session_ids),
    )


async def uncounted(db: Queries, limit: int) -> list[Playback]:
    """Playbacks that wait although their video is known by now."""
    return await db.all(
        Playback,
        """
        select session_id, playback.video_id, user_id, started_at, startup_ms, stalls, stall_ms, dropped_frames, counted
        from playback
        join video using (video_id)
        where not counted and known_at is not null
        order by session_id
        limit :limit
        """,
        limit=limit,
    )


async def save_playbacks(db: Queries, changed: Sequence[Playback]) -> None:
    """Insert or replace."""
    await db.run(
        """
        insert into playback
        select * from unnest(:session_ids::text[], :video_ids::bigint[], :user_ids::bigint[],
            :started_at::timestamptz[], :startups_ms::bigint[], :stalls::bigint[], :stalls_ms::bigint[],
            :dropped_frames::bigint[], :counted::boolean[])
        on conflict (session_id) do update
        set startup_ms = excluded.startup_ms, stalls = excluded.stalls, stall_ms = excluded.stall_ms,
            dropped_frames = excluded.dropped_frames, counted = excluded.counted
        """,
        session_ids=[one.session_id for one in changed],
        video_ids=[one.video_id for one in changed],
        user_ids=[one.user_id for one in changed],
        started_at=[one.started_at for one in changed],
        startups_ms=[one.startup_ms for one in changed],
        stalls=[one.stalls for one in changed],
        stalls_ms=[one.stall_ms for one in changed],
        dropped_frames=[one.dropped_frames for one in changed],
        counted=[one.counted for one in changed],
    )
