"""How units end: a probe with its plan, others with a result and what it opens, attempts in failure.

Each report shows the fence of its claim; one of an earlier claim changes nothing (`lease_lost`). A report repeated
because its answer was lost is answered as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from api.database import Connection, Database
from api.problems import InvalidRequest, Problem
from api.queue import QueueName
from api.videos import captions, job, opens, poster, queries_job, queries_removal, queries_rendition, queries_video
from api.videos import queries_unit as queries
from api.videos.bells import Bells
from api.videos.queries_job import LockedJob
from api.videos.queries_rendition import Measured
from api.videos.queries_unit import LockedUnit
from api.videos.removal import STALE_S
from api.wire import NewRendition, NewUnit, Opens

MOST_ATTEMPTS = 3
# A worker that is told to stop gives its unit back with this code: not the unit's fault, so no attempt of it.
GIVEN_BACK = "worker_stopped"
FINISH = NewUnit("finish", "interactive", [], 0, 0, 0)
# Without these a film is a film: what cannot be made is done without. A source that is kept is missed by the finish.
DISPENSABLE = ("extras", "captions", "poster", "copy")
# These also come after the film is done: some publish it anew, some go on with what its first viewers began with.
LATER = ("captions", "poster", "copy", "audio")
# What these publish may leave units of other renditions without a use.
PUBLISHERS = ("finish", "captions")
# The folder of the indexed copy of a source; sound that was published early is made from it.
WORK = ".work"


@dataclass(frozen=True)
class Planned:
    """What a probe found: the plan's document, the renditions it promises and the units that make them."""

    duration_ms: int
    plan: dict[str, Any]
    renditions: Sequence[NewRendition]
    units: list[NewUnit]


@dataclass(frozen=True)
class Failure:
    """Why an attempt ended: a stable word and a sentence for the uploader."""

    code: str
    message: str
    permanent: bool


class Published(msgspec.Struct, frozen=True):
    """What this service reads of the result of a publication. `drop`: renditions that the final film has not."""

    renditions: list[Measured]
    drop: list[str] = []


class Finished(Published, frozen=True, kw_only=True):
    poster: bool
    storyboard: bool = False


class LeaseLost(Problem):
    code, status = "lease_lost", 409
    detail = "This unit belongs to another claim by now: drop it."


class WrongKind(Problem):
    code, status = "wrong_kind", 409
    detail = "A probe ends with its plan, every other unit with its result."


async def planned(db: Database, bells: Bells, unit_id: int, fence: int, outcome: Planned) -> None:
    """End a probe: open the units of its plan and publish the generation as playable, all or nothing."""
    async with db.transaction() as tx:
        found = await _reported(tx, unit_id, fence)
        if found is None:
            return
        unit, its_job = found
        if unit.kind != "probe":
            raise WrongKind
        await queries.end_unit(tx, unit_id, "done", {})
        await queries_job.plan_job(tx, its_job.id, outcome.plan)
        await queries_rendition.drop_older(tx, its_job.video_id, its_job.generation)
        await queries_rendition.add_renditions(tx, its_job.video_id, its_job.generation, outcome.renditions)
        await opens.open_units(tx, its_job.id, outcome.units)
        rung = opens.queues(outcome.units) or await advance(tx, its_job)
        await queries_video.publish_video(tx, its_job.video_id, its_job.generation, outcome.duration_ms)
    await bells.ring(rung)


async def done(
    db: Database, bells: Bells, unit_id: int, fence: int, *, result: dict[str, Any], opened: Opens | None
) -> None:
    """End a unit and bring about what it opens. The last one opens the finish, and the finish makes the video ready."""
    async with db.transaction() as tx:
        if opened is not None or await queries.kind(tx, unit_id) in PUBLISHERS:
            await queries.lock_units_beside(tx, unit_id)
        found = await _reported(tx, unit_id, fence)
        if found is None:
            return
        unit, its_job = found
        if unit.kind == "probe":
            raise WrongKind
        if opened is not None and opened.again:
            rung = await _begin_again(tx, its_job)
        else:
            rung = await _ended(tx, unit, its_job, result, opened)
    await bells.ring(rung)


async def _begin_again(tx: Connection, its_job: LockedJob) -> list[QueueName]:
    """The plan was wrong, and so are the playlists; what was published stays for a while for those who watch."""
    if its_job.state == "paused":
        raise LeaseLost  # somebody will look again when it goes on
    video_id, generation = its_job.video_id, its_job.generation
    await queries_removal.add_removal(tx, video_id=video_id, generation=generation, due_s=STALE_S)
    await job.begin_again(tx, its_job)
    return ["interactive"]


async def _ended(
    tx: Connection, unit: LockedUnit, its_job: LockedJob, result: dict[str, Any], opened: Opens | None
) -> list[QueueName]:
    rung = [] if opened is None else await opens.apply(tx, its_job, opened)
    await queries.end_unit(tx, unit.id, "done", result)
    if unit.kind == "finish":
        await _finish(tx, its_job, result)
        rung += [*await captions.settle(tx, its_job, result), *await poster.open_later(tx, its_job)]
    elif unit.kind == "captions":
        await _publish(tx, its_job, _read(result, Published))
        rung += await captions.settle(tx, its_job, result)
    else:
        await poster.settle(tx, its_job, result)
        rung += await advance(tx, its_job)
    return rung


async def fail(db: Database, bells: Bells, unit_id: int, fence: int, failure: Failure) -> None:
    """End an attempt: another one follows, up to three; a permanent failure ends the job at once."""
    async with db.transaction() as tx:
        unit = await queries.lock_unit(tx, unit_id)
        if unit is not None and unit.fence == fence and unit.state != "running":
            return
        unit = _check_fence(unit, fence)
        given_back = failure.code == GIVEN_BACK
        if given_back or (unit.attempts < MOST_ATTEMPTS and not failure.permanent):
            await queries.end_unit(tx, unit_id, "queued", vars(failure), uncounted=given_back)
            rung = [unit.queue]
        else:
            await queries.end_unit(tx, unit_id, "failed", vars(failure))
            rung = await give_up(tx, unit_id, unit.kind, unit.job_id, failure)
    await bells.ring(rung)


async def give_up(tx: Connection, unit_id: int, kind: str, job_id: int, failure: Failure) -> list[QueueName]:
    """After the last attempt: the job fails, unless it can do without this unit; gives the queues to ring for."""
    if kind not in DISPENSABLE:
        await job.fail(tx, job_id, failure.code, failure.message)
        return []
    await queries.end_unit(tx, unit_id, "done", vars(failure))
    its_job = await queries_job.lock_job(tx, job_id)
    return [] if its_job is None else await advance(tx, its_job)


async def advance(tx: Connection, its_job: LockedJob) -> list[QueueName]:
    """Open the finish with the last unit; gives the queues to ring for."""
    await queries_rendition.complete(tx, its_job.id)
    if its_job.state not in job.LIVE or await queries.open_units(tx, its_job.id):
        return []
    await queries.add_units(tx, its_job.id, [FINISH])
    return opens.queues([FINISH])


async def _reported(tx: Connection, unit_id: int, fence: int) -> tuple[LockedUnit, LockedJob] | None:
    """The unit a report ends and its job, locked in this order; None when it was told before. Raises LeaseLost."""
    unit = await queries.lock_unit(tx, unit_id)
    if unit is not None and unit.state == "done" and unit.fence == fence:
        return None
    unit = _check_fence(unit, fence)
    its_job = await queries_job.lock_job(tx, unit.job_id)
    # What ends while its job is paused has ended well.
    if its_job is None or not (its_job.state in job.LIVE or (its_job.state == "done" and unit.kind in LATER)):
        raise LeaseLost
    return unit, its_job


def _check_fence(unit: LockedUnit | None, fence: int) -> LockedUnit:
    if unit is None or unit.state != "running" or unit.fence != fence:
        raise LeaseLost
    return unit


async def _finish(tx: Connection, its_job: LockedJob, result: dict[str, Any]) -> None:
    finished = _read(result, Finished)
    await _publish(tx, its_job, finished)
    await queries_job.end_job(tx, its_job.id, "done")
    has = {"poster": finished.poster, "storyboard": finished.storyboard}
    await queries_video.finish_video(tx, its_job.video_id, **has)


async def _publish(tx: Connection, its_job: LockedJob, published: Published) -> None:
    """Renditions as measured; the files of those that were for the meantime go when nobody can still be at them."""
    video_id, generation = its_job.video_id, its_job.generation
    await queries_rendition.measure(tx, video_id, generation, published.renditions)
    dropped = await queries_rendition.drop(tx, video_id, generation, published.drop)
    for name in [*dropped, *(name for name in published.drop if name == WORK)]:
        await queries_removal.add_removal(tx, video_id=video_id, generation=generation, rendition=name, due_s=STALE_S)


def _read(result: dict[str, Any], kind: type[Finished] | type[Published]) -> Any:
    try:
        return msgspec.convert(result, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=[{"field": "result", "message": str(error)}]) from error
