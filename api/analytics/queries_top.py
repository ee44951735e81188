"""SQL that compares videos, and creators, over a period."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from api.analytics.period import Cover
from api.analytics.queries_figures import BucketSums, KeyCount
from api.database import Queries


@dataclass(frozen=True)
class Money:
    """What a video or a creator (`key`) earned."""

    key: int
    charges: int
    gross_micros: int
    refund_micros: int


async def ranked(db: Queries, owned: Sequence[int] | None, by: str, cover: Cover, limit: int) -> list[int]:
    """The videos with the most views, watch_time or revenue; of `owned` only, unless that is None."""
    found = await db.all(
        KeyCount,
        """
        select video_id as key,
            sum(case :by::text when 'views' then views when 'watch_time' then watch_ms
                else gross_micros - refund_micros end)::bigint as count
        from rollup
        where video_id > 0 and (:owned::bigint[] is null or video_id = any(:owned))
            and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        group by video_id
        order by count desc, key
        limit :limit
        """,
        owned=owned,
        by=by,
        limit=limit,
        **asdict(cover),
    )
    return [row.key for row in found if row.count > 0]


async def ranked_by_viewers(db: Queries, owned: Sequence[int] | None, cover: Cover, limit: int) -> list[int]:
    """The videos with the most distinct users; of `owned` only, unless that is None."""
    found = await db.all(
        KeyCount,
        """
        select video_id as key, count(*) as count
        from (
            select distinct video_id, user_id
            from viewer
            where video_id > 0 and (:owned::bigint[] is null or video_id = any(:owned))
                and (grain_min = 1440 and at >= :head_end and at < :tail_start
                or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        ) as one
        group by video_id
        order by count desc, key
        limit :limit
        """,
        owned=owned,
        limit=limit,
        **asdict(cover),
    )
    return [row.key for row in found]


async def sums_by_video(db: Queries, video_ids: Sequence[int], cover: Cover) -> list[BucketSums]:
    """Sums of some videos over a period."""
    return await db.all(
        BucketSums,
        """
        select video_id as key, max(peak) as peak,
            sum(watch_ms)::bigint as watch_ms, sum(viewer_minutes)::bigint as viewer_minutes,
            sum(starts)::bigint as starts, sum(views)::bigint as views, sum(completions)::bigint as completions,
            sum(own_starts)::bigint as own_starts, sum(own_watch_ms)::bigint as own_watch_ms,
            sum(bits)::bigint as bits, sum(bits_ms)::bigint as bits_ms, sum(charges)::bigint as charges,
            sum(gross_micros)::bigint as gross_micros,
            sum(refund_micros)::bigint as refund_micros
        from rollup
        where video_id = any(:video_ids) and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        group by video_id
        """,
        video_ids=video_ids,
        **asdict(cover),
    )


async def viewers_by_video(db: Queries, video_ids: Sequence[int], cover: Cover) -> list[KeyCount]:
    """Distinct users of some videos over a period."""
    return await db.all(
        KeyCount,
        """
        select video_id as key, count(*) as count
        from (
            select distinct video_id, user_id
            from viewer
            where video_id = any(:video_ids) and (grain_min = 1440 and at >= :head_end and at < :tail_start
                or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        ) as one
        group by video_id
        """,
        video_ids=video_ids,
        **asdict(cover),
    )


async def money_by(db: Queries, owned: Sequence[int] | None, group: str, cover: Cover, limit: int) -> list[Money]:
    """What each video, or each creator, earned, most first; of `owned` videos only, unless that is None."""
    return await db.all(
        Money,
        """
        select case :group::text when 'creator' then owner_id else video_id end as key,
            sum(charges)::bigint as charges,
            sum(gross_micros)::bigint as gross_micros,
            sum(refund_micros)::bigint as refund_micros
        from rollup
        join video using (video_id)
        where (:owned::bigint[] is null or video_id = any(:owned))
            and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        group by key
        having sum(charges) > 0 or sum(refund_micros) > 0
        order by sum(gross_micros - refund_micros) desc, key
        limit :limit
        """,
        owned=owned,
        group=group,
        limit=limit,
        **asdict(cover),
    )
