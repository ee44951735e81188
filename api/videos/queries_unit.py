"""Statements about units, on `streamify_video`. Units are locked before their job, the job before its video."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.clients import NewUnit
from api.database import Queries
from api.queue import QueueName


@dataclass(frozen=True)
class LockedUnit:
    id: int
    job_id: int
    kind: str
    queue: QueueName
    state: str
    fence: int
    attempts: int


@dataclass(frozen=True)
class Claimed:
    """A claimed unit with what a worker needs of its job and video."""

    id: int
    fence: int
    kind: str
    job_id: int
    video_id: int
    generation: int
    source: str
    filename: str
    renditions: list[str]
    first_segment: int
    end_segment: int
    attempt: int
    plan: dict[str, Any]


@dataclass(frozen=True)
class Renewed:
    wanted: bool
    end_segment: int


@dataclass(frozen=True)
class Expired:
    id: int
    job_id: int
    queue: QueueName
    state: str


@dataclass(frozen=True)
class Unheard:
    queue: QueueName
    units: int


async def add_units(db: Queries, job_id: int, units: Sequence[NewUnit]) -> None:
    """Open units."""
    rows = [
        {
            "job_id": job_id,
            "kind": u.kind,
            "queue": u.queue,
            "renditions": u.renditions,
            "first": u.first_segment,
            "end": u.end_segment,
            "rank": u.rank,
        }
        for u in units
    ]
    await db.many(
        """
        insert into units (job_id, kind, queue, renditions, first_segment, end_segment, rank)
        values (:job_id, :kind, :queue, :renditions, :first, :end, :rank)
        """,
        rows,
    )


async def claim(db: Queries, queue: str, worker: str, lease_s: float) -> int | None:
    """Lease the best claimable unit of a queue; gives its id. Two callers never get the same one."""
    return await db.value(
        """
        with busy as (
            select job_id, count(*) as units from units where state = 'running' group by job_id
        ), best as (
            select u.id from units u join jobs j on j.id = u.job_id left join busy b on b.job_id = u.job_id
            where u.state = 'queued' and u.queue = :queue and j.state in ('queued', 'running')
            order by coalesce(u.held_until > now(), false) desc, j.priority desc, u.rank, coalesce(b.units, 0), u.id
            limit 1 for update of u skip locked
        )
        update units u
        set state = 'running', fence = fence + 1, attempts = attempts + 1, worker = :worker, done_segments = 0,
            speed = 0, seen_at = now(), lease_until = now() + make_interval(secs => :lease_s)
        from best where u.id = best.id
        returning u.id
        """,
        queue=queue,
        worker=worker,
        lease_s=lease_s,
    )


async def claimed(db: Queries, unit_id: int) -> Claimed:
    """What the worker that claimed a unit needs to know."""
    return await db.one(
        Claimed,
        """
        select u.id, u.fence, u.kind, u.job_id, j.video_id, j.generation, v.source, v.filename, u.renditions,
            u.first_segment, u.end_segment, u.attempts as attempt, j.plan
        from units u join jobs j on j.id = u.job_id join videos v on v.id = j.video_id
        where u.id = :unit_id
        """,
        unit_id=unit_id,
    )


async def renew(
    db: Queries, unit_id: int, *, fence: int, done_segments: int, speed: float, lease_s: float
) -> Renewed | None:
    """Prolong a lease; gives whether the job still wants the unit, None when the lease is another's."""
    return await db.maybe(
        Renewed,
        """
        update units u
        set lease_until = now() + make_interval(secs => :lease_s), seen_at = now(), speed = :speed,
            done_segments = least(:done_segments, u.end_segment - u.first_segment)
        from jobs j
        where u.id = :unit_id and u.fence = :fence and u.state = 'running' and j.id = u.job_id
        returning j.state in ('queued', 'running') as wanted, u.end_segment
        """,
        unit_id=unit_id,
        fence=fence,
        done_segments=done_segments,
        speed=speed,
        lease_s=lease_s,
    )


async def lock_unit(db: Queries, unit_id: int) -> LockedUnit | None:
    """A unit, kept from others until the transaction ends."""
    return await db.maybe(
        LockedUnit,
        "select id, job_id, kind, queue, state, fence, attempts from units where id = :unit_id for update",
        unit_id=unit_id,
    )


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


async def drop_units(db: Queries, job_id: int) -> None:
    """Forget the units of an earlier try; workers still at them are told to stop."""
    await db.run("delete from units where job_id = :job_id", job_id=job_id)


async def end_unit(db: Queries, unit_id: int, state: str, result: dict[str, Any], *, uncounted: bool = False) -> None:
    """Done, failed, or queued for another attempt; one that is `uncounted` was none."""
    await db.run(
        """
        update units set state = :state, result = :result, lease_until = null, done_segments = 0, speed = 0,
            queued_at = now(), seen_at = now(), attempts = attempts - case when :uncounted then 1 else 0 end
        where id = :unit_id
        """,
        unit_id=unit_id,
        state=state,
        result=result,
        uncounted=uncounted,
    )


async def open_units(db: Queries, job_id: int) -> int:
    """How many units of a job are not done."""
    return await db.value("select count(*) from units where job_id = :job_id and state <> 'done'", job_id=job_id)


async def expire(db: Queries, most_attempts: int) -> list[Expired]:
    """Take back units whose worker fell silent: queued again, or failed after the last attempt."""
    return await db.all(
        Expired,
        """
        with silent as (
            select id from units where state = 'running' and lease_until < now()
            order by id limit 500 for update skip locked
        )
        update units u
        set state = case when attempts >= :most_attempts then 'failed' else 'queued' end, lease_until = null,
            done_segments = 0, speed = 0, queued_at = now()
        from silent where u.id = silent.id
        returning u.id, u.job_id, u.queue, u.state
        """,
        most_attempts=most_attempts,
    )


async def unheard(db: Queries, quiet_s: float) -> list[Unheard]:
    """Queues with claimable units that nobody took for a while and for which no sweep rang; they count as rung now."""
    return await db.all(
        Unheard,
        """
        with waiting as (
            select u.queue, count(*) as units from units u join jobs j on j.id = u.job_id
            where u.state = 'queued' and j.state in ('queued', 'running')
              and u.queued_at < now() - make_interval(secs => :quiet_s)
            group by u.queue
        )
        update bells b set rung_at = now() from waiting w
        where w.queue = b.queue and b.rung_at < now() - make_interval(secs => :quiet_s)
        returning b.queue, w.units
        """,
        quiet_s=quiet_s,
    )
