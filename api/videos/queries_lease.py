"""Statements about units under a lease, on `streamify_video`: claimed, renewed, taken back, waited for in vain."""

from dataclasses import dataclass
from typing import Any

from api.database import Queries
from api.queue import QueueName


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
    level: bool
    held: bool


@dataclass(frozen=True)
class Renewed:
    """`heard`: the worker said for the first time that it knows of an earlier end."""

    wanted: bool
    end_segment: int
    heard: bool


@dataclass(frozen=True)
class Expired:
    """`stalled`: its worker lives but made nothing for long."""

    id: int
    job_id: int
    kind: str
    queue: QueueName
    state: str
    stalled: bool


@dataclass(frozen=True)
class Unheard:
    queue: QueueName
    units: int


async def turns(db: Queries, turn: int, lately_s: float) -> dict[str, int]:
    """How many turns of so many units uploaders have had lately, by id; those who had none are left out."""
    return await db.value(
        """
        select coalesce(jsonb_object_agg(uploaded_by, units / :turn::int), '{}') from (
            select v.uploaded_by, count(*) as units
            from units u join jobs j on j.id = u.job_id join videos v on v.id = j.video_id
            where u.worker is not null and u.seen_at > now() - make_interval(secs => :lately_s)
            group by v.uploaded_by having count(*) >= :turn
        ) busy
        """,
        turn=turn,
        lately_s=lately_s,
    )


async def claim(
    db: Queries, queue: str, worker: str, *, lease_s: float, turns: dict[str, int], held: bool
) -> int | None:
    """Lease the best claimable unit of a queue, `held`: of those a viewer waits for; gives its id, to one caller only.

    Of what viewers wait for, jobs go first of which few units were worked at lately; else uploaders with few `turns`.
    """
    return await db.value(
        """
        with busy as (
            select job_id, count(*) filter (where state = 'running') as units, count(*) as lately
            from units where worker is not null and seen_at > now() - make_interval(secs => :lease_s) group by job_id
        ), best as (
            select u.id from units u join jobs j on j.id = u.job_id join videos v on v.id = j.video_id
                left join busy b on b.job_id = u.job_id
            where u.state = 'queued' and u.queue = :queue and claimable(j.state, u.kind)
              and not coalesce(u.worker = :worker and u.shunned_until > now(), false)
              and not exists (
                  select from units r where r.job_id = u.job_id and r.state = 'running' and r.makes_segments
                    and r.renditions && u.renditions
                    and r.first_segment < u.end_segment and r.heard_end > u.first_segment
              ) and (u.held_until > now() or not :held)
            order by coalesce(u.held_until > now(), false) desc, j.priority desc, coalesce(
                case when u.held_until > now() then b.lately else (:turns::jsonb ->> v.uploaded_by::text)::int end, 0),
                case when u.held_until > now() then 0 else u.rank end, coalesce(b.units, 0), u.id
            limit 1 for update of u skip locked
        )
        update units u
        set state = 'running', fence = fence + 1, attempts = attempts + 1, worker = :worker, made_ms = 0, speed = 0,
            heard_end = end_segment, seen_at = now(), progressed_at = now(), shunned_until = null,
            lease_until = now() + make_interval(secs => :lease_s)
        from best where u.id = best.id
        returning u.id
        """,
        queue=queue,
        worker=worker,
        lease_s=lease_s,
        turns=turns,
        held=held,
    )


async def still_claimable(db: Queries, unit_id: int) -> bool:
    """Whether its job wants a unit, now that the job is kept from others until the transaction ends."""
    return await db.value(
        """
        select claimable(j.state, u.kind) from units u join jobs j on j.id = u.job_id
        where u.id = :unit_id for update of j
        """,
        unit_id=unit_id,
    )


async def claimed(db: Queries, unit_id: int) -> Claimed:
    """What the worker that claimed a unit needs to know."""
    return await db.one(
        Claimed,
        """
        select u.id, u.fence, u.kind, u.job_id, j.video_id, j.generation, v.source, v.filename, u.renditions,
            u.first_segment, u.end_segment, u.attempts as attempt, j.plan, v.level_sound as level,
            coalesce(u.held_until > now(), false) as held
        from units u join jobs j on j.id = u.job_id join videos v on v.id = j.video_id
        where u.id = :unit_id
        """,
        unit_id=unit_id,
    )


async def renew(
    db: Queries,
    unit_id: int,
    *,
    fence: int,
    done_segments: int,
    made_ms: int,
    speed: float,
    heard_end: int | None,
    lease_s: float,
) -> Renewed | None:
    """Prolong a lease and note how far it is; None when the lease is another's."""
    return await db.maybe(
        Renewed,
        """
        update units u
        set lease_until = now() + make_interval(secs => :lease_s), seen_at = now(), speed = :speed,
            made_ms = greatest(u.made_ms, :made_ms),
            done_segments = greatest(u.done_segments, least(:done_segments, u.end_segment - u.first_segment)),
            progressed_at = case when :made_ms > u.made_ms
                    or least(:done_segments, u.end_segment - u.first_segment) > u.done_segments
                then now() else u.progressed_at end,
            heard_end = least(u.heard_end, coalesce(:heard_end, u.heard_end))
        from jobs j
        where u.id = :unit_id and u.fence = :fence and u.state = 'running' and j.id = u.job_id
        returning claimable(j.state, u.kind) as wanted, u.end_segment,
            u.heard_end < (select o.heard_end from units o where o.id = u.id) as heard
        """,
        unit_id=unit_id,
        fence=fence,
        done_segments=done_segments,
        made_ms=made_ms,
        speed=speed,
        heard_end=heard_end,
        lease_s=lease_s,
    )


async def expire(
    db: Queries, most_attempts: int, *, stalled_s: float, opaque_stalled_s: float, shunned_s: float
) -> list[Expired]:
    """Take back units whose worker fell silent or makes nothing: queued again, or failed after the last attempt.

    Units that make no segments have `opaque_stalled_s`: theirs is work whose progress shows seldom.
    """
    return await db.all(
        Expired,
        """
        with lost as (
            select id, lease_until >= now() as stalled from units
            where state = 'running' and (lease_until < now() or progressed_at < now() - make_interval(
                secs => case when makes_segments then :stalled_s::float8 else :opaque_stalled_s::float8 end))
            order by id limit 500 for update skip locked
        )
        update units u
        set state = case when attempts >= :most_attempts then 'failed' else 'queued' end, lease_until = null, speed = 0,
            queued_at = now(), shunned_until = case when stalled then now() + make_interval(secs => :shunned_s) end
        from lost where u.id = lost.id
        returning u.id, u.job_id, u.kind, u.queue, u.state, stalled
        """,
        most_attempts=most_attempts,
        stalled_s=stalled_s,
        opaque_stalled_s=opaque_stalled_s,
        shunned_s=shunned_s,
    )


async def unheard(db: Queries, quiet_s: float) -> list[Unheard]:
    """Queues with claimable units that nobody took for a while and for which no sweep rang; they count as rung now."""
    return await db.all(
        Unheard,
        """
        with waiting as (
            select u.queue, count(*) as units from units u join jobs j on j.id = u.job_id
            where u.state = 'queued' and u.queue <> 'held' and claimable(j.state, u.kind)
              and u.queued_at < now() - make_interval(secs => :quiet_s)
            group by u.queue
        )
        update bells b set rung_at = now() from waiting w
        where w.queue = b.queue and b.rung_at < now() - make_interval(secs => :quiet_s)
        returning b.queue, w.units
        """,
        quiet_s=quiet_s,
    )
