"""Which container a file is, by its first bytes; its name and declared type are never believed.

An allow-list: FFmpeg also opens playlists and scripts that name other files, and those must not get near it.
"""

HEAD_BYTES = 4096

_STARTS = {
    b"\x1aE\xdf\xa3": "matroska",
    b"FLV\x01": "flv",
    b"OggS": "ogg",
    b"\x00\x00\x01\xba": "mpeg",
    b"\x00\x00\x01\xb3": "mpeg",
    b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02": "mxf",
    b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel": "asf",
}
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
# Distance of the sync bytes and offset of the first: plain, Blu-ray (time code first) and with error correction.
_TS_PACKETS = ((188, 0), (192, 4), (204, 0))
_TS_SYNCS = 4


def container(head: bytes) -> str | None:
    """The container of a file that begins with `head` (give `HEAD_BYTES`), or None when it is none we take."""
    for start, name in _STARTS.items():
        if head.startswith(start):
            return name
    if head[4:8] in _MP4_BOXES:
        return "mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if any(_synced(head, size, first) for size, first in _TS_PACKETS):
        return "mpegts"
    return None


def _synced(head: bytes, size: int, first: int) -> bool:
    return head[first : first + size * _TS_SYNCS : size] == b"G" * _TS_SYNCS
