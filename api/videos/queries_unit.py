"""Statements about units, on `streamify_video`. Units are locked before their job, the job before its video.

Who locks several units of a job locks all of them, in the order of their ids, and before any other of its rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.database import Queries
from api.queue import QueueName
from api.wire import NewUnit


@dataclass(frozen=True)
class LockedUnit:
    id: int
    job_id: int
    kind: str
    queue: QueueName
    state: str
    fence: int
    attempts: int


async def add_units(db: Queries, job_id: int, units: Sequence[NewUnit]) -> None:
    """Open units; raises CheckViolation when a segment would belong to two of the job."""
    rows = [
        {
            "job_id": job_id,
            "kind": u.kind,
            "queue": u.queue,
            "spare": u.queue == "held",
            "renditions": u.renditions,
            "first": u.first_segment,
            "end": u.end_segment,
            "rank": u.rank,
        }
        for u in units
    ]
    await db.many(
        """
        insert into units (job_id, kind, queue, spare, renditions, first_segment, end_segment, rank)
        values (:job_id, :kind, :queue, :spare, :renditions, :first, :end, :rank)
        """,
        rows,
    )


async def lock_unit(db: Queries, unit_id: int) -> LockedUnit | None:
    """A unit, kept from others until the transaction ends."""
    return await db.maybe(
        LockedUnit,
        "select id, job_id, kind, queue, state, fence, attempts from units where id = :unit_id for update",
        unit_id=unit_id,
    )


async def kind(db: Queries, unit_id: int) -> str | None:
    """What a unit is for; that never changes."""
    return await db.value("select kind from units where id = :unit_id", unit_id=unit_id)


async def exists(db: Queries, unit_id: int) -> bool:
    """Whether there is such a unit; those of deleted videos and earlier tries are gone."""
    return await db.value("select exists (select from units where id = :unit_id)", unit_id=unit_id)


async def lock_units_of_video(db: Queries, video_id: int) -> None:
    """Keep all units of a video from others, in the order everybody locks them."""
    await db.run(
        """
        select from units where job_id = (select id from jobs where video_id = :video_id) order by id for update
        """,
        video_id=video_id,
    )


async def lock_units_of_job(db: Queries, job_id: int) -> None:
    """Keep all units of a job from others, in the order everybody locks them."""
    await db.run("select from units where job_id = :job_id order by id for update", job_id=job_id)


async def lock_units_beside(db: Queries, unit_id: int) -> None:
    """Keep a unit and all others of its job from others, in the order everybody locks them."""
    await db.run(
        """
        select from units where job_id = (select job_id from units where id = :unit_id) order by id for update
        """,
        unit_id=unit_id,
    )


async def drop_units(db: Queries, job_id: int) -> None:
    """Forget the units of an earlier try; workers still at them are told to stop."""
    await db.run("delete from units where job_id = :job_id", job_id=job_id)


async def end_unit(db: Queries, unit_id: int, state: str, result: dict[str, Any], *, uncounted: bool = False) -> None:
    """Done, failed, or queued for another attempt; one that is `uncounted` was none. Segments made stay made."""
    await db.run(
        """
        update units set state = :state, result = :result, lease_until = null, speed = 0,
            queued_at = now(), seen_at = now(), attempts = attempts - case when :uncounted then 1 else 0 end
        where id = :unit_id
        """,
        unit_id=unit_id,
        state=state,
        result=result,
        uncounted=uncounted,
    )


async def open_units(db: Queries, job_id: int) -> int:
    """How many units of a job its finish waits for; held ones, and those that may come later, are none of them."""
    return await db.value(
        """
        select count(*) from units
        where job_id = :job_id and state <> 'done' and queue <> 'held' and kind not in ('captions', 'poster')
        """,
        job_id=job_id,
    )


async def adopt(db: Queries, job_id: int, renditions: Sequence[str]) -> int:
    """Have spare units of these renditions made in any case; gives how many."""
    return await db.run(
        """
        update units set spare = false, queue = case queue when 'held' then 'batch' else queue end
        where job_id = :job_id and spare and renditions && :renditions
        """,
        job_id=job_id,
        renditions=renditions,
    )


async def waiting(db: Queries, job_id: int) -> list[QueueName]:
    """The queue of each unit of a job that could be claimed."""
    return await db.value(
        """
        select array(
            select queue from units where job_id = :job_id and state = 'queued' and queue <> 'held'
        )
        """,
        job_id=job_id,
    )
