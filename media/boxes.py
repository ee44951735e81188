"""The few ISO BMFF boxes we read from files our own encoder wrote: of init segments and of media segments.

A malformed file raises BadBox; a conformance report then says so. Field positions follow ISO/IEC 14496-12.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path

HEAD_BYTES = 1 << 14  # a moof of four seconds takes four KB
SYNC_MASK = 0x00010000  # sample_is_non_sync_sample
CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"edts", b"mvex")


class BadBox(ValueError):
    """Bytes that are not the box they should be."""


@dataclass(frozen=True)
class Init:
    """What an init segment says. `edits` are (segment_duration, media_time); `codec` is the RFC 6381 string."""

    timescale: int
    edits: tuple[tuple[int, int], ...]
    codec: str
    width: int
    height: int


@dataclass(frozen=True)
class Media:
    """What a media segment says, in units of its track's timescale. `first_pts` counts from the edit list's start."""

    decode_time: int
    samples: int
    duration: int
    first_offset: int
    starts_with_sync: bool


def read_init(data: bytes) -> Init:
    """The one track of an init segment."""
    found = _tree(data)
    timescale = _mdhd_timescale(_one(found, b"mdhd"))
    edits = tuple(_edits(found[b"elst"][0])) if b"elst" in found else ()
    codec, width, height = _sample_entry(_one(found, b"stsd"))
    return Init(timescale, edits, codec, width, height)


def read_media(path: Path) -> Media:
    """The fragments of one media segment; the head of the file suffices, but the whole of it must be there."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = file.seek(0, SEEK_END)
    if sum(length for _, length, _ in _headers(head)) != size:
        raise BadBox(f"{path.name}: {size} bytes are not what its boxes say")
    found = _tree(head, whole=False)
    headers, runs = found.get(b"tfhd", []), found.get(b"trun", [])
    if not headers or len(headers) != len(runs):
        raise BadBox(f"{path.name}: {len(headers)} tfhd, {len(runs)} trun")
    read = [_run(run, _defaults(header)) for header, run in zip(headers, runs, strict=True)]
    return Media(
        decode_time=_decode_time(_one(found, b"tfdt")),
        samples=sum(run.samples for run in read),
        duration=sum(run.duration for run in read),
        first_offset=read[0].first_offset,
        starts_with_sync=read[0].starts_with_sync,
    )


@dataclass(frozen=True)
class _Run:
    samples: int
    duration: int
    first_offset: int
    starts_with_sync: bool


def boxes(data: bytes, *, whole: bool = True) -> Iterator[tuple[bytes, bytes]]:
    """(kind, payload) of each box in `data`; with `whole` a box that runs past the end is an error."""
    at = 0
    for kind, size, header in _headers(data):
        if whole and at + size > len(data):
            raise BadBox(f"box {kind!r} of {size} bytes at {at}")
        yield kind, data[at + header : at + size]
        at += size


def _headers(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, size of the box, size of its header) of each box that begins in `data`."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1 and at + 16 <= len(data):
            size, header = struct.unpack_from(">Q", data, at + 8)[0], 16
        if size < header:
            raise BadBox(f"box {kind!r} of {size} bytes at {at}")
        yield kind, size, header
        at += size


def _tree(data: bytes, *, whole: bool = True) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for kind, payload in boxes(data, whole=whole):
        if kind in CONTAINERS:
            for inner, payloads in _tree(payload).items():
                found.setdefault(inner, []).extend(payloads)
        else:
            found.setdefault(kind, []).append(payload)
    return found


def _one(found: dict[bytes, list[bytes]], kind: bytes) -> bytes:
    if len(found.get(kind, [])) != 1:
        raise BadBox(f"{len(found.get(kind, []))} boxes {kind.decode()} where one belongs")
    return found[kind][0]


def _read(form: str, data: bytes, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error as error:
        raise BadBox("a box ends early") from error


def _mdhd_timescale(mdhd: bytes) -> int:
    return _read(">I", mdhd, 20 if mdhd[:1] == b"\1" else 12)[0]


def _edits(elst: bytes) -> Iterator[tuple[int, int]]:
    form, size = (">Qq", 20) if elst[:1] == b"\1" else (">Ii", 12)
    for entry in range(_read(">I", elst, 4)[0]):
        duration, media_time = _read(form, elst, 8 + entry * size)
        yield duration, media_time


def _sample_entry(stsd: bytes) -> tuple[str, int, int]:
    entry = next(boxes(stsd[8:]), None)
    if entry is None:
        raise BadBox("stsd is empty")
    kind, payload = entry
    if kind == b"avc1":
        width, height = _read(">HH", payload, 24)
        avcc = dict(boxes(payload[78:])).get(b"avcC", b"")
        if len(avcc) < 4:
            raise BadBox("avc1 without avcC")
        return f"avc1.{avcc[1:4].hex()}", width, height
    if kind == b"mp4a":
        return "mp4a.40.2", 0, 0
    raise BadBox(f"sample entry {kind!r}")


def _decode_time(tfdt: bytes) -> int:
    return _read(">Q" if tfdt[:1] == b"\1" else ">I", tfdt, 4)[0]


def _defaults(tfhd: bytes) -> tuple[int, int]:
    """Default duration and flags of a fragment's samples."""
    flags = _read(">I", tfhd, 0)[0] & 0xFFFFFF
    at, values = 8, {}
    for bit, width in ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4), (0x20, 4)):
        if flags & bit:
            values[bit] = _read(">Q" if width == 8 else ">I", tfhd, at)[0]
            at += width
    return values.get(0x8, 0), values.get(0x20, 0)


def _run(trun: bytes, defaults: tuple[int, int]) -> _Run:
    word, samples = _read(">II", trun, 0)
    flags, at = word & 0xFFFFFF, 8
    at += 4 if flags & 0x1 else 0
    first_flags = None
    if flags & 0x4:
        first_flags, at = _read(">I", trun, at)[0], at + 4
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    row = struct.Struct(">" + "i" * len(fields))
    if samples < 1 or len(trun) < at + row.size * samples:
        raise BadBox(f"trun of {samples} samples in {len(trun)} bytes")
    rows = [dict(zip(fields, row.unpack_from(trun, at + i * row.size), strict=True)) for i in range(samples)]
    duration = sum(sample.get(0x100, defaults[0]) for sample in rows)
    if first_flags is None:
        first_flags = rows[0].get(0x400, defaults[1])
    return _Run(samples, duration, rows[0].get(0x800, 0), not first_flags & SYNC_MASK)
