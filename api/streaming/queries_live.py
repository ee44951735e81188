"""The statements on what verdicts decide by, and on the signs of life they leave."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.database import Queries


@dataclass(frozen=True)
class Known:
    """A session as a verdict needs it. `ahead`: how many live sessions of the same user began earlier."""

    session_id: str
    user_id: int
    video_id: int
    end_reason: str | None
    spent: bool
    final: bool
    limited: bool
    preview_ms: int
    ahead: int


async def known(db: Queries, session_ids: Sequence[str]) -> list[Known]:
    """Sessions by the unique key; unknown ones are left out."""
    return await db.all(
        Known,
        """
        select s.session_id, s.user_id, s.video_id, s.end_reason, s.spent, s.final, s.limited, s.preview_ms,
            (select count(*) from stream_sessions o where o.user_id = s.user_id and o.is_active and o.id < s.id)
                as ahead
        from stream_sessions s
        where s.session_id = any(:session_ids)
        """,
        session_ids=session_ids,
    )


async def changed(db: Queries, within_s: float) -> list[str]:
    """Sessions that ended, or whose money changed, within the last seconds, and the live ones of the same users."""
    sql = """
        select array(
            select session_id from stream_sessions where changed_at > now() - make_interval(secs => :within_s)
            union
            select o.session_id from stream_sessions s
            join stream_sessions o on o.user_id = s.user_id and o.is_active
            where s.changed_at > now() - make_interval(secs => :within_s)
        )
        """
    found: list[str] = await db.value(sql, within_s=within_s)
    return found


async def see(db: Queries, session_ids: Sequence[str]) -> int:
    """Note that media was asked for, at most every ten seconds; who is being written by somebody else is left out."""
    return await db.run(
        """
        update stream_sessions s set last_seen = now()
        from (
            select id from stream_sessions
            where session_id = any(:session_ids) and is_active and last_seen < now() - interval '10 seconds'
            order by id for update skip locked
        ) seen
        where s.id = seen.id
        """,
        session_ids=session_ids,
    )
