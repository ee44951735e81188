"""Statements about captions, on `streamify_video`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.database import Queries
from media.webvtt import Captions


@dataclass(frozen=True)
class Listed:
    """Captions as a page names them; `published` is the revision that players get, 0 while they get none."""

    video_id: int
    language: str
    label: str
    sdh: bool
    published: int


@dataclass(frozen=True)
class Others:
    """How much there is in other languages."""

    languages: int
    size_bytes: int


async def listed(db: Queries, ids: Sequence[int]) -> list[Listed]:
    """The captions of videos."""
    return await db.all(
        Listed,
        """
        select video_id, language, label, sdh, published from captions
        where video_id = any(:ids::int[]) order by video_id, language
        """,
        ids=ids,
    )


async def captions(db: Queries, video_id: int) -> list[Captions]:
    """All captions of a video with what they say."""
    return await db.all(
        Captions,
        "select language, label, sdh, revision, document from captions where video_id = :video_id order by language",
        video_id=video_id,
    )


async def others(db: Queries, video_id: int, language: str) -> Others:
    """What a video has beside one language."""
    return await db.one(
        Others,
        """
        select count(*) as languages, coalesce(sum(octet_length(document)), 0)::int8 as size_bytes
        from captions where video_id = :video_id and language <> :language
        """,
        video_id=video_id,
        language=language,
    )


async def put(db: Queries, video_id: int, language: str, *, label: str, sdh: bool, document: str) -> None:
    """Captions of a language, in place of those there were."""
    await db.run(
        """
        insert into captions (video_id, language, label, sdh, document, revision)
        values (:video_id, :language, :label, :sdh, :document, nextval('revisions'))
        on conflict (video_id, language) do update
        set label = excluded.label, sdh = excluded.sdh, document = excluded.document, revision = excluded.revision
        """,
        video_id=video_id,
        language=language,
        label=label,
        sdh=sdh,
        document=document,
    )


async def drop(db: Queries, video_id: int, language: str) -> int:
    """0 when there were none."""
    return await db.run(
        "delete from captions where video_id = :video_id and language = :language", video_id=video_id, language=language
    )


async def settle(db: Queries, video_id: int, published: Mapping[str, int]) -> bool:
    """Languages and revisions that players get from now on; gives whether those are what the video has."""
    await db.run(
        """
        update captions c set published = c.revision
        from unnest(:languages::text[], :revisions::bigint[]) p (language, revision)
        where c.video_id = :video_id and c.language = p.language and c.revision = p.revision
        """,
        video_id=video_id,
        languages=list(published),
        revisions=list(published.values()),
    )
    wanted = await db.value(
        "select coalesce(jsonb_object_agg(language, revision), '{}') from captions where video_id = :video_id",
        video_id=video_id,
    )
    return wanted == published
