"""The statements on resume positions."""

from dataclasses import dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Position:
    """Where a user goes on with a video."""

    video_id: int
    position_ms: int
    updated_at: datetime


async def position(db: Queries, user_id: int, video_id: int) -> int:
    """Where a user goes on with a video; 0 when there is nothing to go on with."""
    sql = "select position_ms from resume_positions where user_id = :user_id and video_id = :video_id"
    return int(await db.value(sql, user_id=user_id, video_id=video_id) or 0)


async def move(db: Queries, user_id: int, video_id: int, position_ms: int) -> None:
    """Keep a position; the last word holds, whichever device it comes from."""
    await db.run(
        """
        insert into resume_positions (user_id, video_id, position_ms)
        values (:user_id, :video_id, :position_ms)
        on conflict (user_id, video_id) do update set position_ms = excluded.position_ms, updated_at = now()
        """,
        user_id=user_id,
        video_id=video_id,
        position_ms=position_ms,
    )


async def positions(db: Queries, user_id: int, limit: int) -> list[Position]:
    """Films begun and not seen to the end, the latest first."""
    return await db.all(
        Position,
        """
        select video_id, position_ms, updated_at from resume_positions
        where user_id = :user_id and position_ms > 0
        order by updated_at desc limit :limit
        """,
        user_id=user_id,
        limit=limit,
    )
