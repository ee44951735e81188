"""Statements about units that a viewer waits for, on `streamify_video`."""

from dataclasses import dataclass

from api.database import Queries


@dataclass(frozen=True)
class Wanted:
    """The unit in which a segment lies that a viewer waits for."""

    id: int
    kind: str
    state: str
    first_segment: int
    held: bool
    job_state: str


@dataclass(frozen=True)
class Span:
    """A queued unit, as far as it is to be split."""

    kind: str
    first_segment: int
    end_segment: int


async def wanted(db: Queries, video_id: int, generation: int, rendition: str, index: int | None) -> Wanted | None:
    """The unit that makes a segment, or for index None (the init segment) the one that makes it soonest."""
    return await db.maybe(
        Wanted,
        """
        select u.id, u.kind, u.state, u.first_segment, coalesce(u.held_until > now(), false) as held,
            j.state as job_state
        from units u join jobs j on j.id = u.job_id
        where j.video_id = :video_id and j.generation = :generation and :rendition::text = any(u.renditions)
          and u.kind in ('video', 'audio')
          and (:index::int is null or (u.first_segment <= :index and :index < u.end_segment))
        order by array_position(array['done', 'running', 'queued', 'failed'], u.state), u.first_segment
        limit 1
        """,
        video_id=video_id,
        generation=generation,
        rendition=rendition,
        index=index,
    )


async def lock_span(db: Queries, unit_id: int) -> Span | None:
    """A unit if it is still queued, kept from claimers until the transaction ends."""
    return await db.maybe(
        Span,
        """
        select kind, first_segment, end_segment from units where id = :unit_id and state = 'queued' for update
        """,
        unit_id=unit_id,
    )


async def add_tail(db: Queries, unit_id: int, index: int) -> int:
    """The segments of a unit from `index` on as a unit of their own; gives its id. Shorten the old one with it."""
    return await db.value(
        """
        insert into units (job_id, kind, queue, renditions, first_segment, end_segment, rank)
        select job_id, kind, queue, renditions, :index, end_segment, rank from units where id = :unit_id
        returning id
        """,
        unit_id=unit_id,
        index=index,
    )


async def shorten(db: Queries, unit_id: int, index: int) -> None:
    """Let a unit end before `index`."""
    await db.run("update units set end_segment = :index where id = :unit_id", unit_id=unit_id, index=index)


async def hold(db: Queries, unit_id: int, held_s: float) -> bool:
    """Put a queued unit at the head of the interactive queue for a moment. False when it is queued no more."""
    return bool(
        await db.run(
            """
            update units set queue = 'interactive', held_until = now() + make_interval(secs => :held_s)
            where id = :unit_id and state = 'queued'
            """,
            unit_id=unit_id,
            held_s=held_s,
        )
    )
