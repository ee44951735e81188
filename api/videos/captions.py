"""Captions of a video: taken from the uploader's file, shown to people, handed to workers, settled when published.

A change counts at once; players get it when a worker has published it, by the finish or by a unit of its own.
"""

import asyncio
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict

from api.database import Connection, Database
from api.identity import User
from api.problems import InvalidRequest, NotFound, Problem
from api.queue import QueueName
from api.videos import queries_captions as queries
from api.videos import queries_later, video
from api.videos.bells import Bells
from api.videos.fields import Label
from api.videos.queries_job import LockedJob
from media.language import UNKNOWN, language_name, language_tag
from media.webvtt import Unreadable, document, understood

MAX_BYTES = 2 << 20
MOST_LANGUAGES = 50
# Of one video: workers are handed all of them at once.
MOST_BYTES = 32 << 20


class BadCaptions(Problem):
    code, status = "bad_captions", 422
    detail = "No captions could be read in this file. Send SRT or WebVTT."


class TooMany(Problem):
    code, status = "too_many_captions", 409
    detail = f"A video has captions in at most {MOST_LANGUAGES} languages, 32 MB of them in all. Remove some first."


class NoCaptions(NotFound):
    detail = "This video has no captions in this language."


class Wanted(BaseModel):
    """The query string: `label` is what viewers choose, `sdh` that sounds are described too."""

    model_config = ConfigDict(extra="forbid")

    label: Label = ""
    sdh: bool = False


class Published(msgspec.Struct, frozen=True):
    """What this service reads of the result of a publication: revisions by language."""

    captions: dict[str, int] = {}


async def put(
    db: Database, bells: Bells, user: User, video_id: int, language: str, *, wanted: Wanted, data: bytes
) -> dict[str, object]:
    """Captions from a file of SRT or WebVTT. Raises NoVideo, NotYours, InvalidRequest, BadCaptions, TooMany."""
    await video.check_owner(db, user, video_id)
    tag = _tag(language)
    text, cues, dropped = await asyncio.to_thread(_understood, data, tag)
    async with db.transaction() as tx:
        film = await _lock(tx, video_id)
        others = await queries.others(tx, video_id, tag)
        if others.languages >= MOST_LANGUAGES or others.size_bytes + len(text.encode()) > MOST_BYTES:
            raise TooMany
        await queries.put(tx, video_id, tag, label=wanted.label or _own_name(tag), sdh=wanted.sdh, document=text)
        rung = await _publish(tx, film)
    await bells.ring(rung)
    items = await video.captions_of(db, video_id)
    return {"language": tag, "cues": cues, "dropped": dropped, "items": items}


async def delete(db: Database, bells: Bells, user: User, video_id: int, language: str) -> dict[str, object]:
    """Captions of one language. Raises NoVideo, NotYours, InvalidRequest, NoCaptions."""
    await video.check_owner(db, user, video_id)
    tag = _tag(language)
    async with db.transaction() as tx:
        film = await _lock(tx, video_id)
        if not await queries.drop(tx, video_id, tag):
            raise NoCaptions
        rung = await _publish(tx, film)
    await bells.ring(rung)
    return {"items": await video.captions_of(db, video_id)}


async def settle(tx: Connection, its_job: LockedJob, result: dict[str, Any]) -> list[QueueName]:
    """A worker has published captions: with what has changed since, do it again. Gives the queues to ring for."""
    try:
        published = msgspec.convert(result, Published)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=[{"field": "result", "message": str(error)}]) from error
    if await queries.settle(tx, its_job.video_id, published.captions):
        return []
    await queries_later.open_later(tx, its_job.id, "captions")
    return ["interactive"]


def _understood(data: bytes, tag: str) -> tuple[str, int, int]:
    """The document, its cues, and how many were dropped. Most of a second for the worst file: not for the loop."""
    try:
        found = understood(data, tag)
    except Unreadable as unreadable:
        raise BadCaptions(str(unreadable)) from unreadable
    return document(found.cues), len(found.cues), found.dropped


async def _lock(tx: Connection, video_id: int) -> queries_later.Film:
    await queries_later.lock_job(tx, video_id)
    film = await queries_later.lock_film(tx, video_id)
    if film is None:
        raise video.NoVideo
    return film


async def _publish(tx: Connection, film: queries_later.Film) -> list[QueueName]:
    """Of a film that is not done yet, the finish does it."""
    if film.job_id is None or film.job_state != "done":
        return []
    await queries_later.open_later(tx, film.job_id, "captions")
    return ["interactive"]


def _tag(language: str) -> str:
    """RFC 5646, as our renditions are named; raises InvalidRequest."""
    tag = language_tag(language)
    if tag == UNKNOWN:
        message = "must be a language tag like de, pt-br or zh-hant"
        raise InvalidRequest(errors=[{"field": "language", "message": message}])
    return tag


def _own_name(tag: str) -> str:
    name = language_name(tag)
    return f"{name} ({tag})" if name and "-" in tag else name or tag
