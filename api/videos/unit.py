"""Units as workers see them: claimed under a lease with a fence, reported on, done or failed, taken back when silent.

Each report shows the fence of its claim; one of an earlier claim changes nothing (`lease_lost`). A report repeated
because its answer was lost is answered as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from api.clients import Lease, NewRendition, NewUnit, Unit
from api.database import Connection, Database
from api.problems import InvalidRequest, Problem
from api.queue import QueueName
from api.videos import job, queries_job, queries_rendition, queries_video
from api.videos import queries_unit as queries
from api.videos.bells import Bells
from api.videos.queries_job import LockedJob
from api.videos.queries_rendition import Measured
from api.videos.queries_unit import LockedUnit

LEASE_S = 15.0
MOST_ATTEMPTS = 3
# A worker that is shut down gives its unit back with this code: not the unit's fault, so no attempt of it.
GIVEN_BACK = "worker_stopped"
# The sweep rings for what nobody took for this long: a bell was lost, or everybody is busy.
QUIET_S = 5.0
FINISH = NewUnit("finish", "interactive", [], 0, 0, 0)
SILENT = ("worker_lost", "Preparing this video stopped three times without a word from the worker. Try it again.")


@dataclass(frozen=True)
class Planned:
    """What a probe found: the plan's document, the renditions it promises and the units that make them."""

    duration_ms: int
    plan: dict[str, Any]
    renditions: Sequence[NewRendition]
    units: Sequence[NewUnit]


@dataclass(frozen=True)
class Failure:
    """Why an attempt ended: a stable word and a sentence for the uploader."""

    code: str
    message: str
    permanent: bool


class Finished(msgspec.Struct, frozen=True):
    """What this service reads of the result of a finish."""

    poster: bool
    renditions: list[Measured]


class LeaseLost(Problem):
    code, status = "lease_lost", 409
    detail = "This unit belongs to another claim by now: drop it."


class WrongKind(Problem):
    code, status = "wrong_kind", 409
    detail = "A probe ends with its plan, every other unit with its result."


async def claim(db: Database, queue: QueueName, worker: str) -> Unit | None:
    """The best claimable unit of a queue under a fresh lease, or None."""
    async with db.transaction() as tx:
        unit_id = await queries.claim(tx, queue, worker, LEASE_S)
        if unit_id is None:
            return None
        found = await queries.claimed(tx, unit_id)
        await queries_job.start_job(tx, found.job_id)
    return Unit(lease_s=LEASE_S, **vars(found))


async def renew(db: Database, unit_id: int, fence: int, done_segments: int, speed: float) -> Lease:
    """Prolong a lease. `stop` when the job ended or its video is gone; raises LeaseLost."""
    found = await queries.renew(db, unit_id, fence=fence, done_segments=done_segments, speed=speed, lease_s=LEASE_S)
    if found is None and await queries.exists(db, unit_id):
        raise LeaseLost
    return Lease(stop=True, end_segment=0) if found is None else Lease(not found.wanted, found.end_segment)


async def planned(db: Database, bells: Bells, unit_id: int, fence: int, outcome: Planned) -> None:
    """End a probe: open the units of its plan and publish the generation as playable, all or nothing."""
    async with db.transaction() as tx:
        found = await _reported(tx, unit_id, fence)
        if found is None:
            return
        unit, its_job = found
        if unit.kind != "probe":
            raise WrongKind
        opened = list(outcome.units) or [FINISH]
        await queries.end_unit(tx, unit_id, "done", {})
        await queries_job.plan_job(tx, its_job.id, outcome.plan)
        await queries_rendition.drop_older(tx, its_job.video_id, its_job.generation)
        await queries_rendition.add_renditions(tx, its_job.video_id, its_job.generation, outcome.renditions)
        await queries.add_units(tx, its_job.id, opened)
        await queries_video.publish_video(tx, its_job.video_id, its_job.generation, outcome.duration_ms)
    await bells.ring(_queues(opened))


async def done(db: Database, bells: Bells, unit_id: int, fence: int, result: dict[str, Any]) -> None:
    """End a unit. The last one opens the finish, and the finish makes the video ready."""
    async with db.transaction() as tx:
        found = await _reported(tx, unit_id, fence)
        if found is None:
            return
        unit, its_job = found
        if unit.kind == "probe":
            raise WrongKind
        await queries.end_unit(tx, unit_id, "done", result)
        opened = await _finish(tx, its_job, result) if unit.kind == "finish" else await _advance(tx, its_job)
    await bells.ring(_queues(opened))


async def fail(db: Database, bells: Bells, unit_id: int, fence: int, failure: Failure) -> None:
    """End an attempt: another one follows, up to three; a permanent failure ends the job at once."""
    async with db.transaction() as tx:
        unit = await queries.lock_unit(tx, unit_id)
        if unit is not None and unit.fence == fence and unit.state in ("queued", "failed"):
            return
        unit = _check_fence(unit, fence)
        given_back = failure.code == GIVEN_BACK
        again = given_back or (unit.attempts < MOST_ATTEMPTS and not failure.permanent)
        await queries.end_unit(tx, unit_id, "queued" if again else "failed", vars(failure), uncounted=given_back)
        if not again:
            await job.fail(tx, unit.job_id, failure.code, failure.message)
    if again:
        await bells.ring([unit.queue])


async def expire(db: Database, bells: Bells) -> int:
    """Take back units whose worker fell silent; gives how many."""
    async with db.transaction() as tx:
        expired = await queries.expire(tx, MOST_ATTEMPTS)
        for job_id in sorted({unit.job_id for unit in expired if unit.state == "failed"}):
            await job.fail(tx, job_id, *SILENT)
    await bells.ring(unit.queue for unit in expired if unit.state == "queued")
    return len(expired)


async def ring_unheard(db: Database, bells: Bells) -> int:
    """Ring again for units nobody took; gives how many there are."""
    unheard = await queries.unheard(db, QUIET_S)
    await bells.ring(found.queue for found in unheard for _ in range(found.units))
    return sum(found.units for found in unheard)


async def _reported(tx: Connection, unit_id: int, fence: int) -> tuple[LockedUnit, LockedJob] | None:
    """The unit a report ends and its job, locked in this order; None when it was told before. Raises LeaseLost."""
    unit = await queries.lock_unit(tx, unit_id)
    if unit is not None and unit.state == "done" and unit.fence == fence:
        return None
    unit = _check_fence(unit, fence)
    its_job = await queries_job.lock_job(tx, unit.job_id)
    if its_job is None or its_job.state not in ("queued", "running"):
        raise LeaseLost
    return unit, its_job


def _check_fence(unit: LockedUnit | None, fence: int) -> LockedUnit:
    if unit is None or unit.state != "running" or unit.fence != fence:
        raise LeaseLost
    return unit


async def _finish(tx: Connection, its_job: LockedJob, result: dict[str, Any]) -> list[NewUnit]:
    try:
        finished = msgspec.convert(result, Finished)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=[{"field": "result", "message": str(error)}]) from error
    await queries_rendition.measure(tx, its_job.video_id, its_job.generation, finished.renditions)
    await queries_job.end_job(tx, its_job.id, "done")
    await queries_video.finish_video(tx, its_job.video_id, poster=finished.poster)
    return []


async def _advance(tx: Connection, its_job: LockedJob) -> list[NewUnit]:
    """Open the finish with the last unit; gives what was opened."""
    await queries_rendition.complete(tx, its_job.id)
    if await queries.open_units(tx, its_job.id):
        return []
    await queries.add_units(tx, its_job.id, [FINISH])
    return [FINISH]


def _queues(units: Sequence[NewUnit]) -> list[QueueName]:
    return ["interactive" if unit.queue == "interactive" else "batch" for unit in units]
