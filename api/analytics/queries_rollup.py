"""SQL that adds to the rollups; rows come sorted, so that two writers never wait for each other in a ring."""

from collections import Counter
from collections.abc import Sequence

from api.analytics.tally import Bucket
from api.analytics.times import from_minute
from api.database import Queries

SUMS = ("watch_ms", "viewer_minutes", "starts", "views", "completions", "charges", "gross_micros", "refund_micros")
RETENTION_STEPS = 101


async def add_sums(db: Queries, rows: Sequence[tuple[Bucket, Counter[str]]]) -> None:
    """Add amounts to buckets."""
    await db.run(
        """
        insert into rollup (grain_min, video_id, at, watch_ms, viewer_minutes, starts, views, completions,
            charges, gross_micros, refund_micros)
        select * from unnest(:grains_min::smallint[], :video_ids::bigint[], :at::timestamptz[],
            :watch_ms::bigint[], :viewer_minutes::bigint[], :starts::bigint[], :views::bigint[],
            :completions::bigint[], :charges::bigint[], :gross_micros::bigint[], :refund_micros::bigint[])
        on conflict (grain_min, video_id, at) do update
        set watch_ms = rollup.watch_ms + excluded.watch_ms,
            viewer_minutes = rollup.viewer_minutes + excluded.viewer_minutes,
            starts = rollup.starts + excluded.starts,
            views = rollup.views + excluded.views,
            completions = rollup.completions + excluded.completions,
            charges = rollup.charges + excluded.charges,
            gross_micros = rollup.gross_micros + excluded.gross_micros,
            refund_micros = rollup.refund_micros + excluded.refund_micros
        """,
        **_buckets([bucket for bucket, _ in rows]),
        **{name: [amounts[name] for _, amounts in rows] for name in SUMS},
    )


async def add_viewers(db: Queries, rows: Sequence[tuple[Bucket, int]]) -> None:
    """Add users to the sets of buckets."""
    await db.run(
        """
        insert into viewer (grain_min, video_id, at, user_id)
        select * from unnest(:grains_min::smallint[], :video_ids::bigint[], :at::timestamptz[], :user_ids::bigint[])
        on conflict do nothing
        """,
        **_buckets([bucket for bucket, _ in rows]),
        user_ids=[user_id for _, user_id in rows],
    )


async def add_retention(db: Queries, rows: Sequence[tuple[Bucket, Counter[int]]]) -> None:
    """Add steps to the retention curves of buckets."""
    await db.run(
        """
        insert into retention (grain_min, video_id, at, steps)
        select grain_min, video_id, at, string_to_array(steps, ',')::bigint[]
        from unnest(:grains_min::smallint[], :video_ids::bigint[], :at::timestamptz[], :steps::text[])
            as added (grain_min, video_id, at, steps)
        on conflict (grain_min, video_id, at) do update
        set steps = array(
            select was + now
            from unnest(retention.steps, excluded.steps) with ordinality as pair (was, now, step)
            order by step
        )
        """,
        **_buckets([bucket for bucket, _ in rows]),
        steps=[",".join(str(steps[step]) for step in range(RETENTION_STEPS)) for _, steps in rows],
    )


def _buckets(buckets: Sequence[Bucket]) -> dict[str, object]:
    return {
        "grains_min": [bucket.grain_min for bucket in buckets],
        "video_ids": [bucket.video_id for bucket in buckets],
        "at": [from_minute(bucket.minute) for bucket in buckets],
    }
