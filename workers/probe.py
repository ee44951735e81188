"""The probe unit: from an uploaded file to a plan, its units, and playlists that can be played at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.clients import NewRendition, NewUnit, Unit
from media import playlist
from media.encoder import Failed, encode, limits_for
from media.ffmpeg import copy
from media.formats import MAX_PIXELS, MAX_SECONDS
from media.plan import Plan, make_plan, to_document
from media.probe import SourceInfo, probe
from workers.shop import Progress, Shop, settle

# Segments of the first units: the first picture soon, then enough to be worth a process.
RAMP = (1, 2, 5)
STEADY = 8


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
        info = await _copied(shop, unit, info)
    plan = make_plan(info, copied=copied)
    playlist.publish_planned(shop.generation(unit), plan)
    return Planned(to_document(plan), list(renditions(plan)), list(units(plan)))


async def _copied(shop: Shop, unit: Unit, info: SourceInfo) -> SourceInfo:
    source, place = shop.sources / unit.source, shop.copy(unit)
    limits = limits_for(MAX_SECONDS / 60, MAX_PIXELS, source.stat().st_size)
    with shop.scratch(unit) as scratch:
        try:
            await encode(shop.ffmpeg, copy(info, source), source, scratch, limits=limits)
        except Failed as failed:
            if not failed.permanent:
                raise
            await encode(shop.ffmpeg, copy(info, source, decode_sound=True), source, scratch, limits=limits)
        place.unlink(missing_ok=True)
        settle(scratch / place.name, place)
    info = await probe(place)
    if not info.indexed:
        raise Failed("damaged", "The packets of this file have no usable times.", permanent=True)
    return info


def renditions(plan: Plan) -> Iterator[NewRendition]:
    """Every rendition the film will have, with its caps."""
    for rung in plan.rungs:
        told = playlist.planned(rung)
        yield NewRendition(rung.name, "video", rung.width, rung.height, told.bandwidth, rung.codecs)
    for track in plan.tracks:
        sound = playlist.planned_track(track)
        yield NewRendition(track.name, "audio", 0, 0, sound.bandwidth, sound.codecs, track.language)


def units(plan: Plan) -> Iterator[NewUnit]:
    """Sound and the instant rung for the interactive workers, all other rungs in one decode for the batch.

    Rank 0 of every film goes before rank 1 of any, so a short film does not wait for a long one.
    """
    for track in plan.tracks:
        yield NewUnit("audio", "interactive", [track.name], 0, plan.segments, 0)
    for rank, (first, end) in enumerate(spans(plan.segments, RAMP), 1):
        yield NewUnit("video", "interactive", [plan.instant.name], first, end, rank)
    others = [rung.name for rung in plan.rungs if rung is not plan.instant]
    for rank, (first, end) in enumerate(spans(plan.segments, ()), 1):
        if others:
            yield NewUnit("video", "batch", others, first, end, rank)


def spans(segments: int, ramp: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """[first, end) of units that tile `segments`, in sizes of `ramp` and then steady ones."""
    first = 0
    for number in range(segments):
        if first >= segments:
            return
        end = min(segments, first + (ramp[number] if number < len(ramp) else STEADY))
        yield first, end
        first = end
