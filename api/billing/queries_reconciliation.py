"""Reconciliations and the incidents they found."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from api.database import Queries

OVERLAP_MS = 3 * 86_400_000


@dataclass(frozen=True)
class Begun:
    """A reconciliation to do: of watches opened since then."""

    id: int
    since_ms: int


@dataclass(frozen=True)
class Reconciliation:
    """One that was done; `differences` must be 0."""

    id: int
    day: date | None
    nightly: bool
    through: datetime | None
    lines: int
    sessions: int
    watches: int
    charges: int
    journals: int
    wallets: int
    differences: int
    finished_at: datetime


@dataclass(frozen=True)
class Incident:
    """A difference, with both derivations."""

    id: int
    kind: str
    subject: str
    state: str
    outcome: str | None
    recorded: Any
    derived: Any
    user_id: int | None
    overcharged_micros: int
    refunded_micros: int
    created_at: datetime


async def claim_day(db: Queries, day: date) -> Begun | None:
    """The nightly check of a day, back to before the last good one; None when it is done, or somebody is at it.

    Whoever began it and was killed is given two hours.
    """
    sql = """
        insert into reconciliation as r (day, nightly, since_ms)
        select :day::date, true, greatest(0, coalesce(
            (extract(epoch from max(through)) * 1000)::bigint - :overlap_ms::bigint, 0))
        from reconciliation
        where differences = 0 and (nightly or day is null)
        on conflict (day) where nightly do update
        set started_at = now(), since_ms = excluded.since_ms
        where r.finished_at is null and r.started_at < now() - interval '2 hours'
        returning id, since_ms
    """
    return await db.maybe(Begun, sql, day=day, overlap_ms=OVERLAP_MS)


async def is_done(db: Queries, day: date) -> bool:
    """Whether the nightly check of a day is done."""
    sql = "select exists (select from reconciliation where nightly and day = :day::date and finished_at is not null)"
    return bool(await db.value(sql, day=day))


async def begin(db: Queries, day: date | None) -> Begun:
    """A check by hand, of one day or of everything."""
    sql = """
        insert into reconciliation (day, nightly, since_ms)
        values (:day::date, false, coalesce((extract(epoch from :day::date) * 1000)::bigint, 0))
        returning id, since_ms
    """
    return await db.one(Begun, sql, day=day)


async def give_up(db: Queries, reconciliation_id: int) -> None:
    """One that could not be done: the day is free again."""
    sql = """
        delete from reconciliation r
        where id = :id and finished_at is null and not exists (select from incident where r.id in (found_by, seen_by))
    """
    await db.run(sql, id=reconciliation_id)


async def add_incident(db: Queries, kind: str, subject: str, reconciliation_id: int) -> Incident:
    """An incident, known or new, locked; a new one has empty derivations."""
    sql = """
        insert into incident as i (kind, subject, recorded, derived, found_by, seen_by)
        values (:kind, :subject, 'null', 'null', :reconciliation_id, :reconciliation_id)
        on conflict (kind, subject) do update set seen_by = excluded.seen_by
        returning id, kind, subject, state, outcome, recorded, derived, user_id, overcharged_micros, refunded_micros,
            created_at
    """
    return await db.one(Incident, sql, kind=kind, subject=subject, reconciliation_id=reconciliation_id)


async def set_incident(
    db: Queries,
    incident_id: int,
    *,
    outcome: str | None,
    recorded: Any,
    derived: Any,
    user_id: int | None,
    video_id: int | None,
    overcharged_micros: int,
    refunded_micros: int,
    journal_id: int | None,
) -> None:
    """What an incident is about, and what came of it; without an outcome it is open."""
    sql = """
        update incident
        set state = case when :outcome::text is null then 'open' else 'closed' end, outcome = :outcome,
            closed_at = case when :outcome::text is not null then now() end, recorded = :recorded, derived = :derived,
            user_id = :user_id, video_id = :video_id, overcharged_micros = :overcharged_micros,
            refunded_micros = :refunded_micros, journal_id = coalesce(:journal_id, journal_id)
        where id = :incident_id
    """
    await db.run(
        sql,
        incident_id=incident_id,
        outcome=outcome,
        recorded=recorded,
        derived=derived,
        user_id=user_id,
        video_id=video_id,
        overcharged_micros=overcharged_micros,
        refunded_micros=refunded_micros,
        journal_id=journal_id,
    )


async def close_gone(db: Queries, reconciliation_id: int, kinds: list[str] | None) -> None:
    """Close open incidents that this reconciliation would have seen again and did not; None: of every kind."""
    sql = """
        update incident
        set state = 'closed', outcome = 'gone', closed_at = now()
        where state = 'open' and seen_by <> :id and (:kinds::text[] is null or kind = any(:kinds::text[]))
    """
    await db.run(sql, id=reconciliation_id, kinds=kinds)


async def finish(
    db: Queries,
    reconciliation_id: int,
    *,
    through_ms: int,
    since_ms: int,
    positions: Any,
    counts: Any,
    differences: int,
) -> None:
    """All is compared."""
    sql = """
        update reconciliation
        set through = to_timestamp(:through_ms::double precision / 1000), positions = :positions,
            since_ms = :since_ms, lines = c.lines, sessions = c.sessions, watches = c.watches, charges = c.charges,
            journals = c.journals, wallets = c.wallets, differences = :differences, finished_at = now()
        from json_to_record(:counts) as c (lines bigint, sessions bigint, watches bigint, charges bigint,
            journals bigint, wallets bigint)
        where id = :id and finished_at is null
    """
    await db.run(
        sql,
        id=reconciliation_id,
        through_ms=through_ms,
        since_ms=since_ms,
        positions=positions,
        counts=counts,
        differences=differences,
    )


async def done(db: Queries, limit: int) -> list[Reconciliation]:
    """The last reconciliations that were finished, newest first."""
    sql = """
        select id, day, nightly, through, lines, sessions, watches, charges, journals, wallets, differences, finished_at
        from reconciliation
        where finished_at is not null
        order by id desc
        limit :limit
    """
    return await db.all(Reconciliation, sql, limit=limit)


async def open_incidents(db: Queries, limit: int) -> list[Incident]:
    """What somebody must look at, oldest first."""
    sql = """
        select id, kind, subject, state, outcome, recorded, derived, user_id, overcharged_micros, refunded_micros,
            created_at
        from incident
        where state = 'open'
        order by id
        limit :limit
    """
    return await db.all(Incident, sql, limit=limit)


async def reconciled_through(db: Queries) -> datetime | None:
    """The moment up to which the books were last found to be right, all of them."""
    sql = """
        select max(through)
        from reconciliation
        where differences = 0 and (nightly or day is null)
    """
    found: datetime | None = await db.value(sql)
    return found
