"""What reconciliation found, and what follows from it: incidents, and money back for who was charged too much.

What is right is not decided here: `workers/reconcile` derives it by rules of its own and tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog

from api.billing import adjustments, queries_reconciliation
from api.billing.money import Currency
from api.billing.queries_reconciliation import Begun, Incident, Reconciliation
from api.database import Connection, Database, Queries
from api.problems import Problem

log = structlog.get_logger()

DAYS_SHOWN, INCIDENTS_SHOWN = 60, 100
# Compared as a whole each time: what is not found again has been put right.
ALWAYS_COMPARED = ["wallet", "refund", "reversal", "share"]


class BeingReconciled(Problem):
    code, status = "being_reconciled", 409
    detail = "Another process reconciles this day, or was killed while it did. Try again later."


@dataclass(frozen=True)
class Found:
    """A difference. `provable` false: the log is not whole, so it may be the log that is wrong."""

    kind: str
    subject: str
    recorded: dict[str, Any]
    derived: dict[str, Any]
    user_id: int | None
    video_id: int | None
    overcharged_micros: int
    undercharged: bool
    provable: bool


@dataclass(frozen=True)
class Noted:
    """How many are news, and how many were settled before."""

    differences: int
    settled: int
    refunded_users: list[int]


@dataclass(frozen=True)
class Finished:
    """What was read and compared. `everything`: not one day only."""

    through_ms: int
    since_ms: int
    positions: dict[str, str]
    counts: dict[str, int]
    differences: int
    everything: bool


@dataclass(frozen=True)
class Overview:
    """`differences` is that of the newest reconciliation and must be 0."""

    reconciled_through: datetime | None
    differences: int | None
    days: list[Reconciliation]
    open_incidents: list[Incident]


async def begin(db: Queries, day: date | None, *, nightly: bool) -> Begun | None:
    """Begin a check; None when the nightly one of that day is done. Raises BeingReconciled."""
    if not nightly or day is None:
        return await queries_reconciliation.begin(db, day)
    begun = await queries_reconciliation.claim_day(db, day)
    if begun is None and not await queries_reconciliation.is_done(db, day):
        raise BeingReconciled
    return begun


async def note(db: Database, currency: Currency, reconciliation_id: int, found: Sequence[Found]) -> Noted:
    """Keep differences as incidents and give back what was charged too much, once, however often it is found."""
    news, refunded = 0, set()
    for each in found:
        async with db.transaction() as tx:
            known = await queries_reconciliation.add_incident(tx, each.kind, each.subject, reconciliation_id)
            if _settled(known, each):
                continue
            news += 1
            journal_id = await _give_back(tx, currency, known, each)
            if journal_id is not None and each.user_id is not None:
                refunded.add(each.user_id)
            await _keep(tx, known, each, journal_id)
        log.error("reconciliation.difference", kind=each.kind, subject=each.subject, incident_id=known.id)
    return Noted(news, len(found) - news, sorted(refunded))


def _settled(known: Incident, found: Found) -> bool:
    same = (known.recorded, known.derived) == (found.recorded, found.derived)
    return known.outcome in ("refunded", "absorbed") and same


async def _give_back(tx: Connection, currency: Currency, known: Incident, found: Found) -> int | None:
    """The journal by which what is still missing was given back; None when nothing is, or nothing is proven."""
    missing = found.overcharged_micros - known.refunded_micros
    if missing <= 0 or not found.provable or found.user_id is None:
        return None
    reason = f"Refund of video {found.video_id}: our check against the log found that you were charged too much"
    cause = f"incident {known.id} {found.overcharged_micros}"
    return await adjustments.put_right(tx, currency, found.user_id, missing, reason=reason, cause=cause)


async def _keep(tx: Connection, known: Incident, found: Found, journal_id: int | None) -> None:
    refunded_micros = found.overcharged_micros if journal_id is not None else known.refunded_micros
    outcome = None
    if found.overcharged_micros and refunded_micros >= found.overcharged_micros:
        outcome = "refunded"
    elif found.undercharged and found.provable:
        outcome = "absorbed"
    await queries_reconciliation.set_incident(
        tx,
        known.id,
        outcome=outcome,
        recorded=found.recorded,
        derived=found.derived,
        user_id=found.user_id,
        video_id=found.video_id,
        overcharged_micros=found.overcharged_micros,
        refunded_micros=refunded_micros,
        journal_id=journal_id,
    )


async def finish(db: Database, reconciliation_id: int, done: Finished) -> None:
    """Close a check, and incidents that it would have found again."""
    async with db.transaction() as tx:
        await queries_reconciliation.finish(
            tx,
            reconciliation_id,
            through_ms=done.through_ms,
            since_ms=done.since_ms,
            positions=done.positions,
            counts=done.counts,
            differences=done.differences,
        )
        if done.everything:
            kinds = None if done.since_ms == 0 else ALWAYS_COMPARED
            await queries_reconciliation.close_gone(tx, reconciliation_id, kinds)


async def overview(db: Queries) -> Overview:
    """For operators: the last checks, and what is open."""
    days = await queries_reconciliation.done(db, DAYS_SHOWN)
    return Overview(
        await queries_reconciliation.reconciled_through(db),
        days[0].differences if days else None,
        days,
        await queries_reconciliation.open_incidents(db, INCIDENTS_SHOWN),
    )
