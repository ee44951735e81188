"""The probe unit: from an uploaded file to a plan, its units, and playlists that can be played at once.

A source that cannot be seeked exactly is copied first. A long one is begun from a copy of its first part, and copied
whole by its index unit; both copies hold the same packets at the same times, so segments are the same from either.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from api.clients import NewRendition, NewUnit, Opens, Unit
from media import playlist
from media.encoder import Failed, encode, limits_for
from media.ffmpeg import COPY, copy
from media.formats import MAX_PIXELS, MAX_SECONDS
from media.plan import SOURCE, Plan, Track, from_document, holds, make_plan, to_document
from media.probe import CLOCKED, Refused, SourceInfo, probe, steady_end
from workers.shop import Done, Progress, Shop

# Segments of the first units: the first picture soon, then enough to be worth a process.
RAMP = (1, 2, 5)
FIRST = sum(RAMP)
STEADY = 8
COPIED_RAMP, COPIED_STEADY = (2, 6), 64
SOUND_RAMP, SOUND_STEADY = (1, 7), 60
# Seconds copied before all else, enough for the first units; of shorter films the whole copy takes no longer.
BEGUN_S, LONG_S = 40, 90
INDEX = NewUnit("index", "interactive", [], 0, 0, 0)


@dataclass(frozen=True)
class Planned:
    """What a probe reports: the arguments of `Clients.units_planned`."""

    plan: dict[str, Any]
    renditions: list[NewRendition]
    units: list[NewUnit]


async def plan_film(shop: Shop, unit: Unit, progress: Progress) -> Planned:
    """Probe, copy if the container wants it, plan, publish the planned playlists. Raises Refused, Failed."""
    source = shop.sources / unit.source
    if not source.is_file():
        raise Failed("source_lost", "The uploaded file is gone. Upload it again.", permanent=True)
    info = await probe(source)
    plan = make_plan(info, copied=False) if info.indexed else await _begun(shop, unit, info, progress)
    if plan is None:
        plan = make_plan(await copied(shop, unit, info, progress), copied=True)
    playlist.publish_planned(shop.generation(unit), plan)
    opened = list(units(plan))
    if plan.upload is not None:
        opened = [INDEX, *(unit for unit in opened if unit.queue == "interactive")]
    return Planned(to_document(plan), list(renditions(plan)), opened)


async def index_film(shop: Shop, unit: Unit, progress: Progress) -> Done:
    """Make the copy that a film was begun without, and open what waits for it. Raises Refused, Failed."""
    plan = from_document(unit.plan)
    if plan.upload is None:
        raise Failed("index_unwanted", "This film has its index.", permanent=True)
    measured = make_plan(await copied(shop, unit, plan.upload, progress), copied=True)
    if not holds(plan, measured):
        return Done({"holds": False}, Opens(again=True))
    opened = [later for later in units(plan) if later.queue != "interactive"]
    return Done({"holds": True}, Opens(plan={"upload": None}, units=opened))


async def _begun(shop: Shop, unit: Unit, info: SourceInfo, progress: Progress) -> Plan | None:
    """The plan of a long film from its beginning and the clock at its end; None where it is copied first.

    A film that was begun in vain, as its clock jumps where nobody looked, is copied first the second time.
    """
    if unit.generation > 1 or info.container not in CLOCKED or Fraction(info.seconds) < LONG_S:
        return None
    place = shop.beginning(unit)
    try:
        end, _ = await asyncio.gather(
            steady_end(shop.sources / unit.source, info),
            _copy(shop, unit, info, place, progress, seconds=BEGUN_S),
        )
        told = await probe(place) if end is not None else info
    except (Failed, Refused):
        return None
    if end is None or not told.indexed or Fraction(told.seconds) < BEGUN_S - 1:
        return None
    plan = make_plan(msgspec.structs.replace(told, seconds=str(end)), copied=True)
    return msgspec.structs.replace(plan, upload=info)


async def copied(shop: Shop, unit: Unit, info: SourceInfo, progress: Progress) -> SourceInfo:
    """What the indexed copy is, once it is made. Raises Refused, Failed."""
    place = shop.copy(unit)
    try:
        await _copy(shop, unit, info, place, progress)
    except Failed as failed:
        if not failed.permanent:
            raise
        await _copy(shop, unit, info, place, progress, decode_sound=True)
    info = await probe(place)
    if not info.indexed:
        raise Failed("damaged", "The packets of this file have no usable times.", permanent=True)
    return info


async def _copy(
    shop: Shop,
    unit: Unit,
    info: SourceInfo,
    place: Path,
    progress: Progress,
    *,
    seconds: int = 0,
    decode_sound: bool = False,
) -> None:
    source = shop.sources / unit.source
    limits = limits_for(MAX_SECONDS / 60, MAX_PIXELS, source.stat().st_size)
    arguments = copy(info, source, seconds=seconds, decode_sound=decode_sound)
    reins = shop.reins if unit.kind == "index" else None  # a probe makes way for nobody
    with shop.scratch(unit) as scratch:
        # A hundred gigabytes take longer than a unit may stand still.
        heard = progress.further()
        await encode(shop.ffmpeg, arguments, source, scratch, limits=limits, on_seconds=heard, reins=reins)
        # Not flushed to disk, which takes a second per half gigabyte: a power cut costs the job a retry, not the film.
        place.parent.mkdir(parents=True, exist_ok=True)
        (scratch / COPY).replace(place)


def renditions(plan: Plan) -> Iterator[NewRendition]:
    """Every rendition that is known by now, with its caps."""
    if plan.copy is not None:
        told = playlist.planned_copy(plan.copy)
        yield NewRendition(told.name, "video", told.width, told.height, told.bandwidth, told.codecs)
    for rung in plan.rungs:
        told = playlist.planned(rung)
        yield NewRendition(rung.name, "video", rung.width, rung.height, told.bandwidth, rung.codecs)
    yield from sounds(plan.tracks)


def sounds(tracks: Sequence[Track]) -> Iterator[NewRendition]:
    for track in tracks:
        told = playlist.planned_track(track)
        yield NewRendition(track.name, "audio", 0, 0, told.bandwidth, told.codecs, track.language)


def units(plan: Plan) -> Iterator[NewUnit]:
    """What plays at once for the interactive workers; the ladder, in one decode, once it has been surveyed.

    What nobody may ever want (the source's own pictures, sound that may be levelled) is made when a viewer asks, and so
    is the ladder until the survey. Rank 0 of every film goes before rank 1 of any: a short film waits for no long one.
    """
    for track in plan.tracks:
        yield from _soon("audio", track.name, plan.segments, (FIRST,) if track.copied else SOUND_RAMP, SOUND_STEADY)
    if plan.copy is not None:
        yield from _soon("copy", SOURCE, len(plan.copy.cuts) - 1, COPIED_RAMP, COPIED_STEADY)
    else:
        for rank, (first, end) in enumerate(spans(min(FIRST, plan.segments), RAMP), 1):
            yield NewUnit("video", "interactive", [plan.instant], first, end, rank)
    yield NewUnit("survey", "batch", [], 0, 0, 0)
    if plan.tracks:
        yield NewUnit("loudness", "batch", [], 0, 0, 0)
    everything = [rung.name for rung in plan.rungs]
    tiles = list(spans(plan.segments, ()))
    for rank, (first, end) in enumerate(tiles, 1):
        begun = plan.copy is None and first < FIRST
        yield NewUnit("video", "held", [n for n in everything if not begun or n != plan.instant], first, end, rank)
    # After its own film, not after everybody's: a film is not ready without.
    yield NewUnit("extras", "batch", [], 0, 0, len(tiles) + 1)


def _soon(kind: str, name: str, segments: int, ramp: tuple[int, ...], steady: int) -> Iterator[NewUnit]:
    """The beginning of a rendition at once, the rest when somebody asks for it."""
    for number, (first, end) in enumerate(spans(segments, ramp, steady)):
        yield NewUnit(kind, "interactive" if number < len(ramp) else "held", [name], first, end, 2 * number)


def spans(segments: int, ramp: tuple[int, ...], steady: int = STEADY) -> Iterator[tuple[int, int]]:
    """[first, end) of units that tile `segments`, in sizes of `ramp` and then steady ones."""
    first = 0
    for number in range(segments):
        if first >= segments:
            return
        end = min(segments, first + (ramp[number] if number < len(ramp) else steady))
        yield first, end
        first = end
