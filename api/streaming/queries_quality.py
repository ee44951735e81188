"""The statement on what players told of sessions."""

from api.clients import Quality
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
