"""SQL that reads how playbacks went, and what they were made of: devices, countries, renditions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from api.analytics.period import Cover
from api.database import Queries


@dataclass(frozen=True)
class Quality:
    """Sums of table `quality`."""

    playbacks: int = 0
    startups: int = 0
    startup_ms: int = 0
    start_failures: int = 0
    stalls: int = 0
    stall_ms: int = 0
    dropped_frames: int = 0
    errors: int = 0
    starvations: int = 0
    throughputs: int = 0
    throughput_kbps: int = 0


@dataclass(frozen=True)
class PartSums:
    """A row of a breakdown."""

    kind: str
    name: str
    starts: int
    watch_ms: int


@dataclass(frozen=True)
class PartViewers:
    """Distinct users behind a row of a breakdown."""

    kind: str
    name: str
    viewers: int


async def quality(db: Queries, subjects: Sequence[int], cover: Cover) -> Quality:
    """Sums over a period, of videos or of 0, the platform."""
    return await db.one(
        Quality,
        """
        select coalesce(sum(playbacks), 0)::bigint as playbacks, coalesce(sum(startups), 0)::bigint as startups,
            coalesce(sum(startup_ms), 0)::bigint as startup_ms,
            coalesce(sum(start_failures), 0)::bigint as start_failures,
            coalesce(sum(stalls), 0)::bigint as stalls, coalesce(sum(stall_ms), 0)::bigint as stall_ms,
            coalesce(sum(dropped_frames), 0)::bigint as dropped_frames,
            coalesce(sum(errors), 0)::bigint as errors, coalesce(sum(starvations), 0)::bigint as starvations,
            coalesce(sum(throughputs), 0)::bigint as throughputs,
            coalesce(sum(throughput_kbps), 0)::bigint as throughput_kbps
        from quality
        where video_id = any(:subjects) and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        """,
        subjects=subjects,
        **asdict(cover),
    )


async def parts(db: Queries, subject: int, cover: Cover) -> list[PartSums]:
    """All breakdowns of a period, largest first."""
    return await db.all(
        PartSums,
        """
        select kind, name, sum(starts)::bigint as starts, sum(watch_ms)::bigint as watch_ms
        from breakdown
        where video_id = :subject and (grain_min = 1440 and at >= :head_end and at < :tail_start
            or grain_min = 15 and (at >= :start and at < :head_end or at >= :tail_start and at < :end))
        group by kind, name
        order by starts desc, watch_ms desc, name
        """,
        subject=subject,
        **asdict(cover),
    )


async def part_viewers(db: Queries, subject: int, start: datetime, end: datetime) -> list[PartViewers]:
    """Distinct users behind each row, over the whole UTC days that a period touches."""
    return await db.all(
        PartViewers,
        """
        select kind, name, count(*) as viewers
        from (
            select distinct kind, name, user_id
            from breakdown_viewer
            where video_id = :subject and at >= date_trunc('day', :start::timestamptz, 'UTC') and at < :end
        ) as behind
        group by kind, name
        """,
        subject=subject,
        start=start,
        end=end,
    )
