"""What billing charged and gave back by video and UTC day, and which sessions were of sound alone."""

from dataclasses import dataclass

from api.database import Queries


@dataclass(frozen=True)
class Money:
    """Of one video on one day, whatever analytics has not been told yet left out."""

    video_id: int
    day_ms: int
    gross_micros: int
    refund_micros: int


async def money(db: Queries, since_ms: int, until_ms: int) -> list[Money]:
    """Days that begin in [since_ms, until_ms). A moment counts as its nearest millisecond, as it is told."""
    return await db.all(
        Money,
        """
        with told as (
            select h.video_id, j.kind, abs(e.amount_micros) as micros,
                round(extract(epoch from j.effective_at) * 1000)::bigint as at_ms
            from journal j
            join entry e on e.journal_id = j.id
            join hold h on h.session_id = coalesce(e.session_id, j.session_id)
            where j.kind in ('charge', 'forgiven', 'refund') and e.balance_after is not null
                and not exists (select from outbox o where o.journal_id = j.id)
        )
        select video_id, at_ms / 86400000 * 86400000 as day_ms,
            coalesce(sum(micros) filter (where kind = 'charge'), 0)::bigint as gross_micros,
            coalesce(sum(micros) filter (where kind <> 'charge'), 0)::bigint as refund_micros
        from told
        where at_ms >= :since_ms and at_ms < :until_ms
        group by 1, 2
        """,
        since_ms=since_ms,
        until_ms=until_ms,
    )


async def sound_sessions(db: Queries) -> set[str]:
    """Sessions whose film has no pictures."""
    found = await db.value("select coalesce(array_agg(session_id), '{}') from hold where audio_only")
    return set(found)
