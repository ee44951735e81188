"""What a source is: `probe` has two programs look at it in the sandbox and believes only well-formed answers.

`examine.py` says what the file is. At the same time `runs.py` says what of an MP4 may be copied, or `beat.py` how the
sound of a Matroska goes. The first alone can refuse.

`Refused` carries a stable code and a sentence for the person who uploaded the file.
"""

import asyncio
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from media.copyable import Copy, Runs, SoundCopy, copied_picture, copied_sound
from media.formats import MAX_PIXELS, MAX_SECONDS, MAX_STREAMS, decoders, for_examine
from media.sandbox import Ended, Limits, run
from media.timeline import Timeline

EXAMINE = Path(__file__).with_name("examine.py")
BEAT = Path(__file__).with_name("beat.py")
CLOCK = Path(__file__).with_name("clock.py")
RUNS = [Path(__file__).with_name(name) for name in ("runs.py", "index.py")]
LIMITS = Limits(wall_s=60, cpu_s=40, memory_bytes=3 << 30, file_bytes=0)
RUNS_LIMITS = Limits(wall_s=30, cpu_s=20, memory_bytes=3 << 30, file_bytes=0)  # ten seconds for a day of pictures
MAX_RATE = 100_000
MATROSKA = b"\x1a\x45\xdf\xa3"
CLOCKED = ("mpegts", "mpeg")  # containers whose packets tell the time, so that a few of them tell the length
BOUNDS = msgspec.json.encode(for_examine()).decode()

Microseconds = Annotated[int, Meta(ge=-(1 << 50), le=1 << 50)]
Line = TypeVar("Line", bound=msgspec.Struct)
Ratio = Annotated[str, Meta(pattern=r"^[0-9]{1,20}(/[1-9][0-9]{0,19})?$")]
Moment = Annotated[str, Meta(pattern=r"^-?[0-9]{1,20}(/[1-9][0-9]{0,19})?$")]
Stream = Annotated[int, Meta(ge=0, lt=32)]
Word = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,32}$")]
Side = Annotated[int, Meta(ge=1, le=65536)]


class Refused(Exception):
    """A file that is no film of ours. `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Beat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the decoded frames of a track lie: multiples of `step` samples apart, one of them at `at_us`.

    By the clock of the file, as is `start_us`, the film's start.
    """

    stream: Stream
    step: Annotated[int, Meta(ge=32, le=1 << 20)]
    at_us: Microseconds
    start_us: Microseconds


class Chapter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named part of a film, in milliseconds from its start; title and language are the uploader's words."""

    start_ms: Annotated[int, Meta(ge=0)]
    end_ms: Annotated[int, Meta(ge=0)]
    title: Annotated[str, Meta(max_length=200)] = ""
    language: Annotated[str, Meta(max_length=16)] = ""


class Picture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The picture track: `sar` is the shape of a pixel, `rotation` degrees, `hdr` pq, hlg or nothing."""

    stream: Stream
    codec: Word
    width: Side
    height: Side
    sar: Ratio
    rotation: Annotated[int, Meta(ge=0, lt=360)]
    pix_fmt: Word
    interlaced: bool
    hdr: Literal["", "pq", "hlg"]

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height in square pixels, upright."""
        sar = Fraction(self.sar)
        size = (round(self.width * sar), self.height) if sar > 1 else (self.width, round(self.height / sar))
        return size if self.rotation % 180 == 0 else (size[1], size[0])

    @property
    def plain(self) -> bool:
        """Whether every browser shows these pictures as they are."""
        odd = self.interlaced or self.rotation or self.hdr or Fraction(self.sar) != 1
        return (self.codec, self.pix_fmt) == ("h264", "yuv420p") and not odd


class Sound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An audio track; language and title are the uploader's words."""

    stream: Stream
    codec: Word
    channels: Annotated[int, Meta(ge=1, le=64)]
    sample_rate: Annotated[int, Meta(ge=1, le=1_000_000)]
    language: Annotated[str, Meta(max_length=16)]
    title: Annotated[str, Meta(max_length=200)]
    flags: Annotated[list[Word], Meta(max_length=8)] = []
    copy: SoundCopy | None = None
    beat: Beat | None = None


class SourceInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`seconds` is where the pictures end, counted from the start of the film; `frames` 0 when not counted.

    `start` is when the film starts by the clock of the file.

    Not `indexed`: the container does not lead to the right picture after a seek. Copy it first and probe the copy.
    """

    container: Literal["mov", "matroska", "mpegts", "mpeg", "avi", "flv", "asf", "ogg", "mxf"]
    indexed: bool
    seconds: Ratio
    frames: Annotated[int, Meta(ge=0)]
    rate: Ratio
    picture: Picture
    sounds: Annotated[list[Sound], Meta(max_length=8)]
    copy: Copy | None = None
    chapters: Annotated[list[Chapter], Meta(max_length=500)] = []
    start: Moment = "0"


class _End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seconds: Ratio


class _Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Word
    message: Annotated[str, Meta(max_length=300)]


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: SourceInfo | None = None
    refused: _Refusal | None = None


async def probe(path: Path) -> SourceInfo:
    """Facts of the file at `path`; raises Refused."""
    with path.open("rb") as file:
        matroska = file.read(len(MATROSKA)) == MATROSKA
    beside: tuple[list[Path], list[str]] = ([BEAT, path], [decoders()]) if matroska else ([*RUNS, path], [])
    (lines, ended), (said, _) = await asyncio.gather(
        _told([EXAMINE, path], LIMITS, BOUNDS, most=1),
        _told(beside[0], RUNS_LIMITS, *beside[1], most=MAX_STREAMS),
    )
    source = _believe(b"".join(lines), ended)
    return with_beats(source, _lines(said, Beat)) if matroska else with_copies(source, _lines(said, Runs))


async def steady_end(path: Path, source: SourceInfo) -> Fraction | None:
    """When the pictures of an MPEG stream end, by a few looks at its clock; None where only all of it would tell."""
    if source.container not in CLOCKED:
        return None
    request = {"container": source.container, "stream": source.picture.stream, "decoders": decoders()}
    lines, _ = await _told([CLOCK, path], RUNS_LIMITS, msgspec.json.encode(request).decode(), most=1)
    ends = [Fraction(line.seconds) for line in _lines(lines, _End)]
    return next((end for end in ends if 0 < end <= MAX_SECONDS), None)


async def _told(reads: Sequence[Path], limits: Limits, *arguments: str, most: int) -> tuple[list[bytes], Ended]:
    """The first lines of what a program of ours says of a file: the first and the last of what it may read."""
    lines: list[bytes] = []

    def keep(line: bytes) -> None:
        if len(lines) < most:
            lines.append(line)

    argv = [sys.executable, "-I", str(reads[0]), str(reads[-1]), *arguments]
    try:
        return lines, await run(argv, limits, reads=[Path(sys.prefix), Path(sys.base_prefix), *reads], on_line=keep)
    except ValueError:  # a line longer than any of ours
        return [], Ended(1, "", timed_out=False)


def with_copies(source: SourceInfo, runs: Sequence[Runs]) -> SourceInfo:
    """A source that knows what of it may be served as it is."""
    rate, start, picture = Fraction(source.rate), Fraction(source.start), source.picture
    told = {track.stream: track for track in runs} if source.container == "mov" and source.indexed and rate else {}
    timeline = Timeline.of(rate or Fraction(25), Fraction(source.seconds))
    copy = None
    if picture.plain and picture.stream in told:
        copy = copied_picture(told[picture.stream], (picture.width, picture.height), timeline, start, rate)
    sounds = [
        msgspec.structs.replace(
            sound, copy=copied_sound(told[sound.stream], timeline, start) if sound.stream in told else None
        )
        for sound in source.sounds
    ]
    return msgspec.structs.replace(source, copy=copy, sounds=sounds)


def with_beats(source: SourceInfo, beats: Sequence[Beat]) -> SourceInfo:
    """A source whose sound is read to the sample."""
    told = {beat.stream: beat for beat in beats} if source.container == "matroska" else {}
    sounds = [msgspec.structs.replace(sound, beat=told.get(sound.stream)) for sound in source.sounds]
    return msgspec.structs.replace(source, sounds=sounds)


def _lines(lines: Sequence[bytes], kind: type[Line]) -> list[Line]:
    """What a program said, as far as it makes sense; the film can be encoded without it."""
    try:
        return [msgspec.json.decode(line, type=kind) for line in lines]
    except msgspec.DecodeError:
        return []


def _believe(line: bytes, ended: Ended) -> SourceInfo:
    """The reader may be in the hands of the file by now: its bounds are ours to check."""
    try:
        answer = msgspec.json.decode(line, type=_Answer)
    except msgspec.DecodeError:
        answer = _Answer()
    if answer.refused is not None:
        raise Refused(answer.refused.code, answer.refused.message)
    if answer.source is None or not _is_bounded(answer.source):
        took_too_long = ended.timed_out or ended.status < 0
        why = "it takes too much time or memory to read" if took_too_long else "it makes our reader fail"
        raise Refused("damaged", f"This file is damaged or built to do harm: {why}.")
    return answer.source


def _is_bounded(source: SourceInfo) -> bool:
    picture = source.picture
    fits = picture.width * picture.height <= MAX_PIXELS and Fraction(1, 4) <= Fraction(picture.sar) <= 4
    return fits and Fraction(source.seconds) <= MAX_SECONDS and Fraction(source.rate) <= MAX_RATE
