"""SQL that adds to the rollups; rows come sorted, so that two writers never wait for each other in a ring."""

from collections import Counter
from collections.abc import Sequence

from api.analytics.tally import Bucket, Part
from api.analytics.times import from_minute
from api.database import Queries

SUMS = (
    "watch_ms",
    "viewer_minutes",
    "starts",
    "views",
    "completions",
    "own_starts",
    "own_watch_ms",
    "bits",
    "bits_ms",
    "charges",
    "gross_micros",
    "refund_micros",
)
QUALITY = (
    "playbacks",
    "startups",
    "startup_ms",
    "start_failures",
    "stalls",
    "stall_ms",
    "dropped_frames",
    "errors",
    "starvations",
    "throughputs",
    "throughput_kbps",
)
RETENTION_STEPS = 101


async def add_sums(db: Queries, rows: Sequence[tuple[Bucket, Counter[str]]]) -> None:
    """Add amounts to buckets."""
    await db.run(
        """
        insert into rollup (grain_min, video_id, at, watch_ms, viewer_minutes, starts, views, completions, own_starts,
            own_watch_ms, bits, bits_ms, charges, gross_micros, refund_micros)
        select * from unnest(:grains_min::smallint[], :video_ids::bigint[], :at::timestamptz[], :watch_ms::bigint[],
            :viewer_minutes::bigint[], :starts::bigint[], :views::bigint[], :completions::bigint[],
            :own_starts::bigint[], :own_watch_ms::bigint[], :bits::bigint[], :bits_ms::bigint[], :charges::bigint[],
            :gross_micros::bigint[], :refund_micros::bigint[])
        on conflict (grain_min, video_id, at) do update
        set watch_ms = rollup.watch_ms + excluded.watch_ms,
            viewer_minutes = rollup.viewer_minutes + excluded.viewer_minutes,
            starts = rollup.starts + excluded.starts,
            views = rollup.views + excluded.views,
            completions = rollup.completions + excluded.completions,
            own_starts = rollup.own_starts + excluded.own_starts,
            own_watch_ms = rollup.own_watch_ms + excluded.own_watch_ms,
            bits = rollup.bits + excluded.bits,
            bits_ms = rollup.bits_ms + excluded.bits_ms,
            charges = rollup.charges + excluded.charges,
            gross_micros = rollup.gross_micros + excluded.gross_micros,
            refund_micros = rollup.refund_micros + excluded.refund_micros
        """,
        **_buckets([bucket for bucket, _ in rows]),
        **{name: [amounts[name] for _, amounts in rows] for name in SUMS},
    )


async def raise_peaks(db: Queries, buckets: Sequence[Bucket]) -> None:
    """Let the peaks of minutes, and of the quarters and days they lie in, follow their viewers, which only grow."""
    await db.run(
        """
        with minute as (
            select minute.video_id, minute.at, minute.viewer_minutes
            from unnest(:video_ids::bigint[], :at::timestamptz[]) as touched (video_id, at)
            join rollup minute on minute.grain_min = 1 and minute.video_id = touched.video_id and minute.at = touched.at
        ), found as (
            select grain_min, video_id, date_bin(grain_min * interval '1 minute', at, '2000-01-01Z') as at,
                max(viewer_minutes) as peak
            from minute, unnest('{1,15,1440}'::smallint[]) as grain (grain_min)
            group by 1, 2, 3
        )
        update rollup set peak = found.peak
        from found
        where rollup.grain_min = found.grain_min and rollup.video_id = found.video_id and rollup.at = found.at
            and rollup.peak < found.peak
        """,
        video_ids=[bucket.video_id for bucket in buckets],
        at=[from_minute(bucket.minute) for bucket in buckets],
    )


async def add_quality(db: Queries, rows: Sequence[tuple[Bucket, Counter[str]]]) -> None:
    """Add what is known of how playbacks went."""
    await db.run(
        """
        insert into quality (grain_min, video_id, at, playbacks, startups, startup_ms, start_failures, stalls, stall_ms,
            dropped_frames, errors, starvations, throughputs, throughput_kbps)
        select * from unnest(:grains_min::smallint[], :video_ids::bigint[], :at::timestamptz[], :playbacks::bigint[],
            :startups::bigint[], :startup_ms::bigint[], :start_failures::bigint[], :stalls::bigint[],
            :stall_ms::bigint[], :dropped_frames::bigint[], :errors::bigint[], :starvations::bigint[],
            :throughputs::bigint[], :throughput_kbps::bigint[])
        on conflict (grain_min, video_id, at) do update
        set playbacks = quality.playbacks + excluded.playbacks,
            startups = quality.startups + excluded.startups,
            startup_ms = quality.startup_ms + excluded.startup_ms,
            start_failures = quality.start_failures + excluded.start_failures,
            stalls = quality.stalls + excluded.stalls,
            stall_ms = quality.stall_ms + excluded.stall_ms,
            dropped_frames = quality.dropped_frames + excluded.dropped_frames,
            errors = quality.errors + excluded.errors,
            starvations = quality.starvations + excluded.starvations,
            throughputs = quality.throughputs + excluded.throughputs,
            throughput_kbps = quality.throughput_kbps + excluded.throughput_kbps
        """,
        **_buckets([bucket for bucket, _ in rows]),
        **{name: [amounts[name] for _, amounts in rows] for name in QUALITY},
    )


async def add_parts(db: Queries, rows: Sequence[tuple[Part, Counter[str]]]) -> None:
    """Add to the rows of breakdowns."""
    await db.run(
        """
        insert into breakdown (grain_min, video_id, at, kind, name, starts, watch_ms)
        select * from unnest(:grains_min::smallint[], :video_ids::bigint[], :at::timestamptz[], :kinds::text[],
            :names::text[], :starts::bigint[], :watch_ms::bigint[])
        on conflict (grain_min, video_id, at, kind, name) do update
        set starts = breakdown.starts + excluded.starts, watch_ms = breakdown.watch_ms + excluded.watch_ms
        """,
        **_buckets([part.bucket for part, _ in rows]),
        kinds=[part.kind for part, _ in rows],
        names=[part.name for part, _ in rows],
        starts=[amounts["starts"] for _, amounts in rows],
        watch_ms=[amounts["watch_ms"] for _, amounts in rows],
    )


async def add_part_viewers(db: Queries, rows: Sequence[tuple[Part, int]]) -> None:
    """Add users to the sets behind breakdowns."""
    await db.run(
        """
        insert into breakdown_viewer (video_id, at, kind, name, user_id)
        select * from unnest(:video_ids::bigint[], :at::timestamptz[], :kinds::text[], :names::text[],
            :user_ids::bigint[])
        on conflict do nothing
        """,
        video_ids=[part.bucket.video_id for part, _ in rows],
        at=[from_minute(part.bucket.minute) for part, _ in rows],
        kinds=[part.kind for part, _ in rows],
        names=[part.name for part, _ in rows],
        user_ids=[user_id for _, user_id in rows],
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
