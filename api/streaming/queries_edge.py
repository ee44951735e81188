"""What converters of a CDN's log ask about the sessions in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.database import Queries


@dataclass(frozen=True)
class Owner:
    session_id: str
    user_id: int
    video_id: int


async def owners(db: Queries, session_ids: Sequence[str]) -> list[Owner]:
    """Whose sessions these are, and of which videos; unknown ones are left out."""
    sql = "select session_id, user_id, video_id from stream_sessions where session_id = any(:session_ids)"
    return await db.all(Owner, sql, session_ids=list(session_ids))
