"""Statements about videos and their renditions, on `streamify_video`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.clients import VideoFacts
from api.database import Queries


@dataclass(frozen=True)
class Video:
    """Everything a page shows of a video. `renditions` are those of the published generation."""

    id: int
    title: str
    description: str
    category: str
    duration: int
    duration_ms: int
    price_per_minute: int
    preview_ms: int
    filename: str
    uploaded_by: int
    status: str
    progress: float
    visibility: str
    error_code: str | None
    error_message: str | None
    generation: int
    poster: bool
    poster_revision: int
    storyboard: bool
    renditions: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime
    playable_at: datetime | None
    ready_at: datetime | None


@dataclass(frozen=True)
class Fields:
    """What the owner may change."""

    title: str
    description: str
    category: str
    price_per_minute: int
    preview_ms: int
    visibility: str
    level_sound: bool


@dataclass(frozen=True)
class Wanted:
    """A page of the catalogue: LIKE `patterns` that must all match, "" for any category."""

    everything: bool
    patterns: Sequence[str]
    category: str
    uploaded_by: int | None
    sort: str
    skip: int
    limit: int


@dataclass(frozen=True)
class Page:
    total: int
    ids: list[int]


@dataclass(frozen=True)
class Category:
    name: str
    videos: int


async def add_video(
    db: Queries, fields: Fields, *, search_text: str, filename: str, uploaded_by: int, source: str, status: str
) -> int:
    """A new video; gives its id."""
    return await db.value(
        """
        insert into videos (title, description, category, price_per_minute, preview_ms, visibility, level_sound,
            search_text, filename, uploaded_by, source, status)
        values (:title, :description, :category, :price_per_minute, :preview_ms, :visibility, :level_sound,
            :search_text, :filename, :uploaded_by, :source, :status)
        returning id
        """,
        **vars(fields),
        search_text=search_text,
        filename=filename,
        uploaded_by=uploaded_by,
        source=source,
        status=status,
    )


async def find(db: Queries, wanted: Wanted) -> Page:
    """One page of ids and how many match in all; unless `everything`, only what is public and plays."""
    return await db.one(
        Page,
        """
        with matching as (
            select * from videos
            where (:everything::boolean or (visibility = 'public' and status in ('playable', 'ready')))
              and (:uploaded_by::int is null or uploaded_by = :uploaded_by)
              and (:category::text = '' or category = :category)
              and search_text like all (:patterns::text[])
        )
        select (select count(*) from matching) as total,
            array(
                select id from matching
                order by
                    case when :sort::text = 'newest' then created_at end desc,
                    case when :sort = 'popular' then view_count end desc,
                    case when :sort = 'title' then search_text end,
                    case :sort when 'duration' then duration_ms when 'price' then price_per_minute end,
                    id desc
                limit :limit offset :skip
            ) as ids
        """,
        **vars(wanted),
    )


async def videos(db: Queries, ids: Sequence[int]) -> list[Video]:
    """Videos by id, in no order. `progress` is the share of segments made, over all renditions of the job."""
    return await db.all(
        Video,
        """
        select v.id, v.title, v.description, v.category, v.duration, v.duration_ms, v.price_per_minute, v.filename,
            v.uploaded_by, v.status, v.visibility, v.error_code, v.error_message, v.generation, v.poster,
            v.poster_revision, v.storyboard, v.preview_ms,
            v.created_at, v.updated_at, v.playable_at, v.ready_at,
            case v.status when 'ready' then 1 else coalesce(p.progress, 0) end::float8 as progress,
            coalesce(r.renditions, '[]') as renditions
        from videos v
        left join job_progress p on p.video_id = v.id
        left join lateral (
            select jsonb_agg(jsonb_build_object('name', n.name, 'width', n.width, 'height', n.height,
                'bandwidth', n.bandwidth, 'codecs', n.codecs, 'complete', n.complete) order by n.height, n.name)
                as renditions
            from renditions n where n.video_id = v.id and n.generation = v.generation
        ) r on true
        where v.id = any(:ids::int[])
        """,
        ids=ids,
    )


async def chapters(db: Queries, video_id: int) -> list[dict[str, Any]]:
    """Of the film as it was planned, in the order of time."""
    return await db.value(
        """
        select coalesce(jsonb_agg(jsonb_build_object('start_ms', c->'start_ms', 'end_ms', c->'end_ms',
            'title', c->'title') order by n), '[]')
        from jobs j, jsonb_array_elements(coalesce(j.plan->'chapters', '[]')) with ordinality as chapter (c, n)
        where j.video_id = :video_id
        """,
        video_id=video_id,
    )


async def facts(db: Queries, ids: Sequence[int]) -> list[VideoFacts]:
    """What other services need to know."""
    return await db.all(
        VideoFacts,
        """
        select v.id, v.title, v.uploaded_by, v.price_per_minute, v.duration_ms, v.status, v.visibility, v.generation,
            v.preview_ms, coalesce(r.audio_only, false) as audio_only, coalesce(r.bandwidths, '{}') as bandwidths
        from videos v
        left join lateral (
            select bool_and(n.kind <> 'video') and bool_or(n.kind = 'audio') as audio_only,
                jsonb_object_agg(n.name, n.bandwidth) filter (where n.kind in ('video', 'audio')) as bandwidths
            from renditions n where n.video_id = v.id and n.generation = v.generation
        ) r on true
        where v.id = any(:ids::int[]) order by v.id
        """,
        ids=ids,
    )


async def lock_fields(db: Queries, video_id: int) -> Fields | None:
    """What may be changed, kept from others until the transaction ends."""
    return await db.maybe(
        Fields,
        """
        select title, description, category, price_per_minute, preview_ms, visibility, level_sound
        from videos where id = :video_id for update
        """,
        video_id=video_id,
    )


async def change_video(db: Queries, video_id: int, fields: Fields, search_text: str) -> None:
    """Store what the owner changed."""
    await db.run(
        """
        update videos
        set title = :title, description = :description, category = :category, price_per_minute = :price_per_minute,
            preview_ms = :preview_ms, visibility = :visibility, level_sound = :level_sound,
            search_text = :search_text, updated_at = now()
        where id = :video_id
        """,
        **vars(fields),
        search_text=search_text,
        video_id=video_id,
    )


async def categories(db: Queries) -> list[Category]:
    """Categories in which something public plays, with how many do."""
    return await db.all(
        Category,
        """
        select category as name, count(*) as videos from videos
        where category <> '' and visibility = 'public' and status in ('playable', 'ready')
        group by category order by category
        """,
    )


async def count_play(db: Queries, video_id: int) -> int:
    """One more playback; 0 when there is no such video."""
    return await db.run("update videos set view_count = view_count + 1 where id = :video_id", video_id=video_id)


async def queue_video(db: Queries, video_id: int) -> None:
    """The source is whole: a job is open for it."""
    await db.run(
        """
        update videos set status = 'queued', error_code = null, error_message = null, updated_at = now()
        where id = :video_id
        """,
        video_id=video_id,
    )


async def publish_video(db: Queries, video_id: int, generation: int, duration_ms: int) -> None:
    """A generation can be played from now on."""
    await db.run(
        """
        update videos set status = 'playable', generation = :generation, duration_ms = :duration_ms,
            playable_at = coalesce(playable_at, now()), updated_at = now()
        where id = :video_id
        """,
        video_id=video_id,
        generation=generation,
        duration_ms=duration_ms,
    )


async def finish_video(db: Queries, video_id: int, *, poster: bool, storyboard: bool) -> None:
    """The whole ladder is there, and a poster and a storyboard or none."""
    await db.run(
        """
        update videos
        set status = 'ready', poster = :poster, storyboard = :storyboard, ready_at = now(), updated_at = now()
        where id = :video_id
        """,
        video_id=video_id,
        poster=poster,
        storyboard=storyboard,
    )


async def fail_video(db: Queries, video_id: int, code: str, message: str) -> None:
    """It will not play, and why."""
    await db.run(
        """
        update videos set status = 'failed', error_code = :code, error_message = :message, updated_at = now()
        where id = :video_id
        """,
        video_id=video_id,
        code=code,
        message=message,
    )


async def delete_video(db: Queries, video_id: int) -> str | None:
    """Drop a video and all its rows; gives the name of its source, None when it was gone. Lock its units first."""
    return await db.value("delete from videos where id = :video_id returning source", video_id=video_id)
