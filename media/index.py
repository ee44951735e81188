"""The index of one track of an MP4 or MOV file: where its samples lie, when each is decoded, when it is shown.

`examine` and `remux` load this file inside the sandbox, so it imports nothing of ours. It reads plain indexes only:
what is odd, out of bounds or contradicts itself raises Odd, and such a film is decoded instead of copied.
Tables are handled as a whole, not row by row: two hours take a tenth of a second. Fields follow ISO/IEC 14496-12.
"""

import os
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, chain, pairwise, repeat

MOST_BOXES = 4096  # side by side
MOST_BYTES = 128 << 20  # of a moov; a day of pictures with reordering takes 80 MB
MOST_SAMPLES = 6_000_000  # a day at 60 pictures a second
MOST_TICKS = 1 << 31  # of one sample: a duration above is a negative one
UNITY = (0x10000, 0, 0, 0, 0x10000, 0)


class Odd(ValueError):
    """An index that we leave to FFmpeg."""


class NoTrack(Odd):
    """There are fewer tracks."""


@dataclass(frozen=True)
class Edit:
    """The edit list: after `delay` seconds, from `media_time` (ticks) on, for `seconds`; 0 is to the end."""

    delay: Fraction
    media_time: int
    seconds: Fraction


@dataclass(frozen=True)
class Index:
    """One track. `times` are decode times in ticks, one more than samples; `keys` numbers of sync samples.

    `offsets` lead from there to when a sample is shown; none is negative, as FFmpeg reads those otherwise in fragments.

    `entry` is the sample entry's kind and payload. `upright`: its pictures are shown as they are stored.
    """

    track: int
    entry: tuple[bytes, bytes]
    upright: bool
    timescale: int
    edit: Edit
    sizes: Sequence[int]
    times: Sequence[int]
    offsets: Sequence[int]
    keys: Sequence[int]
    chunks: Sequence[int]
    firsts: Sequence[int]
    ends: Sequence[int]

    @property
    def count(self) -> int:
        return len(self.sizes)

    def position(self, sample: int) -> int:
        """Where a sample begins in the file."""
        chunk = bisect_right(self.firsts, sample) - 1
        return self.chunks[chunk] + self.ends[sample] - self.ends[self.firsts[chunk]]

    def read(self, file: int, sample: int) -> bytes:
        """The bytes of a sample; raises Odd where the file ends before it."""
        data = os.pread(file, self.sizes[sample], self.position(sample))
        if len(data) != self.sizes[sample]:
            raise Odd("a sample lies outside the file")
        return data


def read_index(file: int, stream: int) -> Index:
    """The index of track number `stream` of an open file; raises Odd."""
    try:
        return _track(_moov(file), stream)
    except (struct.error, IndexError, OverflowError) as error:
        raise Odd("a box ends early") from error


def _moov(file: int) -> memoryview:
    at, end = 0, os.fstat(file).st_size
    for _ in range(MOST_BOXES):
        head = os.pread(file, 16, at)
        size, kind = struct.unpack_from(">I4s", head)
        if size == 1:
            size = struct.unpack_from(">Q", head, 8)[0]
        if kind == b"moov":
            return memoryview(os.pread(file, min(size, MOST_BYTES), at))[8 if size < 1 << 32 else 16 :]
        if size < 8 or at + size > end:
            break
        at += size
    raise Odd("no moov")


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    for _ in range(MOST_BOXES):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            raise Odd(f"box {kind!r} of {size} bytes")
        yield kind, data[at + 8 : at + size]
        at += size
    raise Odd("too many boxes")


def _all(data: memoryview, *path: bytes) -> list[memoryview]:
    """Every box at the end of a path."""
    for name in path[:-1]:
        data = _one(data, name)
    return [payload for kind, payload in _boxes(data) if kind == path[-1]]


def _one(data: memoryview, *path: bytes) -> memoryview:
    found = _all(data, *path)
    if len(found) != 1:
        raise Odd(f"{len(found)} boxes {path[-1]!r}")
    return found[0]


def _track(moov: memoryview, stream: int) -> Index:
    if any(kind == b"mvex" for kind, _ in _boxes(moov)):
        raise Odd("fragmented")
    traks = _all(moov, b"trak")
    if stream >= len(traks):
        raise NoTrack(f"no track {stream}")
    trak = traks[stream]
    table = _one(trak, b"mdia", b"minf", b"stbl")
    sizes = _sizes(_one(table, b"stsz"))
    ends = [0, *accumulate(sizes)]
    chunks, firsts = _chunks(table, len(sizes))
    track, upright = _header(_one(trak, b"tkhd"))
    edit = _edit(_all(trak, b"edts"), _timescale(_one(moov, b"mvhd")))
    offsets = _offsets(_all(table, b"ctts"), len(sizes))
    early = min(chain((0,), offsets))
    return Index(
        track=track,
        entry=_entry(_one(table, b"stsd")),
        upright=upright,
        timescale=_timescale(_one(trak, b"mdia", b"mdhd")),
        edit=replace(edit, media_time=edit.media_time - early),
        sizes=sizes,
        times=_times(_one(table, b"stts"), len(sizes)),
        offsets=[offset - early for offset in offsets] if early else offsets,
        keys=_keys(_all(table, b"stss"), len(sizes)),
        chunks=chunks,
        firsts=firsts,
        ends=ends,
    )


def _header(tkhd: memoryview) -> tuple[int, bool]:
    """The track's number, and whether its matrix does nothing."""
    wide = tkhd[0] == 1
    matrix = struct.unpack_from(">6i", tkhd, 52 if wide else 40)
    return struct.unpack_from(">I", tkhd, 20 if wide else 12)[0], matrix == UNITY


def _entry(stsd: memoryview) -> tuple[bytes, bytes]:
    entries = list(_boxes(stsd[8:]))
    if len(entries) != 1:
        raise Odd(f"{len(entries)} sample descriptions")
    return entries[0][0], bytes(entries[0][1])


def _timescale(header: memoryview) -> int:
    """Of an mvhd or mdhd, which begin alike."""
    ticks: int = struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)[0]
    if not ticks:
        raise Odd("no ticks in a second")
    return ticks


def _edit(edts: list[memoryview], movie_timescale: int) -> Edit:
    lists = [elst for box in edts for elst in _all(box, b"elst")]
    delay, edits = 0, [(0, 0, 1, 0)]
    if lists:
        form, size = (">QqhH", 20) if lists[0][0] == 1 else (">IihH", 12)
        count = struct.unpack_from(">I", lists[0], 4)[0]
        edits = [struct.unpack_from(form, lists[0], 8 + size * number) for number in range(min(count, 3))]
        if len(edits) > 1 and edits[0][1] == -1:
            delay = edits.pop(0)[0]
    if len(lists) > 1 or len(edits) != 1 or edits[0][1] < 0 or edits[0][2:] != (1, 0):
        raise Odd("an edit list that does more than begin and end")
    return Edit(Fraction(delay, movie_timescale), edits[0][1], Fraction(edits[0][0], movie_timescale))


def _numbers(data: memoryview, at: int, count: int, kind: str = "I") -> "array[int]":
    """`count` numbers of four ("I", "i") or eight ("Q") bytes."""
    numbers: array[int] = array(kind)
    numbers.frombytes(data[at : at + count * numbers.itemsize])
    if len(numbers) != count:
        raise Odd("a table ends early")
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _sizes(stsz: memoryview) -> Sequence[int]:
    size, count = struct.unpack_from(">II", stsz, 4)
    if not 1 <= count <= MOST_SAMPLES:
        raise Odd(f"{count} samples")
    return [size] * count if size else _numbers(stsz, 12, count)


def _spread(rows: "array[int]", values: Sequence[int], count: int) -> Iterator[int]:
    """A table of (how often, what) as one value a sample."""
    if sum(rows[0::2]) != count:
        raise Odd("tables of different lengths")
    return chain.from_iterable(map(repeat, values, rows[0::2]))


def _times(stts: memoryview, count: int) -> list[int]:
    rows = _numbers(stts, 8, 2 * struct.unpack_from(">I", stts, 4)[0])
    if max(rows[1::2], default=MOST_TICKS) >= MOST_TICKS:
        raise Odd("time runs backwards")
    return [0, *accumulate(_spread(rows, rows[1::2], count))]


def _offsets(found: list[memoryview], count: int) -> Sequence[int]:
    if not found:
        return [0] * count
    many = 2 * struct.unpack_from(">I", found[0], 4)[0]
    rows, signed = _numbers(found[0], 8, many), _numbers(found[0], 8, many, "i")
    return list(_spread(rows, signed[1::2], count))


def _keys(found: list[memoryview], count: int) -> Sequence[int]:
    """Every sample is a sync sample where there is no list of them."""
    if not found:
        return range(count)
    numbers = [number - 1 for number in _numbers(found[0], 8, struct.unpack_from(">I", found[0], 4)[0])]
    if not numbers or numbers[0] < 0 or numbers[-1] >= count or any(a >= b for a, b in pairwise(numbers)):
        raise Odd("sync samples out of order")
    return numbers


def _chunks(table: memoryview, count: int) -> tuple[Sequence[int], list[int]]:
    """Where each chunk begins in the file, and the number of its first sample."""
    kind, width = ("Q", b"co64") if _all(table, b"co64") else ("I", b"stco")
    place, runs = _one(table, width), _one(table, b"stsc")
    chunks = _numbers(place, 8, struct.unpack_from(">I", place, 4)[0], kind)
    rows = _numbers(runs, 8, 3 * struct.unpack_from(">I", runs, 4)[0])
    starts = [*rows[0::3], len(chunks) + 1]
    firsts: list[int] = []
    at = 0
    for (start, end), samples, description in zip(pairwise(starts), rows[1::3], rows[2::3], strict=True):
        if not (1 <= start < end <= len(chunks) + 1 and samples and description == 1):
            raise Odd("chunks out of order")
        firsts.extend(range(at, at + samples * (end - start), samples))
        at += samples * (end - start)
    if at != count or starts[0] != 1:
        raise Odd("tables of different lengths")
    return chunks, firsts
