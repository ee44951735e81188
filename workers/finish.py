"""The last units: a poster and chapters beside the film; then measure, check, publish. Captions publish once more."""

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from api.clients import Captions, Unit
from media import captions, chapters, conformance, playlist, stills, trick
from media.boxes import BadBox
from media.encoder import Failed, encode, limits_for
from media.film import Film, measure, read_film
from media.ladder import ladder
from media.plan import SOURCE, Plan, from_document
from workers.shop import WORK, Progress, Shop, settle

log = structlog.get_logger()

POSTER = "poster.jpg"
REPORT = "report.json"
TRICK_RUNGS = 2  # I-frame renditions of the smallest rung, for storyboards as well, and of the one above it


async def extras_film(shop: Shop, unit: Unit, progress: Progress) -> dict[str, Any]:
    """Poster and chapters, as far as the film has them."""
    plan, folder = from_document(unit.plan), shop.generation(unit)
    if plan.chapters:
        playlist.publish(folder / playlist.CHAPTERS, chapters.apple_json(plan.chapters))
    return {"poster": await _make_poster(shop, unit, plan)}


async def finish_film(shop: Shop, unit: Unit, progress: Progress) -> dict[str, Any]:
    """The gate: what does not pass is not published. Raises Failed."""
    plan, folder = from_document(unit.plan), shop.generation(unit)
    texts = await shop.captions(unit.video_id)
    try:
        extras = await asyncio.to_thread(_extras, folder, plan, texts)
        film, renditions = await asyncio.to_thread(_measured, folder, plan, extras)
    except BadBox as bad:
        raise Failed("not_conformant", f"A finished segment is damaged: {bad}.", permanent=True) from bad
    except FileNotFoundError as missing:
        name = Path(missing.filename).name
        raise Failed("not_conformant", f"A finished segment is missing: {name}.", permanent=True) from missing
    findings = await asyncio.to_thread(conformance.check, film)
    report = await asyncio.to_thread(conformance.report, film, findings)
    playlist.publish(folder / REPORT, msgspec.json.format(msgspec.json.encode(report)))
    if findings:
        log.error("film.refused", video=unit.video_id, findings=findings[:10])
        first = f"{findings[0]['rule']}: {findings[0]['finding']}"
        raise Failed("not_conformant", f"The encoded film breaks {len(findings)} rules, first {first}", permanent=True)
    await _make_storyboard(shop, unit, plan)
    _publish(folder, film)
    told = {text.language: text.revision for text in texts}
    return _result(plan, folder, film, renditions) | {"captions": told}


def _extras(folder: Path, plan: Plan, texts: Sequence[Captions]) -> playlist.Extras:
    """Write what lies beside pictures and sound, and say what the multivariant playlist must name."""
    iframes = [
        trick.write_iframes(folder, rung.name, _trick_name(number), plan)
        for number, rung in enumerate(plan.rungs[:TRICK_RUNGS])
    ]
    told = captions.publish_captions(folder, plan, texts)
    return playlist.Extras(told, iframes, chapters=(folder / playlist.CHAPTERS).is_file())


def _trick_name(number: int) -> str:
    return f"iframes-{number}"


def _measured(folder: Path, plan: Plan, extras: playlist.Extras) -> tuple[Film, list[playlist.Rendition]]:
    """The film as it lies there, with the playlists its measures give."""
    film = read_film(folder, plan)
    videos = [measure(film, track) for track in film.videos]
    sounds = [measure(film, track) for track in film.sounds]
    playlists = {track.name: playlist.media(plan, track.name) for track in film.tracks}
    if len(film.tracks) < len(plan.final):
        raise Failed("not_conformant", f"The finished film is not whole: {film.damage[0]}.", permanent=True)
    master = playlist.multivariant(plan, videos, sounds, extras)
    return dataclasses.replace(film, multivariant=master, playlists=playlists), [*videos, *sounds]


def _publish(folder: Path, film: Film) -> None:
    """The multivariant playlist last: what it names is there."""
    for name, text in film.playlists.items():
        playlist.publish(folder / name / playlist.INDEX, text)
    playlist.publish(folder / playlist.MASTER, film.multivariant)


def _result(plan: Plan, folder: Path, film: Film, renditions: Sequence[playlist.Rendition]) -> dict[str, Any]:
    whole = ladder(plan.width, plan.height, plan.timeline.rate)  # before the survey left some out
    promised = {SOURCE, *(track.name for track in plan.tracks), *(rung.name for rung in whole)}
    promised |= {WORK} if plan.copied else set()
    summary = {"rules": len(conformance.RULES), "findings": 0, "frames": plan.frames, "segments": plan.segments}
    summary["bytes"] = sum(sum(track.sizes) for track in film.tracks)
    return {
        "renditions": [dataclasses.asdict(rendition) for rendition in renditions],
        "drop": sorted(promised - set(plan.final)),
        "poster": (folder / POSTER).is_file(),
        "storyboard": (folder / stills.STORYBOARD).is_file(),
        "report": summary,
    }


async def _make_storyboard(shop: Shop, unit: Unit, plan: Plan) -> None:
    """Its index last. A film without a storyboard is a film."""
    folder = shop.generation(unit)
    if (folder / stills.STORYBOARD).is_file():
        return
    with shop.scratch(unit) as scratch:
        limits = limits_for(stills.MOST_TILES, plan.width * plan.height)
        try:
            await stills.make_storyboard(
                shop.ffmpeg, plan, folder / _trick_name(0), scratch, threads=shop.threads, limits=limits
            )
        except Failed as failed:
            log.warning("storyboard.failed", video=unit.video_id, code=failed.code, reason=failed.message)
            return
        for path in sorted(scratch.iterdir(), key=lambda path: path.name == stills.STORYBOARD):
            settle(path, folder / path.name)


async def _make_poster(shop: Shop, unit: Unit, plan: Plan) -> bool:
    """The best of three pictures: the one that compresses worst, as black and blank ones take no bytes at all."""
    place, source = shop.generation(unit) / POSTER, shop.source(unit, plan)
    if place.is_file():
        return True
    with shop.scratch(unit) as scratch:
        limits = limits_for(30, plan.width * plan.height)
        await encode(shop.ffmpeg, stills.poster(plan, source, shop.threads), source, scratch, limits=limits)
        made = sorted(scratch.glob("poster-*.jpg"), key=lambda path: path.stat().st_size)
        if made:
            settle(made[-1], place)
        return bool(made)
