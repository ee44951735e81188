"""The few ISO BMFF boxes we read: of init segments and of media segments, ours and what was made of a stranger's.

A malformed file raises BadBox; a conformance report then says so. Field positions follow ISO/IEC 14496-12.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

from media.bmff import BadBox, boxes, headers, one, read, tree
from media.entries import Entry, sample_entry

__all__ = ["BadBox", "Init", "Key", "Media", "boxes", "media_of", "read_head", "read_init", "read_keys", "read_media"]

HEAD_BYTES = 1 << 14  # a moof of four seconds takes four KB
MOST_SAMPLES = 1 << 16
MOST_HEAD = 2 << 20  # what so many samples take; a reader outside the sandbox holds it in memory
SYNC_MASK = 0x00010000  # sample_is_non_sync_sample


@dataclass(frozen=True)
class Init:
    """What an init segment says: `edits` are (segment_duration, media_time), `tracks` the numbers of all there are.

    `fragmented`: it holds no samples of its own. `codec` is the RFC 6381 string.
    """

    timescale: int
    edits: tuple[tuple[int, int], ...]
    entry: Entry
    tracks: tuple[int, ...] = ()
    fragmented: bool = True

    @property
    def codec(self) -> str:
        return self.entry.codec

    @property
    def width(self) -> int:
        return self.entry.width

    @property
    def height(self) -> int:
        return self.entry.height


@dataclass(frozen=True)
class Media:
    """What a media segment says, in units of its track's timescale; `first_offset` is the first sample's pts - dts.

    `tracks` has an entry for each fragment. `keys` counts key samples, `key_gap` is the longest way from one to the
    next or to the end. The `data_bytes` of the samples begin at `data_at` in the file.
    """

    decode_time: int
    samples: int
    duration: int
    first_offset: int
    starts_with_sync: bool
    tracks: tuple[int, ...] = ()
    keys: int = 0
    key_gap: int = 0
    data_at: int = 0
    data_bytes: int = 0


@dataclass(frozen=True)
class Key:
    """A key sample: its `size` bytes from `at` on in the file, its decode time and its pts - dts in ticks."""

    at: int
    size: int
    decode_time: int
    offset: int


def read_init(data: bytes) -> Init:
    """The one track of an init segment; of several the first one's header and sample entry count."""
    found = tree(data)
    tracks = tuple(_track_id(header) for header in found.get(b"tkhd", []))
    several = len(tracks) > 1
    timescale = _mdhd_timescale(one(found, b"mdhd", several=several))
    edits = tuple(_edits(found[b"elst"][0])) if b"elst" in found else ()
    entry = sample_entry(one(found, b"stsd", several=several))
    empty = not any(read(">I", table, 4)[0] for table in found.get(b"stts", []))
    return Init(timescale, edits, entry, tracks, fragmented=b"trex" in found and empty)


def read_media(path: Path) -> Media:
    """The fragments of one media segment; the head of the file suffices, but the whole of it must be there."""
    with path.open("rb") as file:
        head, size = read_head(file)
    return media_of(head, size, path.name)


def read_keys(path: Path) -> list[Key]:
    """The key samples of a media segment of one fragment, in order."""
    with path.open("rb") as file:
        head, size = read_head(file)
    media, found = media_of(head, size, path.name), tree(head, whole=False)
    run = _run(one(found, b"trun"), _Fragment.of(one(found, b"tfhd")))
    places = list(accumulate(run.sizes, initial=media.data_at))
    times = list(accumulate(run.durations, initial=media.decode_time))
    return [Key(places[number], run.sizes[number], times[number], run.offsets[number]) for number in run.keys]


def read_head(file: BinaryIO) -> tuple[bytes, int]:
    """The first bytes of a media segment, its moof whole, and the size of the file; BadBox for an absurd moof."""
    head = file.read(HEAD_BYTES)
    size = file.seek(0, SEEK_END)
    wanted = next((at + length for kind, at, length, _ in headers(head) if kind == b"moof"), 0)
    if wanted > MOST_HEAD:
        raise BadBox(f"a moof of {wanted} bytes")
    if len(head) < wanted <= size:
        file.seek(0)
        head = file.read(wanted)
    return head, size


def media_of(head: bytes, size: int, name: str) -> Media:
    """What `read_media` says, from the first bytes of a file of `size` bytes."""
    if sum(length for _, _, length, _ in headers(head)) != size:
        raise BadBox(f"{name}: {size} bytes are not what its boxes say")
    found = tree(head, whole=False)
    firsts, truns, times = (found.get(kind, []) for kind in (b"tfhd", b"trun", b"tfdt"))
    if not firsts or not len(firsts) == len(truns) == len(times):
        raise BadBox(f"{name}: {len(firsts)} tfhd, {len(truns)} trun, {len(times)} tfdt")
    parts = [_Fragment.of(tfhd) for tfhd in firsts]
    runs = [_run(trun, part) for trun, part in zip(truns, parts, strict=True)]
    base = parts[0].base
    if base is None:
        base = next((at for kind, at, _, _ in headers(head) if kind == b"moof"), 0)
    media = Media(
        decode_time=_decode_time(times[0]),
        samples=sum(len(run.durations) for run in runs),
        duration=sum(sum(run.durations) for run in runs),
        first_offset=runs[0].offsets[0],
        starts_with_sync=runs[0].keys[:1] == [0],
        tracks=tuple(part.track for part in parts),
        keys=sum(len(run.keys) for run in runs),
        key_gap=max(run.key_gap for run in runs),
        data_at=base + runs[0].data_offset,
        data_bytes=sum(run.size for run in runs),
    )
    if not 0 < media.data_at <= size - media.data_bytes:
        raise BadBox(f"{name}: {media.data_bytes} bytes of samples from {media.data_at} on, in {size}")
    return media


@dataclass(frozen=True)
class _Fragment:
    """What a tfhd says: the track, where data offsets count from (None: the moof), and what samples are by default."""

    track: int
    base: int | None
    duration: int
    size: int
    flags: int

    @classmethod
    def of(cls, tfhd: bytes) -> "_Fragment":
        word, track = read(">II", tfhd, 0)
        at, values = 8, {}
        for bit, width in ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4), (0x20, 4)):
            if word & bit:
                values[bit] = read(">Q" if width == 8 else ">I", tfhd, at)[0]
                at += width
        return cls(track, values.get(0x1), values.get(0x8, 0), values.get(0x10, 0), values.get(0x20, 0))


@dataclass(frozen=True)
class _Run:
    """What a trun says; `keys` are the numbers of its key samples."""

    durations: Sequence[int]
    sizes: Sequence[int]
    offsets: Sequence[int]
    data_offset: int
    keys: list[int]

    @property
    def size(self) -> int:
        return sum(self.sizes)

    @property
    def key_gap(self) -> int:
        ends = [*self.keys, len(self.durations)]
        return max((sum(self.durations[key:end]) for key, end in pairwise(ends)), default=0)


def _mdhd_timescale(mdhd: bytes) -> int:
    return read(">I", mdhd, 20 if mdhd[:1] == b"\1" else 12)[0]


def _edits(elst: bytes) -> Iterator[tuple[int, int]]:
    form, size = (">Qq", 20) if elst[:1] == b"\1" else (">Ii", 12)
    for entry in range(read(">I", elst, 4)[0]):
        duration, media_time = read(form, elst, 8 + entry * size)
        yield duration, media_time


def _track_id(tkhd: bytes) -> int:
    return read(">I", tkhd, 20 if tkhd[:1] == b"\1" else 12)[0]


def _decode_time(tfdt: bytes) -> int:
    return read(">Q" if tfdt[:1] == b"\1" else ">I", tfdt, 4)[0]


def _run(trun: bytes, part: _Fragment) -> _Run:
    word, samples = read(">II", trun, 0)
    flags, at = word & 0xFFFFFF, 8
    data_offset = read(">i", trun, at)[0] if flags & 0x1 else 0
    at += 4 if flags & 0x1 else 0
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    first = at + (4 if flags & 0x4 else 0)
    if not 1 <= samples <= MOST_SAMPLES or len(trun) < first + 4 * len(fields) * samples:
        raise BadBox(f"trun of {samples} samples in {len(trun)} bytes")
    values = struct.unpack_from(f">{len(fields) * samples}i", trun, first)
    columns = {bit: values[number :: len(fields)] for number, bit in enumerate(fields)}
    marks = list(columns.get(0x400) or (part.flags,) * samples)
    if flags & 0x4:
        marks[0] = read(">I", trun, at)[0]
    return _Run(
        durations=columns.get(0x100) or (part.duration,) * samples,
        sizes=columns.get(0x200) or (part.size,) * samples,
        offsets=columns.get(0x800) or (0,) * samples,
        data_offset=data_offset,
        keys=[number for number, mark in enumerate(marks) if not mark & SYNC_MASK],
    )
