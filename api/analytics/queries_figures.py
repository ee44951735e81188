"""SQL that reads the numbers of a period: whole UTC days from the day rollup, the rest from quarters of an hour."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from api.analytics.period import Cover
from api.database import Queries


@dataclass(frozen=True)
class Sums:
    """The numbers that add up. `viewer_minutes`: sessions with a fetch in a minute, summed over minutes."""

    watch_ms: int = 0
    viewer_minutes: int = 0
    starts: int = 0
    views: int = 0
    completions: int = 0
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


async def sums(db: Queries, subjects: Sequence[int], cover: Cover) -> Sums:
    """Sums over a period. Subjects are videos, or 0 for the platform."""
    return await db.one(
        Sums,
        """
        select coalesce(sum(watch_ms), 0)::bigint as watch_ms,
            coalesce(sum(viewer_minutes), 0)::bigint as viewer_minutes,
            coalesce(sum(starts), 0)::bigint as starts,
            coalesce(sum(views), 0)::bigint as views,
            coalesce(sum(completions), 0)::bigint as completions,
            coalesce(sum(charges), 0)::bigint as charges,
            coalesce(sum(gross_micros), 0)::bigint as gross_micros,
            coalesce(sum(refund_micros), 0)::bigint as refund_micros
        from rollup
        where video_id = any(:subjects) and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        """,
        subjects=subjects,
        **asdict(cover),
    )


async def viewers(db: Queries, subjects: Sequence[int], cover: Cover) -> int:
    """Distinct users over a period."""
    return await db.value(
        """
        select count(distinct user_id)
        from viewer
        where video_id = any(:subjects) and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        """,
        subjects=subjects,
        **asdict(cover),
    )


async def retention(db: Queries, video_id: int, cover: Cover) -> list[KeyCount]:
    """The steps of a video's retention curve over a period, summed, in order."""
    return await db.all(
        KeyCount,
        """
        select step::integer - 1 as key, sum(delta)::bigint as count
        from retention, unnest(steps) with ordinality as one (delta, step)
        where video_id = :video_id and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        group by step
        order by step
        """,
        video_id=video_id,
        **asdict(cover),
    )


async def sums_by_bucket(
    db: Queries, grain_min: int, subjects: Sequence[int], starts: Sequence[datetime], end: datetime
) -> list[BucketSums]:
    """Sums per bucket, from rollups of a grain; a bucket without any is left out. Buckets count from 0."""
    return await db.all(
        BucketSums,
        """
        select width_bucket(at, :starts::timestamptz[]) - 1 as key,
            sum(watch_ms)::bigint as watch_ms,
            sum(viewer_minutes)::bigint as viewer_minutes,
            sum(starts)::bigint as starts,
            sum(views)::bigint as views,
            sum(completions)::bigint as completions,
            sum(charges)::bigint as charges,
            sum(gross_micros)::bigint as gross_micros,
            sum(refund_micros)::bigint as refund_micros
        from rollup
        where grain_min = :grain_min and video_id = any(:subjects) and at >= :start and at < :end
        group by key
        """,
        grain_min=grain_min,
        subjects=subjects,
        starts=starts,
        start=starts[0],
        end=end,
    )


async def viewers_by_bucket(
    db: Queries, grain_min: int, subjects: Sequence[int], starts: Sequence[datetime], end: datetime
) -> list[KeyCount]:
    """Distinct users per bucket, from sets of a grain."""
    return await db.all(
        KeyCount,
        """
        select width_bucket(at, :starts::timestamptz[]) - 1 as key, count(distinct user_id) as count
        from viewer
        where grain_min = :grain_min and video_id = any(:subjects) and at >= :start and at < :end
        group by key
        """,
        grain_min=grain_min,
        subjects=subjects,
        starts=starts,
        start=starts[0],
        end=end,
    )


async def peak_by_bucket(
    db: Queries, subjects: Sequence[int], starts: Sequence[datetime], end: datetime
) -> list[KeyCount]:
    """The most sessions that were active in one minute, per bucket."""
    return await db.all(
        KeyCount,
        """
        select width_bucket(at, :starts::timestamptz[]) - 1 as key, max(active)::bigint as count
        from (
            select at, sum(viewer_minutes) as active
            from rollup
            where grain_min = 1 and video_id = any(:subjects) and at >= :start and at < :end
            group by at
        ) as minute
        group by key
        """,
        subjects=subjects,
        starts=starts,
        start=starts[0],
        end=end,
    )


async def live_viewers(db: Queries, since: datetime) -> int:
    """Sessions with a fetch since a moment, the owners' own aside."""
    return await db.value(
        """
        select count(*)
        from session
        join video using (video_id)
        where last_at >= :since and user_id <> owner_id
        """,
        since=since,
    )


async def minute_sums(db: Queries, at: datetime) -> Sums | None:
    """The platform's sums of one minute."""
    return await db.maybe(
        Sums,
        """
        select watch_ms, viewer_minutes, starts, views, completions, charges, gross_micros, refund_micros
        from rollup
        where grain_min = 1 and video_id = 0 and at = :at
        """,
        at=at,
    )
