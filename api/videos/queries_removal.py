"""Statements about removals, on `streamify_video`."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.database import Queries


@dataclass(frozen=True)
class Removal:
    """`settled`: no worker can still be writing what is to be removed."""

    id: int
    video_id: int | None
    generation: int | None
    rendition: str | None
    source: str | None
    sessions_ended: bool
    settled: bool


async def add_removal(
    db: Queries,
    *,
    video_id: int | None = None,
    generation: int | None = None,
    rendition: str | None = None,
    source: str | None = None,
    sessions_ended: bool = True,
    due_s: float = 0,
) -> int:
    """Have files removed in `due_s` seconds; gives the removal's id."""
    return await db.value(
        """
        insert into removals (video_id, generation, rendition, source, sessions_ended, due_at)
        values (:video_id, :generation, :rendition, :source, :sessions_ended, now() + make_interval(secs => :due_s))
        returning id
        """,
        video_id=video_id,
        generation=generation,
        rendition=rendition,
        source=source,
        sessions_ended=sessions_ended,
        due_s=due_s,
    )


async def due(db: Queries, limit: int) -> list[int]:
    """Removals that are due, oldest first."""
    return await db.value(
        "select array(select id from removals where due_at <= now() order by due_at, id limit :limit)", limit=limit
    )


async def begin(db: Queries, removal_id: int, settle_s: float, again_s: float) -> Removal | None:
    """A removal to be carried out now; comes due again unless it is dropped."""
    return await db.maybe(
        Removal,
        """
        update removals set due_at = now() + make_interval(secs => :again_s)
        where id = :removal_id
        returning id, video_id, generation, rendition, source, sessions_ended,
            created_at < now() - make_interval(secs => :settle_s) as settled
        """,
        removal_id=removal_id,
        settle_s=settle_s,
        again_s=again_s,
    )


async def sessions_ended(db: Queries, removal_id: int) -> None:
    """Nobody watches the video any more."""
    await db.run("update removals set sessions_ended = true where id = :removal_id", removal_id=removal_id)


async def drop_removals(db: Queries, ids: Sequence[int]) -> None:
    """They are carried out, or no longer wanted."""
    await db.run("delete from removals where id = any(:ids::bigint[])", ids=ids)
