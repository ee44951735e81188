"""Copy spans of a source's own pictures or sound into segments: rules are `copyable`'s, bytes `remux`'s.

Segments are called `<rendition>/<index>.m4s`, init segments `<rendition>/init.mp4`; any spans, in any order, by any
worker, give the same files.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from media import cmaf
from media.copyable import Copy
from media.encoder import Failed, failure
from media.ffmpeg import INIT
from media.plan import SOURCE, Plan, Track
from media.sandbox import GIB, Limits, run
from media.timeline import AAC_FRAME

PROGRAM = [Path(__file__).with_name(name) for name in ("remux.py", "runs.py", "index.py", "cmaf.py")]
# Twenty seconds of CPU for 4.8 GB; a day's index takes 2 GB; a segment has at most ten seconds of 16 Mbit/s.
LIMITS = Limits(wall_s=1200, cpu_s=600, memory_bytes=4 * GIB, file_bytes=256 << 20)
# A look at every byte shows no progress, and a unit without any is taken back after ten minutes: what is larger than
# a disk reads in this time is encoded.
SCAN_LIMITS = replace(LIMITS, wall_s=420)

AT_ONCE = 2000  # segments; their cuts are one argument, and the kernel allows 128 KB
OnSegment = Callable[[int], None]


@dataclass(frozen=True)
class Rendition:
    """What is copied: a track of the source, cut at decode times, into a folder."""

    stream: int
    cuts: Sequence[int]
    folder: Path
    init: bytes


async def copy_picture(
    plan: Plan, source: Path, span: range, out: Path, *, on_segment: OnSegment | None = None
) -> None:
    """The segments `span` of the source's own pictures; raises Failed. `on_segment` hears how many are made."""
    if plan.copy is None:
        raise Failed("not_copyable", "The pictures of this film cannot be copied.", permanent=True)
    rendition = Rendition(plan.copy.stream, plan.copy.cuts, out / SOURCE, picture_init(plan.copy))
    await _copy(rendition, source, span, on_segment)


async def copy_sound(
    plan: Plan, track: Track, source: Path, span: range, out: Path, *, on_segment: OnSegment | None = None
) -> None:
    """The segments `span` of a track that is copied; raises Failed. `on_segment` hears how many are made."""
    cuts = [frame * AAC_FRAME for frame in plan.timeline.audio_cuts(track.rate, track.lead, track.frames)]
    rendition = Rendition(track.stream, cuts, out / track.name, sound_init(track))
    await _copy(rendition, source, span, on_segment)


async def scan(plan: Plan, source: Path) -> bool:
    """Whether every picture of an aligned source is where the grid wants it, by a look at the bytes of each.

    Reads the whole file once: seconds for 4.8 GB.
    """
    if plan.copy is None or not plan.copy.aligned:
        return False
    lines: list[bytes] = []
    frame = Fraction(plan.copy.timescale) / plan.timeline.rate
    asked = {"stream": plan.copy.stream, "frame": int(frame)}
    ended = await run(_command(source, asked), SCAN_LIMITS, reads=_reads(source), on_line=lines.append)
    return ended.ok and lines == [b"exact\n"]


def picture_init(copy: Copy) -> bytes:
    """The init segment of the copied pictures."""
    return cmaf.video_init(bytes.fromhex(copy.avcc), copy.width, copy.height, copy.timescale, copy.offset)


def sound_init(track: Track) -> bytes:
    """The init segment of a track that is copied."""
    return cmaf.audio_init(bytes.fromhex(track.config), track.channels, track.rate, track.lead)


async def _copy(rendition: Rendition, source: Path, span: range, on_segment: OnSegment | None) -> None:
    folder, done = rendition.folder, 0
    if not 0 <= span.start < span.stop < len(rendition.cuts):
        raise IndexError(f"segments {span} of {len(rendition.cuts) - 1}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INIT).write_bytes(rendition.init)

    def hear(_: bytes) -> None:
        nonlocal done
        done += 1
        if on_segment is not None:
            on_segment(done)

    for first in range(span.start, span.stop, AT_ONCE):
        cuts = rendition.cuts[first : min(first + AT_ONCE, span.stop) + 1]
        command = _command(source, {"stream": rendition.stream, "number": first, "cuts": list(cuts)})
        ended = await run(command, LIMITS, reads=_reads(source), writes=[folder], on_line=hear, cwd=folder)
        if not ended.ok:
            raise failure(ended, source)


def _command(source: Path, request: dict[str, Any]) -> list[str]:
    return [sys.executable, "-I", str(PROGRAM[0]), str(source), json.dumps(request)]


def _reads(source: Path) -> list[Path]:
    return [Path(sys.prefix), Path(sys.base_prefix), *PROGRAM, source]
