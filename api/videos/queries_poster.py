"""Statements about posters that people chose, on `streamify_video`."""

from api.database import Queries
from api.wire import Poster


async def wanted(db: Queries, video_id: int) -> Poster | None:
    """The poster a video is to have; None for the one that was found for it."""
    return await db.maybe(
        Poster, "select revision, source, at_ms from posters where video_id = :video_id", video_id=video_id
    )


async def put(db: Queries, video_id: int, *, source: str | None, at_ms: int | None) -> int:
    """Another poster; gives its revision."""
    return await db.value(
        """
        insert into posters (video_id, source, at_ms, revision)
        values (:video_id, :source, :at_ms, nextval('revisions'))
        on conflict (video_id) do update
        set source = excluded.source, at_ms = excluded.at_ms, revision = excluded.revision
        returning revision
        """,
        video_id=video_id,
        source=source,
        at_ms=at_ms,
    )


async def drop(db: Queries, video_id: int, revision: int) -> str | None:
    """Want it no more; gives the name of its file."""
    return await db.value(
        "delete from posters where video_id = :video_id and revision = :revision returning source",
        video_id=video_id,
        revision=revision,
    )


async def settle(db: Queries, video_id: int, revision: int) -> None:
    """It is what pages show from now on."""
    await db.run(
        """
        update videos v set poster = true, poster_revision = p.revision, updated_at = now()
        from posters p where v.id = :video_id and p.video_id = v.id and p.revision = :revision
        """,
        video_id=video_id,
        revision=revision,
    )


async def is_settled(db: Queries, video_id: int) -> bool:
    """Whether a video has the poster it is to have."""
    return await db.value(
        """
        select not exists (
            select from posters p join videos v on v.id = p.video_id
            where v.id = :video_id and p.revision <> v.poster_revision
        )
        """,
        video_id=video_id,
    )
