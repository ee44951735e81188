"""The sound of a film: encoded in units of segments, and measured once for how loud it is.

FFmpeg makes bare AAC frames (ADTS) inside the sandbox, `cmaf` writes the segments. Frames come from a program that read
a stranger's bytes: what is not a frame of ours raises BadFrames, and never reaches a viewer.
"""

import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import structlog

from media.cmaf import Sample, audio_init, segment
from media.encoder import Failed, encode, failure, seconds_made
from media.ffmpeg import INIT
from media.ffmpeg_sound import ADTS, LEVEL, LOOKAHEAD, Stretch, audio_span, level_span, measure
from media.plan import Plan, Track
from media.sandbox import Limits, Reins, run
from media.timeline import AAC_FRAME, AAC_RATE

log = structlog.get_logger()

CONFIG = bytes.fromhex("1190")  # AudioSpecificConfig: AAC-LC, 48 kHz, stereo
# The fixed part of the ADTS header of such a frame, with or without a checksum (ISO/IEC 13818-7, 6.2).
HEADER, HEADER_MASK = 0xFFF04C80, 0xFFF6FDC0
LARGEST = 0x1FFF  # 13 bits say how long a frame is
TARGET_LUFS, PEAK_DB = -16.0, -1.5
MOST_GAIN_DB, SILENCE_LUFS = 20.0, -70.0
LOUDNESS = re.compile(r"^ {4}(I|Peak): +(-?(?:[0-9]+(?:\.[0-9]+)?|inf)) (?:LUFS|dBFS)$", re.MULTILINE)


class BadFrames(ValueError):
    """Bytes that are not the AAC frames they should be."""


class Loudness(NamedTuple):
    """Of a whole track as stereo: programme loudness and true peak (dBTP)."""

    lufs: float
    peak_db: float


async def encode_sound(
    plan: Plan,
    track: Track,
    source: Path,
    span: range,
    out: Path,
    *,
    binary: str,
    limits: Limits,
    on_seconds: Callable[[float], None] | None = None,
    reins: Reins | None = None,
) -> None:
    """The segments `span` of a track: `<out>/<track>/init.mp4` and `<index>.m4s`. Raises Failed; cancelling kills it.

    `on_seconds` hears how many seconds of what is wanted are encoded; the segments appear at the end.
    """
    folder = out / track.name
    folder.mkdir(parents=True, exist_ok=True)
    stretch = Stretch.of(plan, track, span)
    unwanted = stretch.first * AAC_FRAME / AAC_RATE - stretch.second

    def hear(seconds: float) -> None:
        if on_seconds is not None:
            on_seconds(max(0.0, seconds - unwanted))

    async def make(arguments: list[str], source: Path) -> None:
        await encode(binary, arguments, source, folder, limits=limits, on_seconds=hear, reins=reins)

    try:
        await make(audio_span(plan, track, source, span), source)
    except Failed as failed:
        if failed.code != "encode_failed":
            raise
        # A track that changes rate or layout midway makes FFmpeg fail.
        log.info("sound.levelled", track=track.name, reason=failed.message)
        await make(level_span(plan, track, source, span), source)
        await make(audio_span(plan, track, folder / LEVEL, span, levelled=True), folder / LEVEL)
    (folder / LEVEL).unlink(missing_ok=True)
    write_segments(plan, track, span, folder)


def write_segments(plan: Plan, track: Track, span: range, folder: Path) -> None:
    """Cut the frames that FFmpeg left in `folder` into segments there; raises Failed."""
    stretch = Stretch.of(plan, track, span)
    most = stretch.end - stretch.begin + LOOKAHEAD + 1
    try:
        frames = list(adts_frames(_read(folder / ADTS, most * LARGEST)))
    except BadFrames as bad:
        raise Failed("encode_failed", f"The encoder left what is no sound: {bad}.") from bad
    wanted = frames[stretch.first - stretch.begin :][: stretch.end - stretch.first]
    if len(wanted) < stretch.end - stretch.first:
        raise Failed("encode_failed", f"The encoder made {len(frames)} frames of sound, which is too few.")
    _place(folder / INIT, audio_init(CONFIG, 2, track.rate, track.lead))
    cuts = plan.timeline.audio_cuts(track.rate, track.lead, track.frames)
    for index, (start, end) in zip(span, pairwise(cuts[span.start : span.stop + 1]), strict=True):
        samples = [Sample(data, AAC_FRAME) for data in wanted[start - stretch.first : end - stretch.first]]
        _place(folder / f"{index}.m4s", segment(index + 1, start * AAC_FRAME, samples))
    (folder / ADTS).unlink()


def adts_frames(data: bytes) -> Iterator[bytes]:
    """Each AAC frame without its header. Raises BadFrames for anything but AAC-LC, 48 kHz, stereo, one block each."""
    at = 0
    while at < len(data):
        head = int.from_bytes(data[at : at + 7], "big")
        size = head >> 13 & LARGEST
        start = 7 if head >> 40 & 1 else 9
        if head >> 24 & HEADER_MASK != HEADER or head & 3 or not start < size <= len(data) - at:
            raise BadFrames(f"byte {at} of {len(data)} begins no AAC frame")
        yield data[at + start : at + size]
        at += size


async def loudness(
    plan: Plan,
    track: Track,
    source: Path,
    *,
    binary: str,
    limits: Limits,
    on_seconds: Callable[[float], None] | None = None,
) -> Loudness | None:
    """How loud a track is, None when nothing can be heard. Raises Failed; cancelling kills FFmpeg."""

    def hear(line: bytes) -> None:
        seconds = seconds_made(line)
        if seconds is not None and on_seconds is not None:
            on_seconds(seconds)

    ended = await run([binary, *measure(plan, track, source)], limits, reads=[source], on_line=hear)
    if not ended.ok:
        raise failure(ended, source)
    return read_loudness(ended.stderr)


def read_loudness(words: str) -> Loudness | None:
    """From the summaries of `ebur128`: there are more than one where a track changes midway, and the loudest counts."""
    said = LOUDNESS.findall(words)
    lufs = [float(value) for name, value in said if name == "I"]
    peaks = [float(value) for name, value in said if name == "Peak"]
    if not lufs or not peaks or max(lufs) <= SILENCE_LUFS or not math.isfinite(max(peaks)):
        return None
    return Loudness(max(lufs), max(peaks))


def gain(heard: Loudness | None) -> float:
    """What to add, in dB, for every film to be as loud as the next: down to -16 LUFS, up only as the peaks allow."""
    if heard is None:
        return 0.0
    wanted = TARGET_LUFS - heard.lufs
    if wanted > 0:
        wanted = max(0.0, min(wanted, PEAK_DB - heard.peak_db, MOST_GAIN_DB))
    return math.floor(wanted * 10 + 1e-6) / 10 + 0.0


def _read(path: Path, most: int) -> bytes:
    """A file made inside the sandbox: a plain one, and no longer than it may be."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise BadFrames(f"{path.name} cannot be read") from error
    with os.fdopen(descriptor, "rb") as file:
        told = os.fstat(file.fileno())
        if not stat.S_ISREG(told.st_mode) or told.st_size > most:
            raise BadFrames(f"{path.name} of {told.st_size} bytes")
        return file.read(most)


def _place(path: Path, data: bytes) -> None:
    """Under its name only when it is whole."""
    made = path.with_suffix(".part")
    made.write_bytes(data)
    made.rename(path)
