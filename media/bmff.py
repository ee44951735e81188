"""How ISO BMFF files are put together: boxes in boxes. Field positions everywhere follow ISO/IEC 14496-12."""

import struct
from collections.abc import Iterator

CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"edts", b"mvex")
DEEPEST = 8


class BadBox(ValueError):
    """Bytes that are not the box they should be."""


def boxes(data: bytes, *, whole: bool = True) -> Iterator[tuple[bytes, bytes]]:
    """(kind, payload) of each box in `data`; with `whole` a box that runs past the end is an error."""
    for kind, at, size, header in headers(data):
        if whole and at + size > len(data):
            raise BadBox(f"box {kind!r} of {size} bytes at {at}")
        yield kind, data[at + header : at + size]


def headers(data: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """(kind, where it begins, its size, the size of its header) of each box that begins in `data`."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1 and at + 16 <= len(data):
            size, header = struct.unpack_from(">Q", data, at + 8)[0], 16
        if size < header:
            raise BadBox(f"box {kind!r} of {size} bytes at {at}")
        yield kind, at, size, header
        at += size


def tree(data: bytes, *, whole: bool = True, depth: int = 0) -> dict[bytes, list[bytes]]:
    """All boxes by kind, those inside containers too."""
    if depth > DEEPEST:
        raise BadBox("boxes in boxes without end")
    found: dict[bytes, list[bytes]] = {}
    for kind, payload in boxes(data, whole=whole):
        if kind in CONTAINERS:
            for inner, payloads in tree(payload, depth=depth + 1).items():
                found.setdefault(inner, []).extend(payloads)
        else:
            found.setdefault(kind, []).append(payload)
    return found


def one(found: dict[bytes, list[bytes]], kind: bytes, *, several: bool = False) -> bytes:
    """The payload of the one box of this kind; of the first one where there may be `several`."""
    if not found.get(kind) or (len(found[kind]) != 1 and not several):
        raise BadBox(f"{len(found.get(kind, []))} boxes {kind.decode()} where one belongs")
    return found[kind][0]


def read(form: str, data: bytes, at: int) -> tuple[int, ...]:
    """Numbers from a box; BadBox where it is too short for them."""
    try:
        return struct.unpack_from(form, data, at)
    except struct.error as error:
        raise BadBox("a box ends early") from error
