"""Statements about what a film cost, on `streamify_video`."""

from dataclasses import dataclass
from typing import Any

from api.database import Queries


@dataclass(frozen=True)
class Made:
    """A film that is ready: `facts` of its source, CPU seconds over all its units, bytes of its segments."""

    generation: int
    duration_ms: int
    facts: dict[str, Any]
    cpu_s: float
    bytes: int


async def made(db: Queries, video_id: int) -> Made | None:
    """What is known of the making of a video; None unless it is ready."""
    return await db.maybe(
        Made,
        """
        select v.generation, v.duration_ms, coalesce(j.plan -> 'facts', '{}') as facts, u.cpu_s, u.bytes
        from videos v join jobs j on j.video_id = v.id and j.generation = v.generation
        cross join lateral (
            select coalesce(sum((result ->> 'cpu_s')::float8) filter (
                    where jsonb_typeof(result -> 'cpu_s') = 'number'), 0) as cpu_s,
                coalesce(max((result -> 'report' ->> 'bytes')::float8) filter (
                    where jsonb_typeof(result -> 'report' -> 'bytes') = 'number'), 0)::int8 as bytes
            from units where job_id = j.id and state = 'done'
        ) u
        where v.id = :video_id and v.status = 'ready'
        """,
        video_id=video_id,
    )
