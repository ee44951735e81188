"""SQL that tells reconciliation what was counted, video by video and day by day."""

from datetime import datetime

from api.clients import DayCounts
from api.database import Queries


async def days(db: Queries, since: datetime, until: datetime) -> list[DayCounts]:
    """Every video's UTC days that begin in [since, until); time includes that of owners' own playbacks."""
    return await db.all(
        DayCounts,
        """
        select video_id, (extract(epoch from at) * 1000)::bigint as day_ms, watch_ms + own_watch_ms as watch_ms,
            gross_micros, refund_micros
        from rollup
        where grain_min = 1440 and video_id > 0 and at >= :since and at < :until
        order by video_id, at
        """,
        since=since,
        until=until,
    )


async def positions(db: Queries) -> dict[str, list[int]]:
    """How far each stream was read, as generation and byte."""
    found = await db.value(
        """
        select coalesce(json_object_agg(stream, json_build_array(generation, end_offset)), '{}') from log_position
        """
    )
    return dict(found)
