"""Statements about units that a viewer waits for, on `streamify_video`."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.database import Queries


@dataclass(frozen=True)
class Wanted:
    """The unit in which a segment lies that a viewer waits for."""

    id: int
    state: str
    job_state: str


@dataclass(frozen=True)
class Span:
    """A queued or running unit, as far as it is to be carved. `held`: somebody waits for it already.

    `interactive`: it is in the queue of what plays at once or is next where somebody plays.
    """

    state: str
    renditions: list[str]
    first_segment: int
    end_segment: int
    done_segments: int
    speed: float
    held: bool
    interactive: bool


async def wanted(db: Queries, video_id: int, generation: int, rendition: str, index: int | None) -> Wanted | None:
    """The unit that makes a segment, or for index None (the init segment) the one that makes it soonest."""
    return await db.maybe(
        Wanted,
        """
        select u.id, u.state, j.state as job_state
        from units u join jobs j on j.id = u.job_id
        where j.video_id = :video_id and j.generation = :generation and :rendition::text = any(u.renditions)
          and u.makes_segments
          and (:index::int is null or (u.first_segment <= :index and :index < u.end_segment))
        order by array_position(array['done', 'running', 'queued', 'failed'], u.state),
            coalesce(u.held_until > now(), false) desc, u.first_segment
        limit 1
        """,
        video_id=video_id,
        generation=generation,
        rendition=rendition,
        index=index,
    )


async def begun(db: Queries, video_id: int, generation: int) -> str | None:
    """The state of a job that can only make the beginning of its film for now; its index opens units for the rest."""
    return await db.value(
        """
        select (
            select j.state from units u join jobs j on j.id = u.job_id
            where j.video_id = :video_id and j.generation = :generation and j.state in ('queued', 'running', 'paused')
              and u.kind = 'index' and u.state in ('queued', 'running')
        )
        """,
        video_id=video_id,
        generation=generation,
    )


async def lock_span(db: Queries, unit_id: int) -> Span | None:
    """A unit if it is still to be made, kept from claimers until the transaction ends."""
    return await db.maybe(
        Span,
        """
        select state, renditions, first_segment, end_segment, done_segments, speed,
            coalesce(held_until > now(), false) as held, queue = 'interactive' as interactive
        from units where id = :unit_id and state in ('queued', 'running') for update
        """,
        unit_id=unit_id,
    )


async def cut(db: Queries, unit_id: int, renditions: Sequence[str], first: int, end: int) -> None:
    """Let a unit be this piece of itself."""
    await db.run(
        """
        update units
        set renditions = :renditions, first_segment = :first, end_segment = :end,
            done_segments = case first_segment when :first then least(done_segments, :end - :first) else 0 end
        where id = :unit_id
        """,
        unit_id=unit_id,
        renditions=renditions,
        first=first,
        end=end,
    )


async def add_piece(db: Queries, unit_id: int, renditions: Sequence[str], first: int, end: int) -> int:
    """A piece cut off a unit as a unit of its own; gives its id. What was spare is not made unless somebody asks."""
    return await db.value(
        """
        insert into units (job_id, kind, queue, spare, renditions, first_segment, end_segment, rank)
        select job_id, kind, case when spare then 'held' else queue end, spare, :renditions, :first, :end, rank
        from units where id = :unit_id
        returning id
        """,
        unit_id=unit_id,
        renditions=renditions,
        first=first,
        end=end,
    )


async def hold(db: Queries, unit_id: int, held_s: float) -> None:
    """Put a queued unit into the interactive queue, and at its head for so long."""
    await db.run(
        """
        update units set queue = 'interactive', held_until = now() + make_interval(secs => :held_s)
        where id = :unit_id and state = 'queued'
        """,
        unit_id=unit_id,
        held_s=held_s,
    )
