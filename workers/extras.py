"""The poster unit: make the poster that somebody chose for a finished film, beside the one that was found for it."""

import asyncio
import contextlib
import os
import re
from pathlib import Path
from typing import Any

from api.clients import Poster, Unit
from media import poster
from media.encoder import Failed, encode
from media.formats import image_demuxer
from media.plan import Plan, from_document
from workers.shop import Progress, Shop, sync_folder

HEAD_BYTES = 12
# The one before may still be on somebody's page.
MOST_KEPT = 2
CHOSEN = re.compile(r"poster-([1-9][0-9]*)\.jpg")


async def make_poster(shop: Shop, unit: Unit, progress: Progress) -> dict[str, Any]:
    """Publish it under a name of its own: what a player or a cache has under another stays true. Raises Failed."""
    chosen = await shop.poster(unit.video_id)
    if chosen is None:
        return {}
    folder = shop.generation(unit)
    with shop.scratch(unit) as scratch:
        if chosen.source is not None:
            await _of_picture(shop, shop.sources / chosen.source, scratch)
        else:
            await _of_film(shop, from_document(unit.plan), folder, chosen.at_ms or 0, scratch)
        await asyncio.to_thread(_publish, scratch / poster.POSTER, folder, chosen)
    return {"poster_revision": chosen.revision}


async def _of_picture(shop: Shop, source: Path, scratch: Path) -> None:
    try:
        with source.open("rb") as file:
            demuxer = image_demuxer(file.read(HEAD_BYTES))
    except FileNotFoundError as missing:
        raise Failed("source_lost", "The picture is gone. Send it again.", permanent=True) from missing
    if demuxer is None:
        raise Failed("unusable_image", "This is not a picture we can read. Send JPEG, PNG or WebP.", permanent=True)
    try:
        await encode(shop.ffmpeg, poster.of_picture(source, demuxer), source, scratch, limits=poster.LIMITS)
    except Failed as failed:
        if failed.code == "storage_full":
            raise
        sentence = "No poster could be made of this picture: it is damaged or too large. Send another one."
        raise Failed("unusable_image", sentence, permanent=True) from failed
    if not (scratch / poster.POSTER).is_file():
        raise Failed("unusable_image", "There is nothing to see in this picture. Send another one.", permanent=True)


async def _of_film(shop: Shop, plan: Plan, folder: Path, at_ms: int, scratch: Path) -> None:
    frame = poster.frame_at(plan, at_ms)
    for piece in poster.pieces(folder, plan, frame, scratch):
        arguments = poster.of_film(piece, frame, plan.timeline.rate)
        await encode(shop.ffmpeg, arguments, piece, scratch, limits=poster.LIMITS)
        if (scratch / poster.POSTER).is_file():
            return
    raise Failed("no_picture", "The film has no picture at this time. Choose another one.", permanent=True)


def _publish(made: Path, folder: Path, chosen: Poster) -> None:
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(folder / f"poster-{chosen.revision}.jpg")
    sync_folder(folder)
    revisions = sorted(int(found[1]) for path in folder.iterdir() if (found := CHOSEN.fullmatch(path.name)))
    for revision in revisions[:-MOST_KEPT]:
        with contextlib.suppress(FileNotFoundError):
            (folder / f"poster-{revision}.jpg").unlink()
