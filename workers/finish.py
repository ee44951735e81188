"""The finish unit: measure what was encoded, check it, publish the final playlists and a poster."""

import asyncio
import dataclasses
import shutil
from pathlib import Path
from typing import Any

import msgspec
import structlog

from api.clients import Unit
from media import conformance, playlist, stills
from media.boxes import BadBox
from media.encoder import Failed, encode, limits_for
from media.film import Film, measure, read_film
from media.plan import Plan, from_document
from workers.shop import Progress, Shop, settle

log = structlog.get_logger()

POSTER = "poster.jpg"
REPORT = "report.json"


async def finish_film(shop: Shop, unit: Unit, progress: Progress) -> dict[str, Any]:
    """The gate: what does not pass is not published. Raises Failed."""
    plan, folder = from_document(unit.plan), shop.generation(unit)
    try:
        film, renditions = await asyncio.to_thread(_measured, folder, plan)
    except BadBox as bad:
        raise Failed("not_conformant", f"A finished segment is damaged: {bad}.", permanent=True) from bad
    except FileNotFoundError as missing:
        name = Path(missing.filename).name
        raise Failed("not_conformant", f"A finished segment is missing: {name}.", permanent=True) from missing
    findings = await asyncio.to_thread(conformance.check, film)
    report = conformance.report(film, findings)
    playlist.publish(folder / REPORT, msgspec.json.format(msgspec.json.encode(report)))
    if findings:
        log.error("film.refused", video=unit.video_id, findings=findings[:10])
        first = f"{findings[0]['rule']}: {findings[0]['finding']}"
        raise Failed("not_conformant", f"The encoded film breaks {len(findings)} rules, first {first}", permanent=True)
    has_poster = await _make_poster(shop, unit, plan)
    _publish(folder, film)
    await asyncio.to_thread(shutil.rmtree, shop.copy(unit).parent, ignore_errors=True)
    summary = {"rules": len(conformance.RULES), "findings": 0, "frames": plan.frames, "segments": plan.segments}
    summary["bytes"] = sum(sum(track.sizes) for track in film.tracks)
    return {"renditions": [dataclasses.asdict(r) for r in renditions], "poster": has_poster, "report": summary}


def _measured(folder: Path, plan: Plan) -> tuple[Film, list[playlist.Rendition]]:
    """The film as it lies there, with the playlists its measures give."""
    film = read_film(folder, plan)
    videos = [measure(film, track) for track in film.videos]
    sounds = [measure(film, track) for track in film.sounds]
    playlists = {track.name: playlist.media(plan, track.name) for track in film.tracks}
    master = playlist.multivariant(plan, videos, sounds)
    return dataclasses.replace(film, multivariant=master, playlists=playlists), [*videos, *sounds]


def _publish(folder: Path, film: Film) -> None:
    """The multivariant playlist last: what it names is there."""
    for name, text in film.playlists.items():
        playlist.publish(folder / name / playlist.INDEX, text)
    playlist.publish(folder / playlist.MASTER, film.multivariant)


async def _make_poster(shop: Shop, unit: Unit, plan: Plan) -> bool:
    """The best of three pictures: the one that compresses worst, as black and blank ones take no bytes at all."""
    place, source = shop.generation(unit) / POSTER, shop.source(unit, plan)
    if place.is_file():
        return True
    with shop.scratch(unit) as scratch:
        limits = limits_for(30, plan.width * plan.height)
        try:
            await encode(shop.ffmpeg, stills.poster(plan, source, shop.threads), source, scratch, limits=limits)
        except Failed as failed:
            # A film without a poster is a film.
            log.warning("poster.failed", video=unit.video_id, code=failed.code, reason=failed.message)
            return False
        made = sorted(scratch.glob("poster-*.jpg"), key=lambda path: path.stat().st_size)
        if made:
            settle(made[-1], place)
        return bool(made)
