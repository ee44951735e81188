"""SQL of views: made again from the sessions of their hour whenever one of those changes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Viewing:
    """A view: at most one per video, user and hour."""

    video_id: int
    user_id: int
    hour: datetime
    at: datetime
    completed: bool


Slot = tuple[int, int, datetime]  # video, user, hour: where there is one view or none


async def drop_viewings(db: Queries, slots: Collection[Slot]) -> list[Viewing]:
    """Remove the views of some slots; gives what was removed."""
    return await db.all(
        Viewing,
        """
        delete from viewing
        where (video_id, user_id, hour) in
            (select * from unnest(:video_ids::bigint[], :user_ids::bigint[], :hours::timestamptz[]))
        returning video_id, user_id, hour, at, completed
        """,
        **_columns(slots),
    )


async def make_viewings(db: Queries, slots: Collection[Slot]) -> list[Viewing]:
    """Make the views of empty slots from the qualified sessions that began in their hour; gives what was made."""
    return await db.all(
        Viewing,
        """
        insert into viewing
        select video_id, user_id, hour, min(first_at), bool_or(completed)
        from unnest(:video_ids::bigint[], :user_ids::bigint[], :hours::timestamptz[]) as slot (video_id, user_id, hour)
        join session using (video_id, user_id)
        where qualified and first_at >= hour and first_at < hour + interval '1 hour'
        group by video_id, user_id, hour
        returning video_id, user_id, hour, at, completed
        """,
        **_columns(slots),
    )


def _columns(slots: Collection[Slot]) -> dict[str, object]:
    return {
        "video_ids": [video_id for video_id, _, _ in slots],
        "user_ids": [user_id for _, user_id, _ in slots],
        "hours": [hour for _, _, hour in slots],
    }
