"""Video, audio and copy units: make a span in scratch while moving each finished segment to where viewers find it."""

import asyncio
import filecmp
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.clients import Unit
from media import copying, ffmpeg, sound
from media.boxes import BadBox, read_media
from media.encoder import Failed, encode, limits_for
from media.plan import Plan, from_document
from workers.shop import Progress, Shop, settle, sync_folder

LOOK_EVERY_S = 0.05
# x264 learns its reordering delay from the first pictures: a span of fewer gets another init segment and other times.
LEAST_FRAMES = 16
MOST_INIT = 64 << 10  # bytes; ours take one or two thousand


async def encode_span(shop: Shop, unit: Unit, progress: Progress) -> dict[str, Any]:
    """Make the segments of a unit that are not there yet. Raises Failed."""
    plan, folder = from_document(unit.plan), shop.generation(unit)
    # The survey may have found that a rung adds nothing.
    names = [rung.name for rung in plan.rungs_named(unit.renditions)] if unit.kind == "video" else unit.renditions
    encoded = 0
    while span := _missing(plan, unit, names, folder, progress.end_segment):
        with shop.scratch(unit) as scratch:
            for name in names:
                (scratch / name).mkdir()
            making = _make(shop, unit, plan, names=names, span=span, scratch=scratch, progress=progress)
            moving = Moving(plan, unit.first_segment, names, span, scratch, folder)
            # Encoded sound appears at the end: when its unit is shortened, it begins again with less to do.
            if await _move_while(making, moving, progress, again=unit.kind == "audio"):
                encoded += len(span)
    return {"encoded": encoded}


async def _make(
    shop: Shop, unit: Unit, plan: Plan, *, names: Sequence[str], span: range, scratch: Path, progress: Progress
) -> None:
    """`<rendition>/<index>.m4s` and `<rendition>/init.mp4` of a span, in `scratch`."""
    source, timeline = shop.source(unit, plan), plan.timeline

    def segments(made: int) -> None:
        progress.reach(made * float(timeline.segment_seconds))

    if unit.kind == "copy":
        await copying.copy_picture(plan, source, span, scratch, on_segment=segments)
        return
    limits = limits_for(float(timeline.frames_in(span.start, span.stop) / timeline.rate) + 10, plan.width * plan.height)
    if unit.kind == "audio":
        track = plan.track_named(names[0])
        if track.copied:
            await copying.copy_sound(plan, track, source, span, scratch, on_segment=segments)
        else:
            await sound.encode_sound(
                plan,
                track,
                source,
                span,
                scratch,
                binary=shop.ffmpeg,
                limits=limits,
                on_seconds=progress.reach,
                reins=shop.reins,
            )
        return
    arguments = ffmpeg.video(plan, plan.rungs_named(names), source, span, shop.threads)
    await encode(shop.ffmpeg, arguments, source, scratch, limits=limits, on_seconds=progress.reach, reins=shop.reins)


def _missing(plan: Plan, unit: Unit, names: Sequence[str], folder: Path, end_segment: int) -> range:
    """From the first to the last segment that some rendition lacks."""
    lacking = []
    for name in names:
        segments = plan.segments_of(name)
        wanted = range(unit.first_segment, min(unit.end_segment, end_segment, len(segments)))
        lacking += [index for index in wanted if not (folder / name / segments[index].name).is_file()]
    if not lacking:
        return range(0)
    first, end = min(lacking), max(lacking) + 1
    if unit.kind == "video" and first > 0 and plan.timeline.frames_in(first, end) < LEAST_FRAMES:
        first -= 1
    return range(first, end)


async def _move_while(
    making: Coroutine[Any, Any, None], moving: "Moving", progress: Progress, *, again: bool = False
) -> bool:
    """Until the maker has ended and all it made is in place, or as much as is still wanted; raises Failed.

    False when less is wanted than is being made, and it had better begin `again`.
    """
    encoding = asyncio.create_task(making)
    try:
        ended = False
        while not ended:
            await asyncio.wait({encoding}, timeout=LOOK_EVERY_S)
            ended = encoding.done()
            progress.count(await asyncio.to_thread(moving.move))
            if not ended and moving.suffices(progress.end_segment):
                break
            if not ended and again and progress.end_segment < moving.span.stop:
                return False
        if ended:
            await encoding
    finally:
        encoding.cancel()
        await asyncio.gather(encoding, return_exceptions=True)
    await asyncio.to_thread(moving.finish, progress.end_segment)
    return True


@dataclass
class Moving:
    """Moves segments from scratch to the generation's folder, in order, each as soon as it has its name.

    `first`: where the unit begins; what it lacks, `span`, may begin later.
    """

    plan: Plan
    first: int
    names: Sequence[str]
    span: range
    scratch: Path
    folder: Path

    def __post_init__(self) -> None:
        self.next = dict.fromkeys(self.names, self.span.start)
        self.segments = {name: self.plan.segments_of(name) for name in self.names}
        self.samples = {rung.name: self.plan.samples(rung.name) for rung in self.plan.rungs_named(self.names)}

    def move(self) -> int:
        """Move what is whole; gives how many segments of the unit all renditions have."""
        for name in self.names:
            while self.next[name] < self.span.stop and self._is_whole(name, made := self._made(name)):
                self._place_init(name)
                settle(made, self.folder / name / self.segments[name][self.next[name]].name)
                self.next[name] += 1
        return max(0, min(self.next.values()) - self.first)

    def suffices(self, end: int) -> bool:
        """Whether everything before segment `end` is there: the rest of the span has become another unit's."""
        return min(self.next.values()) >= min(end, self.span.stop)

    def finish(self, end: int) -> None:
        """After the maker's end: everything wanted must be there, and be safe on disk. Raises Failed."""
        for name, reached in self.next.items():
            if reached < min(end, self.span.stop):
                sentence = f"The encoder ended well, but segment {reached} of {name} is missing or cut short."
                raise Failed("encode_failed", sentence)
            sync_folder(self.folder / name)

    def _made(self, name: str) -> Path:
        return self.scratch / name / f"{self.next[name]}.m4s"

    def _is_whole(self, name: str, made: Path) -> bool:
        """An FFmpeg that fails midway closes and names its last segment as if it were whole: count what is in it."""
        if name not in self.samples:  # written by ourselves, under its name only when it is whole
            return made.is_file()
        try:
            return made.is_file() and read_media(made).samples == self.samples[name][self.next[name]]
        except BadBox:
            return False

    def _place_init(self, name: str) -> None:
        """Before the first segment; every process must have written the very same one."""
        made, place = self.scratch / name / ffmpeg.INIT, self.folder / name / ffmpeg.INIT
        if not made.is_file():
            return
        if made.stat().st_size > MOST_INIT:
            raise Failed("encode_failed", f"The encoder left an absurd beginning of {name}.")
        if place.is_file() and not filecmp.cmp(made, place, shallow=False):
            raise Failed("init_mismatch", f"Two encoders disagree on {name}: are different FFmpegs at work?")
        settle(made, place)
