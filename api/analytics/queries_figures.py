"""SQL that reads the numbers of a period: whole UTC days from the day rollup, the rest from quarters of an hour."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from api.analytics.period import Cover
from api.database import Queries


@dataclass(frozen=True)
class Sums:
    """The numbers that add up, but `peak`, of which the greatest is meant. Own ones are the owner's own playbacks.

    `viewer_minutes`: sessions with a fetch in a minute, summed over minutes. `bits` were delivered in `bits_ms`.
    """

    watch_ms: int = 0
    viewer_minutes: int = 0
    peak: int = 0
    starts: int = 0
    views: int = 0
    completions: int = 0
    own_starts: int = 0
    own_watch_ms: int = 0
    bits: int = 0
    bits_ms: int = 0
    charges: int = 0
    gross_micros: int = 0
    refund_micros: int = 0


@dataclass(frozen=True)
class BucketSums(Sums):
    """Sums of the n-th bucket of a series, or of one video."""

    key: int = 0


@dataclass(frozen=True)
class KeyCount:
    key: int
    count: int


async def sums(db: Queries, subject: int, cover: Cover) -> Sums:
    """Sums over a period. The subject is a video, 0 for the platform, or a creator below 0."""
    return await db.one(
        Sums,
        """
        select coalesce(sum(watch_ms), 0)::bigint as watch_ms,
            coalesce(sum(viewer_minutes), 0)::bigint as viewer_minutes, coalesce(max(peak), 0) as peak,
            coalesce(sum(starts), 0)::bigint as starts, coalesce(sum(views), 0)::bigint as views,
            coalesce(sum(completions), 0)::bigint as completions,
            coalesce(sum(own_starts), 0)::bigint as own_starts,
            coalesce(sum(own_watch_ms), 0)::bigint as own_watch_ms,
            coalesce(sum(bits), 0)::bigint as bits, coalesce(sum(bits_ms), 0)::bigint as bits_ms,
            coalesce(sum(charges), 0)::bigint as charges,
            coalesce(sum(gross_micros), 0)::bigint as gross_micros,
            coalesce(sum(refund_micros), 0)::bigint as refund_micros
        from rollup
        where video_id = :subject and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        """,
        subject=subject,
        **asdict(cover),
    )


async def viewers(db: Queries, subject: int, cover: Cover) -> int:
    """Distinct users over a period."""
    return await db.value(
        """
        select count(*)
        from (
            select distinct user_id
            from viewer
            where video_id = :subject and (grain_min = 1440 and at >= :head_end and at < :tail_start
                or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        ) as one
        """,
        subject=subject,
        **asdict(cover),
    )


async def retention(db: Queries, subject: int, cover: Cover) -> list[KeyCount]:
    """The steps of the retention curve of a video, or of a creator's, over a period, summed, in order."""
    return await db.all(
        KeyCount,
        """
        select step::integer - 1 as key, sum(delta)::bigint as count
        from retention, unnest(steps) with ordinality as one (delta, step)
        where video_id = :subject and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        group by step
        order by step
        """,
        subject=subject,
        **asdict(cover),
    )


async def sums_by_bucket(
    db: Queries, grain_min: int, subject: int, starts: Sequence[datetime], end: datetime
) -> list[BucketSums]:
    """Sums per bucket, from rollups of a grain; a bucket without any is left out. Buckets count from 0."""
    return await db.all(
        BucketSums,
        """
        select width_bucket(at, :starts::timestamptz[]) - 1 as key, max(peak) as peak,
            sum(watch_ms)::bigint as watch_ms, sum(viewer_minutes)::bigint as viewer_minutes,
            sum(starts)::bigint as starts, sum(views)::bigint as views, sum(completions)::bigint as completions,
            sum(own_starts)::bigint as own_starts, sum(own_watch_ms)::bigint as own_watch_ms,
            sum(bits)::bigint as bits, sum(bits_ms)::bigint as bits_ms, sum(charges)::bigint as charges,
            sum(gross_micros)::bigint as gross_micros, sum(refund_micros)::bigint as refund_micros
        from rollup
        where grain_min = :grain_min and video_id = :subject and at >= :start and at < :end
        group by key
        """,
        grain_min=grain_min,
        subject=subject,
        starts=starts,
        start=starts[0],
        end=end,
    )


async def viewers_by_bucket(
    db: Queries, grain_min: int, subject: int, starts: Sequence[datetime], end: datetime
) -> list[KeyCount]:
    """Distinct users per bucket, from sets of a grain."""
    return await db.all(
        KeyCount,
        """
        select key, count(*) as count
        from (
            select distinct width_bucket(at, :starts::timestamptz[]) - 1 as key, user_id
            from viewer
            where grain_min = :grain_min and video_id = :subject and at >= :start and at < :end
        ) as one
        group by key
        """,
        grain_min=grain_min,
        subject=subject,
        starts=starts,
        start=starts[0],
        end=end,
    )


async def viewers_by_minute(db: Queries, subject: int, owner_id: int | None, first: int, last: int) -> list[KeyCount]:
    """Distinct users per minute of [first, last) whose detail is kept, from the sessions; keys count from `first`."""
    return await db.all(
        KeyCount,
        """
        select minute - :first::integer as key, count(distinct user_id) as count
        from session_minute
        join session using (session_id, video_id)
        join video using (video_id)
        where minute >= :first and minute < :last and user_id <> owner_id and known_at is not null
            and (:subject::bigint <= 0 or session.video_id = :subject)
            and (:owner_id::bigint is null or owner_id = :owner_id)
        group by key
        """,
        subject=subject,
        owner_id=owner_id,
        first=first,
        last=last,
    )


async def live_viewers(db: Queries, since: datetime, subject: int, owner_id: int | None) -> int:
    """Sessions with a fetch since a moment, the owners' own aside; of one video, of an owner's, or all."""
    return await db.value(
        """
        select count(distinct session_id)
        from session_minute
        join session using (session_id, video_id)
        join video using (video_id)
        where minute >= floor(extract(epoch from :since::timestamptz) / 60)::integer and last_at >= :since
            and user_id <> owner_id and (:subject::bigint <= 0 or session.video_id = :subject)
            and (:owner_id::bigint is null or owner_id = :owner_id)
        """,
        since=since,
        subject=subject,
        owner_id=owner_id,
    )


async def minute_sums(db: Queries, subject: int, at: datetime) -> Sums | None:
    """A subject's sums of one minute."""
    return await db.maybe(
        Sums,
        """
        select watch_ms, viewer_minutes, peak, starts, views, completions, own_starts, own_watch_ms, bits, bits_ms,
            charges, gross_micros, refund_micros
        from rollup
        where grain_min = 1 and video_id = :subject and at = :at
        """,
        subject=subject,
        at=at,
    )
