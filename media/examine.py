"""Look at one uploaded file with PyAV and print what it is, or why it is no film, as one line of JSON.

Runs only inside the sandbox, as `python -I examine.py PATH BOUNDS`, and imports nothing of ours: it starts faster, and
our code stays out of its sight. The file is taken for hostile: what may be opened is listed, what is counted bounded.
"""

import itertools
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

LEAST_RATE = Fraction(1, 2)  # pictures a second; fewer is a slide, or a bomb that decodes to a million copies of one
LOOKED_AT = 8  # pictures decoded to see how they are made
MOST_PACKETS, MOST_BROKEN = 400, 50  # read in search of them
SCANNED_BYTES = 128 << 20  # smaller files are read packet by packet, so their lengths are facts
TAIL_SECONDS = 12
MOST_CHAPTERS, LONGEST_TITLE = 500, 200
MISSING_SECONDS = 1  # a file may be shorter than it says by this before it counts as cut off
CUT_OFF = "This file is cut off: it ends before the film does. Upload it again."
HDR_TRANSFERS = {16: "pq", 18: "hlg"}  # ITU-T H.273
DISPOSITIONS = {"default": "default", "original": "original", "comment": "commentary"}
DISPOSITIONS |= {"visual_impaired": "descriptive", "hearing_impaired": "hearing_impaired"}


class Refused(Exception):
    """`code` is stable, the sentence is for the person who uploaded."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Bounds:
    """What `media.formats` allows; names as there."""

    max_seconds: int
    max_pixels: int
    min_side: int
    max_streams: int
    max_sounds: int
    pictures: list[str]
    sounds: list[str]
    decoders: str


def sniff(head: bytes) -> str:
    """The demuxer for a file by its first bytes; raises Refused for anything but the nine we read."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"):
        return "mov"
    starts = {
        b"\x1a\x45\xdf\xa3": "matroska",
        b"\x00\x00\x01\xba": "mpeg",
        b"FLV\x01": "flv",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
        b"OggS": "ogg",
        b"\x06\x0e\x2b\x34\x02\x05\x01\x01": "mxf",
    }
    for start, container in starts.items():
        if head.startswith(start):
            return container
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    for offset, size in ((0, 188), (4, 192), (0, 204)):
        if len(head) > offset + 3 * size and all(head[offset + i * size] == 0x47 for i in range(4)):
            return "mpegts"
    raise Refused("not_a_film", "This is not a video file we can read. MP4, MOV, MKV, WebM, AVI, TS and their kin are.")


def examine(path: Path, bounds: Bounds) -> dict[str, Any]:
    """Everything the plan needs to know of a source; raises Refused."""
    with path.open("rb") as file:
        head = file.read(1024)
    if not head:
        raise Refused("not_a_film", "This file is empty.")
    container = sniff(head)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": container,
        "codec_whitelist": bounds.decoders,
        # Some demuxers drop what is more without a word: ask for more than is allowed, and count.
        "max_streams": str(bounds.max_streams * 2),
    }
    try:
        # Old titles are in whatever code page their author had.
        with av.open(f"file:{path}", format=container, options=options, metadata_errors="replace") as film:
            return _facts(film, container, path.stat().st_size, bounds)
    except (FFmpegError, MemoryError, ValueError, OverflowError) as error:
        raise Refused("damaged", f"This file is damaged or incomplete: {_words(error)}.") from error


def _facts(film: Any, container: str, size: int, bounds: Bounds) -> dict[str, Any]:
    if len(film.streams) > bounds.max_streams:
        raise Refused("too_many_streams", f"This file holds more than {bounds.max_streams} tracks.")
    stream = _picture_stream(film, bounds)
    looks = _look(film, stream)
    extent = _extent(film, stream, container, size)
    # A clock that jumps makes any length of an estimate; the indexed copy will be measured, and refused if need be.
    seconds = min(extent.end, Fraction(bounds.max_seconds))
    if extent.indexed:
        seconds = extent.end - Fraction(film.start_time or 0, av.time_base)
    _check_length(seconds, extent, bounds)
    return {
        "container": container,
        "indexed": extent.indexed,
        "start": str(Fraction(film.start_time or 0, av.time_base)),
        "seconds": str(seconds),
        "frames": extent.frames,
        "rate": str(extent.rate),
        "picture": {"stream": stream.index, "codec": stream.codec.canonical_name, **looks},
        "sounds": list(itertools.islice(_sounds(film, bounds), bounds.max_sounds)),
        "chapters": _chapters(film, seconds),
    }


def _picture_stream(film: Any, bounds: Bounds) -> VideoStream:
    """The largest moving picture; cover art does not count."""
    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    found = [s for s in film.streams.video if not s.disposition & covers and s.codec_context is not None]
    if not found:
        raise Refused("no_video", "This file has no picture track.")
    known = [s for s in found if s.codec.canonical_name in bounds.pictures]
    if not known:
        raise Refused("unsupported_codec", f"The pictures are coded as {found[0].name}, which we cannot read.")
    best: VideoStream = max(known, key=lambda s: s.codec_context.width * s.codec_context.height)
    wide, high = best.codec_context.width, best.codec_context.height
    if wide * high > bounds.max_pixels:
        raise Refused("too_large_picture", f"A picture of {wide} x {high} is larger than we can encode (8192 x 4320).")
    if min(wide, high) < bounds.min_side:
        raise Refused("too_small_picture", f"A picture of {wide} x {high} is too small to encode.")
    return best


def _look(film: Any, stream: VideoStream) -> dict[str, Any]:
    """Decode the first pictures: proves that it can be done, and shows how they are made."""
    frames = list(itertools.islice(_first_frames(film, stream), LOOKED_AT))
    if not frames:
        raise Refused("damaged", "No picture of this file can be decoded.")
    first, context = frames[0], stream.codec_context
    woven = sum(frame.interlaced_frame for frame in frames) * 2 > len(frames)
    sar = stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1)
    return {
        "width": first.width,
        "height": first.height,
        "sar": str(Fraction(sar) if Fraction(1, 4) <= sar <= 4 else 1),
        "rotation": round(first.rotation) % 360,
        "pix_fmt": first.format.name,
        "interlaced": woven or context.field_order > 1,
        "hdr": HDR_TRANSFERS.get(first.color_trc, ""),
    }


def _first_frames(film: Any, stream: VideoStream) -> Iterator[Any]:
    broken = 0
    for packet in itertools.islice(film.demux(stream), MOST_PACKETS):
        try:
            yield from packet.decode()
        except FFmpegError:
            broken += 1
            if broken > MOST_BROKEN:
                return


@dataclass
class Extent:
    """How long the pictures last. Not `indexed`: an estimate, as a seek would not land on the right picture."""

    indexed: bool
    end: Fraction
    frames: int
    rate: Fraction


def _extent(film: Any, stream: VideoStream, container: str, size: int) -> Extent:
    rate = stream.average_rate or stream.guessed_rate
    if container == "mov" and stream.frames and stream.duration:
        return _extent_of_mov(film, stream, rate, size)
    declared = Fraction(film.duration or 0, av.time_base)
    if container == "matroska" and declared:
        return _extent_of_matroska(film, stream, rate, declared, whole=size <= SCANNED_BYTES)
    return Extent(False, declared, 0, rate or Fraction(25))


def _extent_of_mov(film: Any, stream: VideoStream, rate: Fraction | None, size: int) -> Extent:
    """All from the index; that its last entries lie inside the file shows that it is whole."""
    for other in (*film.streams.video, *film.streams.audio):
        index = other.index_entries
        if len(index) and index[len(index) - 1].pos + index[len(index) - 1].size > size:
            raise Refused("damaged", CUT_OFF)
    tick = stream.time_base or Fraction(1, 1000)
    length = (stream.duration or 0) * tick
    return Extent(True, (stream.start_time or 0) * tick + length, stream.frames, rate or stream.frames / length)


def _extent_of_matroska(
    film: Any, stream: VideoStream, rate: Fraction | None, declared: Fraction, *, whole: bool
) -> Extent:
    """From the packets: of the whole file, or of the last seconds of a large one."""
    film.seek(0 if whole else int(max(Fraction(0), declared - TAIL_SECONDS) * av.time_base))
    times: list[Fraction] = []
    film_end, long = Fraction(0), Fraction(0)
    for packet in film.demux():
        if packet.pts is None:
            continue
        at, lasts = packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base
        film_end = max(film_end, at + lasts)
        if packet.stream_index == stream.index:
            times.append(at)
            long = lasts or long
    if not times or film_end + MISSING_SECONDS + declared / 50 < declared:
        raise Refused("damaged", CUT_OFF)
    span = max(times) - min(times)
    measured = (len(times) - 1) / span if span else rate or Fraction(25)
    # Milliseconds blur a measured rate: the declared one is better when they agree.
    agreed = rate if rate and abs(rate - measured) * 200 <= measured else measured.limit_denominator(1001)
    return Extent(True, max(times) + (long or 1 / agreed), len(times) if whole else 0, agreed)


def _check_length(seconds: Fraction, extent: Extent, bounds: Bounds) -> None:
    if seconds > bounds.max_seconds:
        raise Refused("too_long", "This film is longer than 24 hours.")
    if extent.indexed and seconds <= 0:
        raise Refused("damaged", "This file has no length.")
    if extent.frames and extent.frames / seconds < LEAST_RATE:
        sentence = f"This file shows {extent.frames} pictures in {int(seconds)} seconds; that is not a film."
        raise Refused("too_few_pictures", sentence)


def _sounds(film: Any, bounds: Bounds) -> Iterator[dict[str, Any]]:
    for stream in film.streams.audio:
        context = stream.codec_context
        if context is None or stream.codec.canonical_name not in bounds.sounds or not context.sample_rate:
            continue
        yield {
            "stream": stream.index,
            "codec": stream.codec.canonical_name,
            "channels": stream.channels,
            "sample_rate": context.sample_rate,
            "language": str(stream.metadata.get("language", ""))[:16],
            "title": str(stream.metadata.get("title", ""))[:200],
            "flags": [flag for name, flag in DISPOSITIONS.items() if stream.disposition & av.stream.Disposition[name]],
        }


def _chapters(film: Any, seconds: Fraction) -> list[dict[str, Any]]:
    """In order, each until the next begins: the ends that containers give are often missing or overlap."""
    begin, end_ms = Fraction(film.start_time or 0, av.time_base), round(seconds * 1000)
    starts: dict[int, dict[str, str]] = {}
    for chapter in itertools.islice(film.chapters(), MOST_CHAPTERS):
        at = round((chapter["start"] * (chapter["time_base"] or 0) - begin) * 1000)
        if at < end_ms:
            starts.setdefault(max(0, at), {key.lower(): value for key, value in chapter["metadata"].items()})
    times = sorted(starts)
    return [
        {
            "start_ms": start,
            "end_ms": end,
            "title": _printable(starts[start].get("title", "")[:LONGEST_TITLE]),
            "language": starts[start].get("language", "")[:16],
        }
        for start, end in itertools.pairwise([*times, end_ms])
    ]


def _printable(words: str) -> str:
    """On one line, without what changes how the text around it is shown; joiners belong to Persian and to emoji."""
    return " ".join("".join(c if c.isprintable() or c in "\u200c\u200d" else " " for c in words).split())


def _words(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:120]


def _answer(path: str, bounds: str) -> dict[str, Any]:
    try:
        return {"source": examine(Path(path), Bounds(**json.loads(bounds)))}
    except Refused as refused:
        return {"refused": {"code": refused.code, "message": refused.message}}


def main() -> NoReturn:
    sys.stdout.write(json.dumps(_answer(*sys.argv[1:])) + "\n")
    sys.stdout.flush()
    # The answer is out; a library that trips over the file while it is torn down may not take it back.
    os._exit(0)


if __name__ == "__main__":
    main()
