"""The statements on the bills of ended sessions."""

from dataclasses import dataclass

from api.database import Queries


@dataclass(frozen=True)
class Owed:
    """An ended session whose bill is still open."""

    session_id: str
    wall_ms: int
    fastest_rate: float


@dataclass(frozen=True)
class Settled:
    """What a session came to."""

    session_id: str
    watched_time: int
    delivered_ms: int
    forgiven_ms: int
    charged: int


async def owed(db: Queries, session_id: str) -> Owed | None:
    """An ended session while its bill is open."""
    return await db.maybe(
        Owed,
        """
        select session_id, fastest_rate,
            greatest(0, extract(epoch from ended_at - start_time) * 1000)::bigint as wall_ms
        from stream_sessions where session_id = :session_id and not is_active and settled_at is null
        """,
        session_id=session_id,
    )


async def due(db: Queries, limit: int) -> list[Owed]:
    """Ended sessions whose bill is open and whose next try is due."""
    return await db.all(
        Owed,
        """
        select session_id, fastest_rate,
            greatest(0, extract(epoch from ended_at - start_time) * 1000)::bigint as wall_ms
        from stream_sessions where not is_active and settled_at is null and settle_after <= now()
        order by settle_after limit :limit
        """,
        limit=limit,
    )


async def settle(db: Queries, session_id: str, delivered_ms: int, forgiven_ms: int, charged: int) -> None:
    """Close the bill of an ended session; the first word holds."""
    await db.run(
        """
        update stream_sessions set
            settled_at = now(), delivered_ms = :delivered_ms, forgiven_ms = :forgiven_ms, charged = :charged,
            watched_time = greatest(0, :delivered_ms::bigint - :forgiven_ms::bigint) / 1000
        where session_id = :session_id and not is_active and settled_at is null
        """,
        session_id=session_id,
        delivered_ms=delivered_ms,
        forgiven_ms=forgiven_ms,
        charged=charged,
    )


async def postpone(db: Queries, session_id: str) -> None:
    """Try to settle again after 2, 4, 8 … seconds, at most a minute."""
    await db.run(
        """
        update stream_sessions set
            settle_tries = settle_tries + 1,
            settle_after = now() + make_interval(secs => least(60, power(2, least(settle_tries, 5) + 1)))
        where session_id = :session_id and settled_at is null
        """,
        session_id=session_id,
    )


async def settled(db: Queries, session_id: str) -> Settled:
    """What a session came to."""
    return await db.one(
        Settled,
        """
        select session_id, watched_time, delivered_ms, forgiven_ms, charged
        from stream_sessions where session_id = :session_id
        """,
        session_id=session_id,
    )
