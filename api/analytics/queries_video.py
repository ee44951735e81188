"""SQL of what the videos service told us: titles, owners, durations."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from api.database import Queries


@dataclass(frozen=True)
class Video:
    """A row of `video`; owner and duration are 0 when unknown. `bandwidths` in bit/s by rendition."""

    video_id: int
    title: str
    owner_id: int
    duration_ms: int
    known: bool
    audio_only: bool = False
    bandwidths: dict[str, Any] = field(default_factory=dict)


async def videos(db: Queries, video_ids: Collection[int]) -> dict[int, Video]:
    """Those of the videos that were seen or told of."""
    rows = await db.all(
        Video,
        """
        select video_id, title, owner_id, duration_ms, known_at is not null as known, audio_only, bandwidths
        from video
        where video_id = any(:video_ids)
        """,
        video_ids=list(video_ids),
    )
    return {row.video_id: row for row in rows}


async def unknown_videos(db: Queries, limit: int) -> list[int]:
    """Videos that were seen and not yet asked about."""
    found = await db.value(
        """
        select coalesce(array_agg(video_id), '{}')
        from (select video_id from video where known_at is null order by video_id limit :limit) as unknown
        """,
        limit=limit,
    )
    return list(found)


async def owned_videos(db: Queries, owner_id: int) -> list[int]:
    """The videos of a creator."""
    found = await db.value(
        "select coalesce(array_agg(video_id), '{}') from video where owner_id = :owner_id", owner_id=owner_id
    )
    return list(found)


async def expect_videos(db: Queries, video_ids: Collection[int]) -> None:
    """Note videos that were seen for the first time; their facts are asked for later."""
    await db.run(
        """
        insert into video (video_id)
        select distinct video_id from unnest(:video_ids::bigint[]) as seen (video_id) order by video_id
        on conflict (video_id) do nothing
        """,
        video_ids=list(video_ids),
    )


async def expect_owned(db: Queries, owners: Mapping[int, int]) -> None:
    """Note videos of which only the owner was told, by a charge."""
    await db.run(
        """
        insert into video (video_id, owner_id)
        select video_id, owner_id
        from unnest(:video_ids::bigint[], :owner_ids::bigint[]) as told (video_id, owner_id)
        order by video_id
        on conflict (video_id) do update set owner_id = excluded.owner_id
        where video.known_at is null and video.owner_id = 0
        """,
        video_ids=list(owners.keys()),
        owner_ids=list(owners.values()),
    )


async def save_videos(db: Queries, told: Sequence[Video]) -> None:
    """Keep what videos said. Owner and duration hold once known, because numbers were counted by them."""
    rows = sorted(told, key=lambda video: video.video_id)
    await db.run(
        """
        insert into video (video_id, title, owner_id, duration_ms, audio_only, bandwidths, known_at)
        select video_id, title, owner_id, duration_ms, audio_only, bandwidths::jsonb, now()
        from unnest(:video_ids::bigint[], :titles::text[], :owner_ids::bigint[], :durations_ms::bigint[],
            :audio_only::boolean[], :bandwidths::text[])
            as told (video_id, title, owner_id, duration_ms, audio_only, bandwidths)
        on conflict (video_id) do update
        set title = excluded.title,
            owner_id = case when video.known_at is null then excluded.owner_id else video.owner_id end,
            duration_ms = case when video.known_at is null then excluded.duration_ms else video.duration_ms end,
            audio_only = case when video.known_at is null then excluded.audio_only else video.audio_only end,
            bandwidths = case when video.known_at is null then excluded.bandwidths else video.bandwidths end,
            known_at = coalesce(video.known_at, excluded.known_at)
        where video.known_at is null or video.title <> excluded.title
        """,
        video_ids=[video.video_id for video in rows],
        titles=[video.title for video in rows],
        owner_ids=[video.owner_id for video in rows],
        durations_ms=[video.duration_ms for video in rows],
        audio_only=[video.audio_only for video in rows],
        bandwidths=[msgspec.json.encode(video.bandwidths).decode() for video in rows],
    )


async def close_videos(db: Queries, video_ids: Collection[int]) -> None:
    """Give up on videos that were gone before we asked: what was delivered of them is counted without their facts."""
    await db.run(
        "update video set known_at = now() where video_id = any(:video_ids) and known_at is null",
        video_ids=list(video_ids),
    )
