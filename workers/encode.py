"""Video and audio units: encode a span in scratch while moving each finished segment to where viewers find it."""

import asyncio
import filecmp
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from api.clients import Unit
from media import ffmpeg
from media.boxes import BadBox, read_media
from media.encoder import Failed, encode, limits_for
from media.plan import Plan, Track, from_document
from workers.shop import Progress, Shop, settle, sync_folder

log = structlog.get_logger()

LOOK_EVERY_S = 0.1
# x264 learns its reordering delay from the first pictures: a span of fewer gets another init segment and other times.
LEAST_FRAMES = 16

Run = Callable[[list[str], Path], Awaitable[None]]


async def encode_span(shop: Shop, unit: Unit, progress: Progress) -> dict[str, Any]:
    """Make the segments of a unit that are not there yet. Raises Failed."""
    plan = from_document(unit.plan)
    span = _missing(plan, unit, shop.generation(unit))
    if not span:
        return {"encoded": 0}
    timeline = plan.timeline
    seconds = float(timeline.frames_in(span.start, span.stop) / timeline.rate)
    limits = limits_for(seconds + ffmpeg.LEAD_SECONDS, plan.width * plan.height)
    with shop.scratch(unit) as scratch:
        for name in unit.renditions:
            (scratch / name).mkdir()
        moving = Moving(plan, unit.renditions, span, scratch, shop.generation(unit))

        async def run(arguments: list[str], source: Path) -> None:
            await encode(shop.ffmpeg, arguments, source, scratch, limits=limits, on_seconds=progress.reach)

        source, rungs = shop.source(unit, plan), plan.rungs_named(unit.renditions)
        if unit.kind == "audio":
            making = _sound(run, plan, plan.track_named(unit.renditions[0]), source, scratch / ffmpeg.LEVEL)
        else:
            making = run(ffmpeg.video(plan, rungs, source, span, shop.threads), source)
        await _move_while(making, moving, progress)
    return {"encoded": len(span)}


async def _sound(run: Run, plan: Plan, track: Track, source: Path, levelled: Path) -> None:
    """A whole track; one that changes rate or layout midway makes FFmpeg fail, and is levelled first."""
    try:
        await run(ffmpeg.audio(plan, track, source), source)
    except Failed as failed:
        if failed.code != "encode_failed":
            raise
        log.info("sound.levelled", reason=failed.message)
        await run(ffmpeg.level(plan, track, source), source)
        await run(ffmpeg.audio(plan, track, levelled, levelled=True), levelled)


def _missing(plan: Plan, unit: Unit, folder: Path) -> range:
    """From the first to the last segment that some rendition lacks; sound is always made whole."""
    wanted = range(unit.first_segment, unit.end_segment)
    names = {index: plan.timeline.segment(index).name for index in wanted}
    lacking = [i for i in wanted if not all((folder / r / names[i]).is_file() for r in unit.renditions)]
    if not lacking:
        return range(0)
    if unit.kind == "audio":
        return wanted
    first, end = lacking[0], lacking[-1] + 1
    if first > 0 and plan.timeline.frames_in(first, end) < LEAST_FRAMES:
        first -= 1
    return range(first, end)


async def _move_while(making: Coroutine[Any, Any, None], moving: "Moving", progress: Progress) -> None:
    """Until the encoder has ended and all it made is in place; raises Failed."""
    encoding = asyncio.create_task(making)
    try:
        ended = False
        while not ended:
            await asyncio.wait({encoding}, timeout=LOOK_EVERY_S)
            ended = encoding.done()
            progress.segments = await asyncio.to_thread(moving.move)
        await encoding
    finally:
        encoding.cancel()
        await asyncio.gather(encoding, return_exceptions=True)
    await asyncio.to_thread(moving.finish)


@dataclass
class Moving:
    """Moves segments from scratch to the generation's folder, in order, each as soon as FFmpeg has named it."""

    plan: Plan
    names: Sequence[str]
    span: range
    scratch: Path
    folder: Path

    def __post_init__(self) -> None:
        self.next = dict.fromkeys(self.names, self.span.start)
        self.samples = {name: self.plan.samples(name) for name in self.names}

    def move(self) -> int:
        """Move what is whole; gives how many segments all renditions have."""
        for name in self.names:
            while self.next[name] < self.span.stop and self._is_whole(name, made := self._made(name)):
                self._place_init(name)
                settle(made, self.folder / name / self.plan.timeline.segment(self.next[name]).name)
                self.next[name] += 1
        return min(self.next.values()) - self.span.start

    def finish(self) -> None:
        """After the encoder's end: everything must be there, and be safe on disk. Raises Failed."""
        for name, reached in self.next.items():
            if reached != self.span.stop:
                sentence = f"The encoder ended well, but segment {reached} of {name} is missing or cut short."
                raise Failed("encode_failed", sentence)
            sync_folder(self.folder / name)

    def _made(self, name: str) -> Path:
        return self.scratch / name / f"{self.next[name]}.m4s"

    def _is_whole(self, name: str, made: Path) -> bool:
        """An FFmpeg that fails midway closes and names its last segment as if it were whole: count what is in it."""
        try:
            return made.is_file() and read_media(made).samples == self.samples[name][self.next[name]]
        except BadBox:
            return False

    def _place_init(self, name: str) -> None:
        """Before the first segment; every process must have written the very same one."""
        made, place = self.scratch / name / ffmpeg.INIT, self.folder / name / ffmpeg.INIT
        if not made.is_file():
            return
        if place.is_file() and not filecmp.cmp(made, place, shallow=False):
            raise Failed("init_mismatch", f"Two encoders disagree on {name}: are different FFmpegs at work?")
        settle(made, place)
