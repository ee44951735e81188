"""Units as workers hold them: claimed under a lease with a fence, renewed, taken back when silent or stalled."""

from api.database import Database
from api.queue import QueueName
from api.videos import queries_job, queries_unit
from api.videos import queries_lease as queries
from api.videos.bells import Bells
from api.videos.outcome import MOST_ATTEMPTS, Failure, LeaseLost, give_up
from api.wire import Lease, Unit

LEASE_S = 15.0
# So many units of an uploader are worked at within a lease before others go first: more than what a film begins with.
TURN = 8
# A worker that lives but makes nothing for so long has its unit taken from it; where progress shows seldom, later.
STALLED_S = 60.0
OPAQUE_STALLED_S = 600.0
# For so long a stalled unit is for others; after that anybody is better than nobody.
SHUNNED_S = 10.0
# The sweep rings for what nobody took for this long: a bell was lost, or everybody is busy.
QUIET_S = 5.0
SILENT = Failure(
    "worker_lost",
    "Preparing this video stopped three times without a word from the worker. Try it again.",
    permanent=False,
)
STALLED = Failure(
    "stalled", "Preparing this video came to a standstill three times. Try it again, or another file.", permanent=False
)


async def claim(db: Database, queue: QueueName, worker: str, *, held: bool = False) -> Unit | None:
    """The best claimable unit of a queue under a fresh lease, or None; `held`: only what a viewer waits for."""
    while True:
        async with db.transaction() as tx:
            turns = await queries.turns(tx, TURN, LEASE_S)
            unit_id = await queries.claim(tx, queue, worker, lease_s=LEASE_S, turns=turns, held=held)
            if unit_id is None:
                return None
            found = await queries.claimed(tx, unit_id)
            if await queries.still_claimable(tx, unit_id):
                await queries_job.start_job(tx, found.job_id)
                return Unit(lease_s=LEASE_S, **vars(found))
            # Its job was paused or ended in this very moment.
            await queries_unit.end_unit(tx, unit_id, "queued", {}, uncounted=True)


async def renew(
    db: Database,
    bells: Bells,
    unit_id: int,
    fence: int,
    *,
    done_segments: int,
    speed: float,
    made_ms: int,
    heard_end: int | None,
) -> Lease:
    """Prolong a lease. `stop` when the job ended, is paused, or its video is gone; raises LeaseLost."""
    renewed = await queries.renew(
        db,
        unit_id,
        fence=fence,
        done_segments=done_segments,
        made_ms=made_ms,
        speed=speed,
        heard_end=heard_end,
        lease_s=LEASE_S,
    )
    if renewed is None:
        if await queries_unit.exists(db, unit_id):
            raise LeaseLost
        return Lease(stop=True, end_segment=0)
    if renewed.heard:
        # What was carved off this unit is free now that its worker knows.
        await bells.ring(["interactive"])
    return Lease(stop=not renewed.wanted, end_segment=renewed.end_segment)


async def expire(db: Database, bells: Bells) -> int:
    """Take back units whose worker fell silent or makes nothing; gives how many."""
    async with db.transaction() as tx:
        expired = await queries.expire(
            tx, MOST_ATTEMPTS, stalled_s=STALLED_S, opaque_stalled_s=OPAQUE_STALLED_S, shunned_s=SHUNNED_S
        )
        rung = [unit.queue for unit in expired if unit.state == "queued"]
        for unit in sorted(expired, key=lambda unit: unit.job_id):
            if unit.state == "failed":
                rung += await give_up(tx, unit.id, unit.kind, unit.job_id, STALLED if unit.stalled else SILENT)
    await bells.ring(rung)
    return len(expired)


async def ring_unheard(db: Database, bells: Bells) -> int:
    """Ring again for units nobody took; gives how many there are."""
    unheard = await queries.unheard(db, QUIET_S)
    await bells.ring(found.queue for found in unheard for _ in range(found.units))
    return sum(found.units for found in unheard)
