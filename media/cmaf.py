"""Write fragmented MP4: an init segment and the media segments of one track, as bytes; `boxes` reads them back.

Pure functions for what is not encoded by us: copied pictures and sound, AAC frames, single pictures. `remux` loads this
file inside the sandbox, so it imports nothing of ours. Field positions follow ISO/IEC 14496-12, -14 and -15.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

UNITY = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)  # the matrix that changes nothing
SYNC, NOT_SYNC = 0x02000000, 0x01010000  # sample_depends_on, sample_is_non_sync_sample
TRACK = 1
DATA_OFFSET, FIRST_FLAGS, DURATIONS, SIZES, FLAGS, OFFSETS = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800  # of trun


@dataclass(frozen=True)
class Sample:
    """One coded picture or AAC frame. `duration` and `offset` (presentation minus decode time) in the track's ticks."""

    data: bytes
    duration: int
    offset: int = 0
    sync: bool = True


def video_init(avcc: bytes, width: int, height: int, timescale: int, first_offset: int) -> bytes:
    """The init segment of H.264; `avcc` is the payload of an avcC box, `first_offset` that of the first sample."""
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 24, -1)
    entry = _box(b"avc1", entry, _box(b"avcC", avcc))
    header = _full(b"vmhd", 0, 1, bytes(8))
    return _init(entry, header, timescale, first_offset, (width, height))


def audio_init(config: bytes, channels: int, rate: int, lead: int) -> bytes:
    """The init segment of AAC; `config` is its AudioSpecificConfig, `lead` the samples before the film's start."""
    decoder = _descriptor(4, struct.pack(">BBxHII", 0x40, 0x15, 0, 0, 0) + _descriptor(5, config))
    esds = _full(b"esds", 0, 0, _descriptor(3, struct.pack(">HB", TRACK, 0) + decoder + _descriptor(6, b"\2")))
    entry = _box(b"mp4a", struct.pack(">6xH8xHH4xI", 1, channels, 16, rate << 16), esds)
    return _init(entry, _full(b"smhd", 0, 0, bytes(4)), rate, lead, None)


def segment(number: int, decode_time: int, samples: Sequence[Sample]) -> bytes:
    """One media segment; `number` counts from 1, `decode_time` is that of its first sample."""
    run = _run(samples)
    head = _full(b"tfhd", 0, 0x20000, struct.pack(">I", TRACK))  # offsets count from the moof
    time = _full(b"tfdt", 1, 0, struct.pack(">Q", decode_time))
    fragment = _full(b"mfhd", 0, 0, struct.pack(">I", number))
    # 8 each for the headers of moof, traf, trun and mdat; then trun's version, flags and count.
    start = 8 + len(fragment) + 8 + len(head) + len(time) + 8 + len(run) + 8
    run = run[:8] + struct.pack(">i", start) + run[12:]
    moof = _box(b"moof", fragment, _box(b"traf", head, time, _box(b"trun", run)))
    data = b"".join(sample.data for sample in samples)
    return b"".join((_box(b"styp", b"msdh", bytes(4), b"msdhmsix"), moof, _box(b"mdat", data)))


def _run(samples: Sequence[Sample]) -> bytes:
    """The payload of a trun, with room for the offset of the data."""
    fields = DATA_OFFSET | DURATIONS | SIZES | FLAGS
    fields |= OFFSETS if any(sample.offset for sample in samples) else 0
    rows = []
    for sample in samples:
        row = struct.pack(">III", sample.duration, len(sample.data), SYNC if sample.sync else NOT_SYNC)
        rows.append(row + struct.pack(">i", sample.offset) if fields & OFFSETS else row)
    return struct.pack(">IIi", 1 << 24 | fields, len(samples), 0) + b"".join(rows)


def _init(entry: bytes, media_header: bytes, timescale: int, media_time: int, size: tuple[int, int] | None) -> bytes:
    """One edit only, and no empty one: browsers read no more than that. `size`: of pictures."""
    handler, volume = (b"vide", 0) if size else (b"soun", 0x100)
    width, height = size or (0, 0)
    movie = struct.pack(">IIIIIH10x", 0, 0, timescale, 0, 0x10000, 0x100) + UNITY + bytes(24) + struct.pack(">I", 2)
    track = struct.pack(">IIIII8xHHHxx", 0, 0, TRACK, 0, 0, 0, 0, volume) + UNITY
    track += struct.pack(">II", width << 16, height << 16)
    edit = _full(b"elst", 0, 0, struct.pack(">IIiHH", 1, 0, media_time, 1, 0))
    here = _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1))
    tables = _box(
        b"stbl",
        _full(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        *(_full(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc")),
        _full(b"stsz", 0, 0, bytes(8)),
        _full(b"stco", 0, 0, bytes(4)),
    )
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, timescale, 0, 0x55C4, 0)),  # language und
        _full(b"hdlr", 0, 0, bytes(4), handler, bytes(13)),
        _box(b"minf", media_header, _box(b"dinf", here), tables),
    )
    trak = _box(b"trak", _full(b"tkhd", 0, 3, track), _box(b"edts", edit), media)
    extends = _box(b"mvex", _full(b"trex", 0, 0, struct.pack(">IIIII", TRACK, 1, 0, 0, 0)))
    moov = _box(b"moov", _full(b"mvhd", 0, 0, movie), trak, extends)
    return _box(b"ftyp", b"iso6", bytes(4), b"iso6cmfcmp41") + moov


def _box(kind: bytes, *payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, payload)), kind) + b"".join(payload)


def _full(kind: bytes, version: int, flags: int, *payload: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *payload)


def _descriptor(tag: int, payload: bytes) -> bytes:
    """An MPEG-4 descriptor of up to 127 bytes."""
    return struct.pack(">BB", tag, len(payload)) + payload
