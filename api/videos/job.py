"""Jobs: transcoding one video. Opened with the last byte, ended by its units, steered by people.

Uploaders pause, resume, cancel and retry their own, operators all; each is exact at any moment, for a job is a row.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.database import Connection, Database, Queries
from api.identity import User
from api.problems import Forbidden, NotFound, Problem
from api.queue import QueueName
from api.videos import queries_job as queries
from api.videos import queries_removal, queries_unit, queries_video
from api.videos.bells import Bells
from api.videos.queries_job import Job, LockedJob
from api.videos.removal import STALE_S
from api.videos.video import MAX_ID, NotYours, check_owner, may_change
from api.wire import NewUnit

PROBE = NewUnit("probe", "interactive", [], 0, 0, 0)
LIVE = ("queued", "running", "paused")


class NoJob(NotFound):
    detail = "There is no such job."


class JobEnded(Problem):
    code, status = "job_ended", 409
    detail = "This job has ended already."


class JobLive(Problem):
    code, status = "job_live", 409
    detail = "Only a job that failed or was cancelled can be tried again."


class AboveOthers(Forbidden):
    detail = "Only operators may put a job before those of others. Use a priority of 0 or less."


class Change(BaseModel):
    """What may be changed of a job. Those of higher priority go first; 0 is everybody's."""

    model_config = ConfigDict(extra="forbid", strict=True)

    priority: int = Field(ge=-100, le=100)


class Search(BaseModel):
    """The query string of the list of jobs."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["", "queued", "running", "paused", "done", "failed", "cancelled"] = ""
    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=50, ge=1, le=100)


async def open_for(tx: Connection, video_id: int) -> None:
    """A job and its probe for a video whose source is whole, all in the caller's transaction; then ring."""
    await queries_video.queue_video(tx, video_id)
    job_id = await queries.add_job(tx, video_id)
    await queries_unit.add_units(tx, job_id, [PROBE])


async def page(db: Database, wanted: Search) -> dict[str, object]:
    """One page of jobs, newest first."""
    found = await queries.find(db, state=wanted.state, skip=(wanted.page - 1) * wanted.per_page, limit=wanted.per_page)
    items = [view(job) for job in await queries.jobs(db, found.ids)]
    return {"items": items, "page": wanted.page, "per_page": wanted.per_page, "total": found.total}


async def look(db: Database, job_id: int) -> dict[str, object]:
    """One job; raises NoJob."""
    found = await queries.jobs(db, [job_id])
    if not found:
        raise NoJob
    return view(found[0])


async def of_video(db: Database, user: User, video_id: int) -> dict[str, object]:
    """The job of a video, for its uploader and operators. Raises NoVideo, NotYours, NoJob."""
    await check_owner(db, user, video_id)
    job_id = await queries.of_video(db, video_id)
    if job_id is None:
        raise NoJob
    return await look(db, job_id)


def view(job: Job) -> dict[str, object]:
    """The JSON of a job (api.md). `eta_ms` assumes that it goes on as fast as so far, waiting included."""
    left = job.running_ms * (1 - job.progress) / job.progress if job.progress > 0 else None
    return {
        "id": job.id,
        "video": {"id": job.video_id, "title": job.title},
        "state": job.state,
        "priority": job.priority,
        "progress": job.progress,
        "units": {"total": job.total, "done": job.done, "running": job.running, "failed": job.failed},
        "media_ms": job.media_ms,
        "speed": job.speed,
        "attempts": job.attempts,
        "error": {"code": job.error_code, "message": job.error_message} if job.error_code else None,
        "queued_at": job.queued_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "eta_ms": round(left) if left is not None and job.state == "running" else None,
        "workers": job.workers,
    }


async def fail(tx: Connection, job_id: int, code: str, message: str) -> None:
    """End a live job and its video in failure; what it made stays for those who watch, for a while."""
    job = await queries.lock_job(tx, job_id)
    if job is not None and job.state in LIVE:
        await _stop(tx, job, "failed", code, message)
        await queries_removal.add_removal(tx, video_id=job.video_id, generation=job.generation, due_s=STALE_S)


async def pause(db: Database, user: User, job_id: int) -> None:
    """Nothing of it is claimed, and workers at it give their units back. Raises NoJob, NotYours, JobEnded."""
    async with db.transaction() as tx:
        job = await _lock_live(tx, user, job_id)
        if job.state != "paused":
            await queries.pause_job(tx, job_id)


async def resume(db: Database, bells: Bells, user: User, job_id: int) -> None:
    """Go on where it was. Raises NoJob, NotYours, JobEnded."""
    rung: list[QueueName] = []
    async with db.transaction() as tx:
        job = await _lock_live(tx, user, job_id)
        if job.state == "paused":
            await queries.resume_job(tx, job_id)
            rung = await queries_unit.waiting(tx, job_id)
    await bells.ring(rung)


async def prioritise(db: Database, user: User, job_id: int, wanted: Change) -> None:
    """Raises NoJob, NotYours, AboveOthers."""
    await _check_owner(db, user, job_id)
    if wanted.priority > 0 and not user.is_operator:
        raise AboveOthers
    await queries.set_priority(db, job_id, wanted.priority)


async def cancel(db: Database, user: User, job_id: int) -> int:
    """Workers at its units are told to stop. Gives the removal that ends the sessions at what it made and deletes that.

    The source stays, for a retry. Raises NoJob, NotYours, JobEnded.
    """
    async with db.transaction() as tx:
        job = await _lock_live(tx, user, job_id)
        await _stop(tx, job, "cancelled", "cancelled", "Preparing this video was cancelled.")
        return await queries_removal.add_removal(
            tx, video_id=job.video_id, generation=job.generation, sessions_ended=False
        )


async def retry(db: Database, bells: Bells, user: User, job_id: int) -> None:
    """From the source again, into the next generation. Raises NoJob, NotYours, JobLive."""
    await _check_owner(db, user, job_id)
    async with db.transaction() as tx:
        await queries_unit.lock_units_of_job(tx, job_id)
        job = await queries.lock_job(tx, job_id)
        if job is None or job.state not in ("failed", "cancelled"):
            raise JobLive
        await begin_again(tx, job)
    await bells.ring(["interactive"])


async def begin_again(tx: Connection, job: LockedJob) -> None:
    """From the source into the next generation; the caller holds all units of the job. Then ring."""
    await queries_unit.drop_units(tx, job.id)
    await queries.reopen_job(tx, job.id)
    await queries_unit.add_units(tx, job.id, [PROBE])
    await queries_video.queue_video(tx, job.video_id)


async def _stop(tx: Connection, job: LockedJob, state: str, code: str, message: str) -> None:
    await queries.end_job(tx, job.id, state, code, message)
    await queries_video.fail_video(tx, job.video_id, code, message)


async def _lock_live(tx: Connection, user: User, job_id: int) -> LockedJob:
    """A job that has not ended. Raises NoJob, NotYours, JobEnded."""
    await _check_owner(tx, user, job_id)
    job = await queries.lock_job(tx, job_id)
    if job is None or job.state not in LIVE:
        raise JobEnded
    return job


async def _check_owner(db: Queries, user: User, job_id: int) -> None:
    uploaded_by = await queries.owner(db, job_id) if job_id <= MAX_ID else None
    if uploaded_by is None:
        raise NoJob
    if not may_change(user, uploaded_by):
        raise NotYours
