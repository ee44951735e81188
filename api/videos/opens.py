"""What the end of a unit brings about in its job, all in the transaction that ends it: so it happens exactly once."""

from api.database import CheckViolation, Connection, UniqueViolation
from api.problems import InvalidRequest
from api.queue import QueueName
from api.videos import queries_job, queries_rendition, queries_unit
from api.videos.queries_job import LockedJob
from api.wire import NewUnit, Opens


async def apply(tx: Connection, its_job: LockedJob, opens: Opens) -> list[QueueName]:
    """Change the plan, promise renditions, open and adopt units; gives the queues to ring for.

    The caller holds all units of the job, and the job. Raises InvalidRequest for units that overlap others.
    """
    await queries_job.keep_progress(tx, its_job.id)
    await queries_job.patch_plan(tx, its_job.id, opens.plan)
    await queries_rendition.add_renditions(tx, its_job.video_id, its_job.generation, opens.renditions)
    await queries_unit.adopt(tx, its_job.id, opens.adopt)
    await open_units(tx, its_job.id, opens.units)
    # Also for what was there before: whoever looked for work in this moment found it locked.
    return await queries_unit.waiting(tx, its_job.id)


async def open_units(tx: Connection, job_id: int, units: list[NewUnit]) -> None:
    """Raises InvalidRequest for units that overlap others."""
    try:
        async with tx.savepoint():
            await queries_unit.add_units(tx, job_id, units)
    except (CheckViolation, UniqueViolation) as error:
        raise InvalidRequest(errors=[{"field": "units", "message": str(error)}]) from error


def queues(units: list[NewUnit]) -> list[QueueName]:
    """The queue of each unit that may be claimed."""
    return ["interactive" if unit.queue == "interactive" else "batch" for unit in units if unit.queue != "held"]
