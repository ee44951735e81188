"""Segments that do not exist yet: a request for one puts its unit at the head of the queue and waits for the file."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from api.database import Connection, Database
from api.problems import NotFound, Problem
from api.videos import queries_held as queries
from api.videos.bells import Bells
from api.videos.carving import Piece, carve, is_near, is_small
from media.playlist import INDEX
from media.segment import FILM, BadSegment, parse_name

# hls.js gives up after 10 s.
PATIENCE_S = 8.0
LOOK_EVERY_S = 0.05
# How often a waiting request says that it still waits, and for how long one saying holds.
SAY_EVERY_S = 1.0
HELD_S = 3.0
# How often it looks whether the index is there that the rest of a film waits for.
INDEXED_S = 0.1
MOST_WAITING = 400
# One player waits for a picture segment, a sound segment and their beginnings; twice, when it changes renditions.
MOST_OF_SESSION = 12
PAUSED_S = 30

_FILM = re.compile(FILM)
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
    if not (_NUMBER.fullmatch(video) and _NUMBER.fullmatch(generation) and _FILM.fullmatch(rendition)):
        raise NoSegment
    try:
        index = None if file == "init.mp4" else parse_name(file).index
    except BadSegment as error:
        raise NoSegment from error
    return Place(int(video), int(generation), rendition, index, f"{video}/{generation}/{rendition}/{file}")


async def wait(db: Database, bells: Bells, media: Path, place: Place, gone: Callable[[], Awaitable[bool]]) -> None:
    """Return once the file is there. Raises NoSegment, or NotReady after 8 s or when the client is `gone`."""
    path, deadline = media / place.path, time.monotonic() + PATIENCE_S
    # Only what a playlist names is made on demand: a rung that is still to be surveyed would come out differently.
    if not _there(path.parent / INDEX):
        raise NoSegment
    while not _there(path):
        if time.monotonic() >= deadline or await gone():
            raise NotReady(retry_after=1)
        holds_s = await hurry(db, bells, path, place)
        await _appears(path, min(deadline, time.monotonic() + holds_s))


async def hurry(db: Database, bells: Bells, path: Path, place: Place) -> float:
    """See to it that the file is made soon; gives for how many seconds that has been said.

    Raises NoSegment when it never will be, NotReady while people pause it.
    """
    unit = await _unit(db, place)
    if unit is None and (state := await queries.begun(db, place.video_id, place.generation)):
        if state == "paused":
            raise NotReady(retry_after=PAUSED_S)
        return INDEXED_S
    unit = unit or await _unit(db, place)  # its index may have ended in this very moment
    if unit is None or unit.job_state in ("failed", "cancelled"):
        raise NoSegment
    if unit.state == "done" and not _there(path):
        raise NoSegment
    if unit.job_state == "paused" and not _there(path):
        raise NotReady(retry_after=PAUSED_S)
    if unit.state in ("queued", "running") and await _jump(db, unit.id, place):
        await bells.ring(["interactive"])
    return SAY_EVERY_S


async def _unit(db: Database, place: Place) -> queries.Wanted | None:
    return await queries.wanted(db, place.video_id, place.generation, place.rendition, place.index)


async def _jump(db: Database, unit_id: int, place: Place) -> bool:
    """Have what is waited for made next; gives whether that is news. A running unit is shortened if it is far away."""
    async with db.transaction() as tx:
        span = await queries.lock_span(tx, unit_id)
        if span is None:
            return False
        unit = Piece(span.renditions, span.first_segment, span.end_segment)
        index = unit.first if place.index is None else place.index
        if not unit.first <= index < unit.end or place.rendition not in unit.renditions:
            return False  # somebody else has just carved it: look again
        if span.state == "running" and is_near(unit, span.done_segments, span.speed, index):
            return False
        next_anyway = span.held or (span.interactive and index == unit.first)
        if span.state == "queued" and next_anyway and is_small(unit, place.rendition):
            await queries.hold(tx, unit_id, HELD_S)
            return not span.held
        await _place(tx, unit_id, carve(unit, place.rendition, index))
    return True


async def _place(tx: Connection, unit_id: int, pieces: list[Piece]) -> None:
    """The first piece is what becomes of the unit, the others are new."""
    await queries.cut(tx, unit_id, pieces[0].renditions, pieces[0].first, pieces[0].end)
    made = [unit_id]
    for piece in pieces[1:]:
        made.append(await queries.add_piece(tx, unit_id, piece.renditions, piece.first, piece.end))
    for piece, piece_id in zip(pieces, made, strict=True):
        if piece.wanted or piece.soon:
            await queries.hold(tx, piece_id, HELD_S if piece.wanted else 0)


async def _appears(path: Path, until: float) -> None:
    # A worker on another machine writes the file: there is no event to wait for.
    while not _there(path) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)


def _there(path: Path) -> bool:
    return path.is_file()
