"""The statements on what players told of sessions."""

from datetime import datetime

from api.clients import Quality, Told
from api.database import Queries


async def quality(db: Queries, session_id: str) -> Quality | None:
    """What the player of a session told, and how long the session lived so far or in all."""
    sql = """
        select session_id, startup_ms, stalls, stall_ms,
            greatest(0, extract(epoch from coalesce(ended_at, now()) - start_time) * 1000)::bigint as wall_ms
        from stream_sessions
        where session_id = :session_id
    """
    return await db.maybe(Quality, sql, session_id=session_id)


async def told(db: Queries, through: datetime, session_id: str, limit: int) -> list[Told]:
    """What players told of ended sessions, behind a place in the order of their last change.

    The last seconds are left for later: a change that is not committed yet may come before one that is.
    """
    sql = """
        select session_id, video_id, user_id, start_time as started_at, changed_at, startup_ms, stalls,
            coalesce(stall_ms, 0) as stall_ms, coalesce(dropped_frames, 0) as dropped_frames
        from stream_sessions
        where changed_at >= :through and (changed_at, session_id::text) > (:through, :session_id)
            and changed_at < now() - interval '10 seconds' and ended_at is not null and stalls is not null
        order by changed_at, session_id::text
        limit :limit
    """
    return await db.all(Told, sql, through=through, session_id=session_id, limit=limit)
