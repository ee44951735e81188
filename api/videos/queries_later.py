"""Statements about what people add to a film of their own accord, and the units that publish it."""

from dataclasses import dataclass
from typing import Any

from api.database import Queries


@dataclass(frozen=True)
class Film:
    """A video that something is added to; `job_id` None until its source is whole."""

    duration_ms: int
    job_id: int | None
    job_state: str | None


@dataclass(frozen=True)
class Ended:
    """What a unit has come to so far."""

    state: str
    result: dict[str, Any]


async def lock_job(db: Queries, video_id: int) -> None:
    """Keep the job of a video, where it has one, from ending until the transaction does. Before its video."""
    await db.run("select from jobs where video_id = :video_id for update", video_id=video_id)


async def lock_film(db: Queries, video_id: int) -> Film | None:
    """A video, kept from others until the transaction ends. Lock its job first."""
    return await db.maybe(
        Film,
        """
        select v.duration_ms, j.id as job_id, j.state as job_state
        from videos v left join jobs j on j.video_id = v.id
        where v.id = :video_id for update of v
        """,
        video_id=video_id,
    )


async def open_later(db: Queries, job_id: int, kind: str) -> int:
    """A unit of a finished job that nobody has begun yet, opened unless there is one; gives its id. Lock the job."""
    return await db.value(
        """
        with waiting as (
            select id from units where job_id = :job_id and kind = :kind and state = 'queued' order by id limit 1
        ), opened as (
            insert into units (job_id, kind, queue)
            select :job_id, :kind, 'interactive' where not exists (select from waiting) returning id
        )
        select id from waiting union all select id from opened
        """,
        job_id=job_id,
        kind=kind,
    )


async def ended(db: Queries, unit_id: int) -> Ended | None:
    """None when the unit is gone with its video."""
    return await db.maybe(Ended, "select state, result from units where id = :unit_id", unit_id=unit_id)
