"""Statements about renditions, on `streamify_video`."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.clients import NewRendition
from api.database import Queries


@dataclass(frozen=True)
class Measured:
    """Peak bit/s of an encoded rendition."""

    name: str
    bandwidth: int


async def add_renditions(db: Queries, video_id: int, generation: int, renditions: Sequence[NewRendition]) -> None:
    """The renditions a plan promises; of one promised before, what is known by now."""
    rows = [
        {
            "video_id": video_id,
            "generation": generation,
            "name": r.name,
            "kind": r.kind,
            "width": r.width,
            "height": r.height,
            "bandwidth": r.bandwidth,
            "codecs": r.codecs,
            "language": r.language,
        }
        for r in renditions
    ]
    await db.many(
        """
        insert into renditions (video_id, generation, name, kind, width, height, bandwidth, codecs, language)
        values (:video_id, :generation, :name, :kind, :width, :height, :bandwidth, :codecs, :language)
        on conflict (video_id, generation, name) do update
        set width = excluded.width, height = excluded.height, bandwidth = excluded.bandwidth, codecs = excluded.codecs,
            language = excluded.language
        """,
        rows,
    )


async def measure(db: Queries, video_id: int, generation: int, measured: Sequence[Measured]) -> None:
    """What renditions turned out to need, in place of what was planned; they are whole."""
    await db.many(
        """
        update renditions set bandwidth = :bandwidth, complete = true
        where video_id = :video_id and generation = :generation and name = :name
        """,
        [vars(m) | {"video_id": video_id, "generation": generation} for m in measured],
    )


async def drop_older(db: Queries, video_id: int, generation: int) -> None:
    """Forget the renditions of generations before this one."""
    await db.run(
        "delete from renditions where video_id = :video_id and generation < :generation",
        video_id=video_id,
        generation=generation,
    )


async def drop(db: Queries, video_id: int, generation: int, names: Sequence[str]) -> list[str]:
    """Forget renditions; gives the names of those there were."""
    return await db.value(
        """
        with gone as (
            delete from renditions
            where video_id = :video_id and generation = :generation and name = any(:names::text[])
            returning name
        )
        select array(select name from gone order by name)
        """,
        video_id=video_id,
        generation=generation,
        names=names,
    )


async def complete(db: Queries, job_id: int) -> None:
    """Mark the renditions of a job all of whose units are done."""
    await db.run(
        """
        update renditions r set complete = true
        from jobs j
        where j.id = :job_id and r.video_id = j.video_id and r.generation = j.generation and not r.complete
          and (
              select bool_and(u.state = 'done') from units u
              where u.job_id = j.id and u.makes_segments and r.name = any(u.renditions)
          )
        """,
        job_id=job_id,
    )
