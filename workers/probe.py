"""The probe unit: from an uploaded file to a plan, its units, and playlists that can be played at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api.clients import NewRendition, NewUnit, Unit
from media import playlist
from media.encoder import Failed, encode, limits_for
from media.ffmpeg import Arguments, copy
from media.formats import MAX_PIXELS, MAX_SECONDS
from media.plan import SOURCE, Plan, Track, make_plan, to_document
from media.probe import SourceInfo, probe
from workers.shop import Progress, Shop

# Segments of the first units: the first picture soon, then enough to be worth a process.
RAMP = (1, 2, 5)
FIRST = sum(RAMP)
STEADY = 8
COPIED_RAMP, COPIED_STEADY = (2, 6), 64
SOUND_RAMP, SOUND_STEADY = (1, 7), 60


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
    copied = not info.indexed
    if copied:
        info = await _copied(shop, unit, info, progress)
    plan = make_plan(info, copied=copied)
    playlist.publish_planned(shop.generation(unit), plan)
    return Planned(to_document(plan), list(renditions(plan)), list(units(plan)))


async def _copied(shop: Shop, unit: Unit, info: SourceInfo, progress: Progress) -> SourceInfo:
    source, place = shop.sources / unit.source, shop.copy(unit)
    limits = limits_for(MAX_SECONDS / 60, MAX_PIXELS, source.stat().st_size)

    async def make(arguments: Arguments) -> None:
        # A hundred gigabytes take longer than a unit may stand still.
        await encode(shop.ffmpeg, arguments, source, scratch, limits=limits, on_seconds=progress.further())

    with shop.scratch(unit) as scratch:
        try:
            await make(copy(info, source))
        except Failed as failed:
            if not failed.permanent:
                raise
            await make(copy(info, source, decode_sound=True))
        # Not flushed to disk, which takes a second per half gigabyte: a power cut costs the job a retry, not the film.
        place.parent.mkdir(parents=True, exist_ok=True)
        (scratch / place.name).replace(place)
    info = await probe(place)
    if not info.indexed:
        raise Failed("damaged", "The packets of this file have no usable times.", permanent=True)
    return info


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
