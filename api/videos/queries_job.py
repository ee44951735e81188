"""Statements about jobs and workers, on `streamify_video`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.database import Queries


@dataclass(frozen=True)
class Job:
    """A job as operators see it; `progress` counts segments over all renditions, `speed` is times real time."""

    id: int
    video_id: int
    title: str
    uploaded_by: int
    state: str
    priority: int
    progress: float
    total: int
    done: int
    running: int
    failed: int
    media_ms: int
    speed: float
    attempts: int
    error_code: str | None
    error_message: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    running_ms: int
    workers: list[str]


@dataclass(frozen=True)
class LockedJob:
    id: int
    video_id: int
    state: str
    generation: int


@dataclass(frozen=True)
class Page:
    total: int
    ids: list[int]


@dataclass(frozen=True)
class Worker:
    """A worker by what its units say."""

    name: str
    queue: str
    load: int
    last_seen: datetime
    units: list[dict[str, Any]]


async def add_job(db: Queries, video_id: int) -> int:
    """A queued job; gives its id."""
    return await db.value("insert into jobs (video_id) values (:video_id) returning id", video_id=video_id)


async def find(db: Queries, *, state: str, skip: int, limit: int) -> Page:
    """One page of job ids, newest first, and how many there are."""
    return await db.one(
        Page,
        """
        with matching as (select id, queued_at from jobs where :state::text = '' or state = :state)
        select (select count(*) from matching) as total,
            array(select id from matching order by queued_at desc, id desc limit :limit offset :skip) as ids
        """,
        state=state,
        skip=skip,
        limit=limit,
    )


async def jobs(db: Queries, ids: Sequence[int]) -> list[Job]:
    """Jobs by id, newest first."""
    return await db.all(
        Job,
        """
        select j.id, j.video_id, v.title, v.uploaded_by, j.state, j.priority, j.attempts, j.error_code,
            j.error_message, j.queued_at, j.started_at, j.finished_at, v.duration_ms as media_ms,
            u.total, u.done, u.running, u.failed, u.speed, u.workers,
            p.progress,
            (extract(epoch from coalesce(j.finished_at, now()) - coalesce(j.started_at, now())) * 1000)::int8
                as running_ms
        from jobs j join videos v on v.id = j.video_id join job_progress p on p.job_id = j.id
        cross join lateral (
            select count(*) as total, count(*) filter (where state = 'done') as done,
                count(*) filter (where state = 'running') as running,
                count(*) filter (where state = 'failed') as failed,
                coalesce(sum(speed) filter (where state = 'running'), 0)::float8 as speed,
                coalesce(array_agg(distinct worker) filter (where state = 'running'), '{}') as workers
            from units where job_id = j.id
        ) u
        where j.id = any(:ids::int[]) order by j.queued_at desc, j.id desc
        """,
        ids=ids,
    )


async def lock_job(db: Queries, job_id: int) -> LockedJob | None:
    """A job, kept from others until the transaction ends. Units are locked before their job, a job before its video."""
    return await db.maybe(
        LockedJob,
        "select id, video_id, state, generation from jobs where id = :job_id for update",
        job_id=job_id,
    )


async def of_video(db: Queries, video_id: int) -> int | None:
    """The job of a video; None until its source is whole."""
    return await db.value("select id from jobs where video_id = :video_id", video_id=video_id)


async def owner(db: Queries, job_id: int) -> int | None:
    """Who uploaded the video of a job."""
    return await db.value(
        "select v.uploaded_by from jobs j join videos v on v.id = j.video_id where j.id = :job_id", job_id=job_id
    )


async def start_job(db: Queries, job_id: int) -> None:
    """Its first unit was taken."""
    await db.run(
        """
        update jobs set state = 'running', started_at = coalesce(started_at, now())
        where id = :job_id and state = 'queued'
        """,
        job_id=job_id,
    )


async def plan_job(db: Queries, job_id: int, plan: dict[str, Any]) -> None:
    """What the probe decided."""
    await db.run("update jobs set plan = :plan where id = :job_id", job_id=job_id, plan=plan)


async def patch_plan(db: Queries, job_id: int, patch: dict[str, Any]) -> None:
    """Replace some keys of the plan."""
    await db.run("update jobs set plan = plan || :patch where id = :job_id", job_id=job_id, patch=patch)


async def keep_progress(db: Queries, job_id: int) -> None:
    """Let the progress of a job not sink below what it is now, however much more there will be to do."""
    await db.run(
        """
        update jobs j set progress = p.progress from job_progress p where p.job_id = j.id and j.id = :job_id
        """,
        job_id=job_id,
    )


async def pause_job(db: Queries, job_id: int) -> None:
    """Nothing of it is claimed from now on."""
    await db.run("update jobs set state = 'paused' where id = :job_id", job_id=job_id)


async def resume_job(db: Queries, job_id: int) -> None:
    """It goes on where it was."""
    await db.run(
        """
        update jobs set state = case when started_at is null then 'queued' else 'running' end where id = :job_id
        """,
        job_id=job_id,
    )


async def set_priority(db: Queries, job_id: int, priority: int) -> None:
    """Jobs of higher priority go first."""
    await db.run("update jobs set priority = :priority where id = :job_id", job_id=job_id, priority=priority)


async def end_job(db: Queries, job_id: int, state: str, code: str | None = None, message: str | None = None) -> None:
    """Done, failed or cancelled."""
    await db.run(
        """
        update jobs set state = :state, error_code = :code, error_message = :message, finished_at = now()
        where id = :job_id
        """,
        job_id=job_id,
        state=state,
        code=code,
        message=message,
    )


async def reopen_job(db: Queries, job_id: int) -> None:
    """Try once more, from the source, into the next generation."""
    await db.run(
        """
        update jobs
        set state = 'queued', generation = generation + 1, attempts = attempts + 1, plan = '{}', error_code = null,
            error_message = null, queued_at = now(), started_at = null, finished_at = null, progress = 0
        where id = :job_id
        """,
        job_id=job_id,
    )


async def lock_job_of_video(db: Queries, video_id: int) -> None:
    """Keep the job of a video from others until the transaction ends."""
    await db.run("select from jobs where video_id = :video_id for update", video_id=video_id)


async def workers(db: Queries) -> list[Worker]:
    """Workers heard of in the last hour and what they run."""
    return await db.all(
        Worker,
        """
        select u.worker as name, (array_agg(u.queue order by u.seen_at desc))[1] as queue,
            count(*) filter (where u.state = 'running') as load, max(u.seen_at) as last_seen,
            coalesce(jsonb_agg(jsonb_build_object('id', u.id, 'kind', u.kind, 'job_id', u.job_id,
                'video_id', j.video_id, 'renditions', u.renditions, 'first_segment', u.first_segment,
                'end_segment', u.end_segment, 'done_segments', u.done_segments, 'speed', u.speed)
            ) filter (where u.state = 'running'), '[]') as units
        from units u join jobs j on j.id = u.job_id
        where u.worker is not null and u.seen_at > now() - interval '1 hour'
        group by u.worker order by u.worker
        """,
    )
