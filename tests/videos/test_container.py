"""First bytes tell the container; everything else is refused."""

import pytest

from api.videos.container import container
from tests.videos.uploading import HEAD


def packets(size: int, first: int, count: int = 5) -> bytes:
    packet = b"\x00" * first + b"G" + b"\xff" * (size - first - 1)
    return packet * count


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (HEAD, "mp4"),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", "mp4"),
        (b"\x00\x00\x00\x08wide\x00\x10\x00\x00mdat", "mp4"),
        (b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86", "matroska"),
        (packets(188, 0), "mpegts"),
        (packets(192, 4), "mpegts"),
        (packets(204, 0), "mpegts"),
        (b"RIFF\x00\x10\x00\x00AVI LIST", "avi"),
        (b"FLV\x01\x05\x00\x00\x00\x09", "flv"),
        (b"\x00\x00\x01\xba\x44\x00", "mpeg"),
        (b"OggS\x00\x02", "ogg"),
        (b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02\x01\x01\x02", "mxf"),
        (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel\x00", "asf"),
    ],
)
def test_a_known_container_is_recognised(head: bytes, name: str) -> None:
    assert container(head) == name


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"G",
        b"GGGG" + b"\x00" * 4000,
        packets(188, 0, 3),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\nfile:///etc/passwd",
        b"ffconcat version 1.0\nfile a.mp4",
        b"<?xml version='1.0'?><MPD/>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x00\x10\x00\x00WAVEfmt ",
        b"\x7fELF\x02\x01\x01",
        b"ftypisom",
    ],
)
def test_what_is_not_a_film_is_refused(head: bytes) -> None:
    assert container(head) is None
