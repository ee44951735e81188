"""What of an MP4's index matters for copying, in few numbers: runs of pictures from IDR to IDR, runs of AAC frames.

Runs only inside the sandbox, as `python -I runs.py PATH`, beside `examine`; reads bytes and never decodes. Prints a
line of JSON for each track that is plain. What may be copied is decided by `copyable`, outside, from these facts.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from media import index as places
else:
    # `-I` keeps our folder off the path, and the sandbox shows us two of its files only.
    _spec = importlib.util.spec_from_file_location("places", Path(__file__).with_name("index.py"))
    places = sys.modules["places"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(places)

MOST_TRACKS = 32
LONGEST_LINE = 1_000_000
MOST_RUNS = 50_000  # a day of two seconds each; more would not fit into the answer
MOST_NALS = 256  # in one picture
MOST_CONFIG = 1024
AAC_FRAME = 1024
MOST_AAC = 8192  # bytes in a frame
SLICES, IDR = range(1, 6), 5
LOW_COMPLEXITY = 2  # audio object type
RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)


def picture(index: places.Index, file: int) -> dict[str, Any] | None:
    """Runs of an H.264 track: each from an IDR to the next, of pictures that are shown before the next is."""
    avcc = _within(index.entry[1], 78, b"avcC") if index.entry[0] == b"avc1" else b""
    if not 7 <= len(avcc) <= MOST_CONFIG or not index.upright or b"clap" in index.entry[1]:
        return None
    shown, times, frame = list(map(add, index.times, index.offsets)), list(index.times), constant(index.times)
    if frame:
        times[-1] = frame * index.count
    marks = [*index.keys, index.count]
    if len(marks) > MOST_RUNS or not _apart(shown, marks) or shown[0] < index.edit.media_time:
        return None
    if index.offsets[0] < 0 or _cut_short(index, max(shown)) or not all_idr(index, file, avcc):
        return None
    return {
        "timescale": index.timescale,
        "offset": index.offsets[0],
        "start": str(index.edit.delay + Fraction(shown[0] - index.edit.media_time, index.timescale)),
        "count": index.count,
        "frame": frame if on_grid(shown, marks, frame) else 0,
        "avcc": avcc.hex(),
        "ticks": [times[end] - times[first] for first, end in pairwise(marks)],
        "bytes": [index.ends[end] - index.ends[first] for first, end in pairwise(marks)],
    }


def sound(index: places.Index) -> dict[str, Any] | None:
    """An AAC-LC track of frames of 1024 samples without gaps."""
    config = _config(index.entry[1]) if index.entry[0] == b"mp4a" else b""
    rate, channels = low_complexity(config)
    if rate != index.timescale or constant(index.times) != AAC_FRAME or any(index.offsets):
        return None
    if not (min(index.sizes) > 0 and max(index.sizes) < MOST_AAC):
        return None
    start, lead = index.edit.delay, index.edit.media_time
    lasts = Fraction(AAC_FRAME * index.count - lead, rate)
    return {
        "config": config[:2].hex(),
        "rate": rate,
        "channels": channels,
        "start": str(start),
        "end": str(start + (min(lasts, index.edit.seconds) if index.edit.seconds else lasts)),
        "lead": lead,
        "count": index.count,
        "bytes": index.ends[-1],
    }


def constant(times: Any) -> int:
    """How long every sample lasts, the last one apart; 0 if they differ."""
    frame: int = times[1] - times[0]
    count = len(times) - 1
    return frame if frame and times[:-1] == list(range(0, frame * count, frame)) else 0


def on_grid(shown: list[int], marks: list[int], frame: int) -> bool:
    """Whether the pictures of each run are shown one by one, `frame` ticks each, from the film's first picture on."""
    if not frame:
        return False
    grid = range(shown[0], shown[0] + frame * len(shown), frame)
    return all(sorted(shown[first:end]) == list(grid[first:end]) for first, end in pairwise(marks))


def _apart(shown: list[int], marks: list[int]) -> bool:
    """Whether runs begin at the first sample, begin with what is shown first, and end before the next is shown."""
    if marks[0] != 0:
        return False
    for first, end in pairwise(marks):
        run = sorted(shown[first:end])
        if (
            run[0] != shown[first]
            or any(a >= b for a, b in pairwise(run))
            or (end < len(shown) and run[-1] >= shown[end])
        ):
            return False
    return True


def _cut_short(index: places.Index, last: int) -> bool:
    """Whether the edit list ends before the last picture is shown."""
    seconds = Fraction(last - index.edit.media_time, index.timescale)
    return bool(index.edit.seconds) and seconds >= index.edit.seconds


def all_idr(index: places.Index, file: int, avcc: bytes) -> bool:
    """Whether every sync sample is an IDR: files with open GOPs list recovery points as well."""
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)  # a page each, not what lies around it
    prefix = (avcc[4] & 3) + 1
    for sample in index.keys:
        kinds = nals(file, index.position(sample), index.sizes[sample], prefix)
        if next((kind for kind, *_ in kinds if kind in SLICES), 0) != IDR:
            return False
    return True


def nals(file: int, start: int, size: int, prefix: int) -> Iterator[tuple[int, int, int, int]]:
    """(type, first byte of its payload, place, length) of each NAL unit of a sample; type -1 where lengths are wrong.

    `prefix`: how many bytes a length takes.
    """
    at, base, head = 0, 0, os.pread(file, 128, start)
    for _ in range(MOST_NALS):
        if at == size:
            return
        if at - base + prefix + 2 > len(head):
            base, head = at, os.pread(file, 128, start + at)
        length = int.from_bytes(head[at - base : at - base + prefix])
        at += prefix
        if not 1 <= length <= size - at or at - base >= len(head):
            break
        first = head[at - base + 1] if length > 1 and at - base + 1 < len(head) else 0
        yield head[at - base] & 31, first, start + at, length
        at += length
    yield -1, 0, 0, 0


def low_complexity(config: bytes) -> tuple[int, int]:
    """(rate, channels) of an AudioSpecificConfig of plain AAC-LC with one or two channels, (0, 0) otherwise."""
    if len(config) != 2 and not (len(config) == 5 and config[2:] == b"\x56\xe5\x00"):  # the latter: "no SBR"
        return 0, 0
    word = int.from_bytes(config[:2])
    kind, rate, channels, rest = word >> 11, word >> 7 & 15, word >> 3 & 15, word & 7
    plain = kind == LOW_COMPLEXITY and rate < len(RATES) and channels in {1, 2} and rest == 0
    return (RATES[rate], channels) if plain else (0, 0)


def _within(entry: bytes, at: int, kind: bytes) -> bytes:
    """The payload of the first box of a kind inside a sample entry, whose boxes begin at `at`."""
    while at + 8 <= len(entry):
        size = int.from_bytes(entry[at : at + 4])
        if entry[at + 4 : at + 8] == kind:
            return entry[at + 8 : at + size]
        at += max(size, 8)
    return b""


def _config(entry: bytes) -> bytes:
    """The AudioSpecificConfig of an mp4a entry; QuickTime makes the entry longer and wraps the esds."""
    boxes = {0: 28, 1: 44}.get(int.from_bytes(entry[8:10]), len(entry))
    esds = _within(entry, boxes, b"esds") or _within(_within(entry, boxes, b"wave"), 0, b"esds")
    at, inside = 4, {3: 3, 4: 13}  # bytes before the descriptors within
    while at + 2 <= len(esds):
        tag, at, length = esds[at], at + 1, 0
        for byte in esds[at : at + 4]:
            at, length = at + 1, length << 7 | byte & 127
            if byte < 128:
                break
        if tag == 5:
            return esds[at : at + length]
        at += inside.get(tag, length)
    return b""


def tracks(file: int) -> Iterator[dict[str, Any]]:
    """What is plain of an open file: for each such track its number and `picture` or `sound`."""
    for stream in range(MOST_TRACKS):
        try:
            index = places.read_index(file, stream)
            kind, told = ("sound", sound(index)) if index.entry[0] == b"mp4a" else ("picture", picture(index, file))
        except places.NoTrack:
            return
        except places.Odd:
            continue  # it is decoded then
        if told:
            yield {"stream": stream, kind: told}


def main() -> None:
    """A line for each."""
    for told in tracks(os.open(sys.argv[1], os.O_RDONLY)):
        line = json.dumps(told, separators=(",", ":"))
        if len(line) < LONGEST_LINE:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
