"""The poster of a video: a picture somebody sends, or one of the film's own; a worker makes and publishes it.

The picture is a stranger's file and stays unopened here. Of a film that is not done yet, the poster waits for it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.database import Connection, Database
from api.identity import User
from api.problems import InvalidRequest, Problem
from api.queue import QueueName
from api.videos import queries_later, queries_removal, video
from api.videos import queries_poster as queries
from api.videos.bells import Bells
from api.videos.queries_job import LockedJob
from api.videos.source import Sources, writing
from media.formats import image_demuxer

MAX_BYTES = 10 << 20
HEAD_BYTES = 12
# How long a request waits to hear what has become of the picture.
PATIENCE_S = 6.0
LOOK_EVERY_S = 0.1
# A crash on the way leaves a file that no row names; no picture takes this long.
ABANDONED_S = 3600.0
# A worker may still be at the picture that another one takes the place of.
REPLACED_S = 300.0


class NotAnImage(Problem):
    code, status = "unsupported_media", 415
    detail = "This is not a picture we can read. Send JPEG, PNG or WebP."


class Unusable(Problem):
    code, status = "unusable_image", 422
    detail = "No poster could be made of this picture. Send another one."


class Moment(BaseModel):
    """The film's own picture at a time."""

    model_config = ConfigDict(extra="forbid", strict=True)

    at_ms: int = Field(ge=0, le=2_000_000_000)


async def choose(db: Database, bells: Bells, user: User, video_id: int, moment: Moment) -> None:
    """Raises NoVideo, NotYours, InvalidRequest past the film's end, Unusable."""
    await video.check_owner(db, user, video_id)
    async with db.transaction() as tx:
        await queries_later.lock_job(tx, video_id)
        film = await queries_later.lock_film(tx, video_id)
        if film is not None and 0 < film.duration_ms <= moment.at_ms:
            message = f"must be less than {film.duration_ms}, where the film ends"
            raise InvalidRequest(errors=[{"field": "at_ms", "message": message}])
        revision, unit_id = await _put(tx, video_id, film, source=None, at_ms=moment.at_ms)
    await _made(db, bells, video_id, revision, unit_id)


async def upload(
    db: Database, bells: Bells, sources: Sources, user: User, video_id: int, *, chunks: AsyncIterator[bytes]
) -> None:
    """Raises NoVideo, NotYours, NotAnImage, Unusable, StorageFull, and what `chunks` raises when they are cut short."""
    await video.check_owner(db, user, video_id)
    source, kept = sources.new_name(), False
    removal_id = await queries_removal.add_removal(db, source=source, due_s=ABANDONED_S)
    try:
        await _receive(sources, source, chunks)
        async with db.transaction() as tx:
            await queries_later.lock_job(tx, video_id)
            film = await queries_later.lock_film(tx, video_id)
            revision, unit_id = await _put(tx, video_id, film, source=source, at_ms=None)
            await queries_removal.drop_removals(tx, [removal_id])
        kept = True
    finally:
        if not kept:
            await asyncio.to_thread(sources.remove, source)
            await queries_removal.drop_removals(db, [removal_id])
    await _made(db, bells, video_id, revision, unit_id)


async def settle(tx: Connection, its_job: LockedJob, result: dict[str, Any]) -> None:
    """A worker has published the poster of a revision."""
    if isinstance(revision := result.get("poster_revision"), int):
        await queries.settle(tx, its_job.video_id, revision)


async def open_later(tx: Connection, its_job: LockedJob) -> list[QueueName]:
    """The film is done: now its poster, if somebody chose one. Gives the queues to ring for."""
    if await queries.is_settled(tx, its_job.video_id):
        return []
    await queries_later.open_later(tx, its_job.id, "poster")
    return ["interactive"]


async def _receive(sources: Sources, source: str, chunks: AsyncIterator[bytes]) -> None:
    sources.check_room(MAX_BYTES)
    head = b""
    async with writing(sources.path(source), 0) as file:
        async for chunk in chunks:
            head = (head + chunk)[:HEAD_BYTES] if len(head) < HEAD_BYTES else head
            if len(head) == HEAD_BYTES and image_demuxer(head) is None:
                raise NotAnImage
            await file.write(chunk)
        if len(head) < HEAD_BYTES:
            raise NotAnImage
        await file.sync()


async def _put(
    tx: Connection, video_id: int, film: queries_later.Film | None, *, source: str | None, at_ms: int | None
) -> tuple[int, int | None]:
    """Gives the revision, and the unit that publishes it unless the finish of the film opens that."""
    if film is None:
        raise video.NoVideo
    before = await queries.wanted(tx, video_id)
    if before is not None and before.source is not None:
        await queries_removal.add_removal(tx, source=before.source, due_s=REPLACED_S)
    revision = await queries.put(tx, video_id, source=source, at_ms=at_ms)
    if film.job_id is None or film.job_state != "done":
        return revision, None
    return revision, await queries_later.open_later(tx, film.job_id, "poster")


async def _made(db: Database, bells: Bells, video_id: int, revision: int, unit_id: int | None) -> None:
    """Ring, and wait a while for what comes of it; raises Unusable, with the request forgotten."""
    if unit_id is None:
        return
    await bells.ring(["interactive"])
    deadline = time.monotonic() + PATIENCE_S
    ended = await queries_later.ended(db, unit_id)
    while ended is not None and ended.state in ("queued", "running") and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_EVERY_S)
        ended = await queries_later.ended(db, unit_id)
    if ended is None or ended.state in ("queued", "running") or "code" not in ended.result:
        return
    async with db.transaction() as tx:
        source = await queries.drop(tx, video_id, revision)
        if source is not None:
            await queries_removal.add_removal(tx, source=source)
    raise Unusable(str(ended.result.get("message") or Unusable.detail))
