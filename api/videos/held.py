"""Segments that do not exist yet: a request for one puts its unit at the head of the queue and waits for the file."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from api.database import Database
from api.problems import NotFound, Problem
from api.videos import queries_held as queries
from api.videos.bells import Bells
from media.segment import RENDITION, BadSegment, parse_name

# hls.js gives up after 10 s.
PATIENCE_S = 8.0
LOOK_EVERY_S = 0.05
# How often a waiting request says that it still waits, and for how long one saying holds.
SAY_EVERY_S = 1.0
HELD_S = 3.0
MOST_WAITING = 400

_RENDITION = re.compile(RENDITION)
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class NoSegment(NotFound):
    detail = "There is no such segment."


class NotReady(Problem):
    code, status = "not_ready", 503
    detail = "This part of the film is still being prepared. Try again in a moment."


@dataclass(frozen=True)
class Place:
    """Where a segment (or, `index` None, an init segment) is to appear: `path` is below the media root."""

    video_id: int
    generation: int
    rendition: str
    index: int | None
    path: str


def parse(video: str, generation: str, rendition: str, file: str) -> Place:
    """The four parts of a media path; raises NoSegment for what no worker of ours would write."""
    if not (_NUMBER.fullmatch(video) and _NUMBER.fullmatch(generation) and _RENDITION.fullmatch(rendition)):
        raise NoSegment
    try:
        index = None if file == "init.mp4" else parse_name(file).index
    except BadSegment as error:
        raise NoSegment from error
    return Place(int(video), int(generation), rendition, index, f"{video}/{generation}/{rendition}/{file}")


async def wait(db: Database, bells: Bells, media: Path, place: Place, gone: Callable[[], Awaitable[bool]]) -> None:
    """Return once the file is there. Raises NoSegment, or NotReady after 8 s or when the client is `gone`."""
    path, deadline = media / place.path, time.monotonic() + PATIENCE_S
    while not _there(path):
        if time.monotonic() >= deadline or await gone():
            raise NotReady(retry_after=1)
        await _hurry(db, bells, path, place)
        await _appears(path, min(deadline, time.monotonic() + SAY_EVERY_S))


async def _hurry(db: Database, bells: Bells, path: Path, place: Place) -> None:
    """See to it that the file is made soon; raises NoSegment when it never will be."""
    unit = await queries.wanted(db, place.video_id, place.generation, place.rendition, place.index)
    if unit is None or unit.job_state in ("failed", "cancelled"):
        raise NoSegment
    if unit.state == "done" and not _there(path):
        raise NoSegment
    if unit.state != "queued":
        return
    if unit.held:
        await queries.hold(db, unit.id, HELD_S)
    elif await _jump(db, unit.id, place.index):
        await bells.ring(["interactive"])


async def _jump(db: Database, unit_id: int, index: int | None) -> bool:
    """Hold a unit from `index` on, as a unit of its own when it begins earlier. False when somebody just took it."""
    async with db.transaction() as tx:
        span = await queries.lock_span(tx, unit_id)
        if span is None:
            return False
        if span.kind == "video" and index is not None and span.first_segment < index < span.end_segment:
            head_id, unit_id = unit_id, await queries.add_tail(tx, unit_id, index)
            await queries.shorten(tx, head_id, index)
        return await queries.hold(tx, unit_id, HELD_S)


async def _appears(path: Path, until: float) -> None:
    # A worker on another machine writes the file: there is no event to wait for.
    while not _there(path) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)


def _there(path: Path) -> bool:
    return path.is_file()
