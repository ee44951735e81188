"""Indexes of MP4 files: read as FFmpeg reads them, and refused where they are hostile."""

import itertools
import json
import os
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import msgspec
import pytest

from media import runs
from media.copyable import Runs
from media.index import Index, NoTrack, Odd, read_index
from media.probe import Refused, probe
from tests import films

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "12", "-pix_fmt", "yuv420p")
WAYS = {
    "plain": (*H264, "-c:a", "aac"),
    "signed": (*H264, "-movflags", "+negative_cts_offsets", "-c:a", "aac"),
    "faststart": (*H264, "-movflags", "+faststart", "-c:a", "aac"),
    "no edit list": (*H264, "-use_editlist", "0", "-c:a", "aac"),
    "uneven": ("-vf", "select='not(eq(mod(n,5),3))'", "-fps_mode", "vfr", *H264, "-c:a", "aac"),
    "pcm": (*H264, "-c:a", "pcm_s16le"),
    "mpeg-4": ("-c:v", "mpeg4", "-c:a", "aac"),
}


def made(out: Path, *options: str) -> Path:
    films.ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25:duration=3"),
        *("-f", "lavfi", "-i", "sine=sample_rate=44100:duration=3", *options, str(out)),
    )
    return out


@contextmanager
def opened(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDONLY)
    yield file
    os.close(file)


def index_of(path: Path, stream: int) -> tuple[Index, list[bytes]]:
    with opened(path) as file:
        index = read_index(file, stream)
        return index, [index.read(file, sample) for sample in range(index.count)]


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_ffmpeg_reads_the_same(options: tuple[str, ...], tmp_path: Path) -> None:
    path = made(tmp_path / "a.mov", *options)
    with av.open(str(path)) as film:
        packets = [p for p in film.demux(video=0) if p.size]
        start = film.streams.video[0].start_time
    index, samples = index_of(path, 0)
    assert samples == [bytes(packet) for packet in packets]
    assert [index.position(n) for n in range(index.count)] == [packet.pos for packet in packets]
    first = index.edit.media_time - int(index.edit.delay * index.timescale)
    shown = [time + offset - first for time, offset in zip(index.times, index.offsets, strict=False)]
    assert shown == [packet.pts for packet in packets]
    assert list(index.keys) == [n for n, packet in enumerate(packets) if packet.is_keyframe]
    assert [end - start for start, end in itertools.pairwise(index.times)] == [packet.duration for packet in packets]
    assert shown[0] == start


def test_sound_is_read_as_ffmpeg_reads_it(tmp_path: Path) -> None:
    path = made(tmp_path / "a.mp4", *WAYS["plain"])
    with av.open(str(path)) as film:
        packets = [p for p in film.demux(audio=0) if p.size]
    index, samples = index_of(path, 1)
    assert samples == [bytes(packet) for packet in packets]
    assert [time - index.edit.media_time for time in index.times[:-1]] == [packet.pts for packet in packets]


def test_there_are_no_more_tracks_than_there_are(tmp_path: Path) -> None:
    with opened(made(tmp_path / "a.mp4", *WAYS["plain"])) as file, pytest.raises(NoTrack):
        read_index(file, 2)


def patched(data: bytes, box: bytes, at: int, value: bytes) -> bytes:
    """The first such box with other bytes at `at` of its payload."""
    place = data.index(box, data.index(b"moov")) + 4 + at
    return data[:place] + value + data[place + len(value) :]


MANY = b"\xff\xff\xff\xff"
HOSTILE = {
    "times": (b"stts", 4, MANY),
    "time of a sample": (b"stts", 12, MANY),
    "samples of a time": (b"stts", 8, MANY),
    "offsets": (b"ctts", 4, MANY),
    "samples": (b"stsz", 8, MANY),
    "samples of one size": (b"stsz", 4, MANY + MANY),
    "keys": (b"stss", 4, MANY),
    "key": (b"stss", 8, MANY),
    "chunks": (b"stco", 4, MANY),
    "samples of a chunk": (b"stsc", 12, MANY),
    "first chunk": (b"stsc", 8, bytes(4)),
    "description": (b"stsc", 16, MANY),
    "descriptions": (b"stsd", 8, struct.pack(">I", 8)),
    "edits": (b"elst", 12, struct.pack(">i", -1)),
    "speed": (b"elst", 16, b"\0\2\0\0"),
    "timescale": (b"mdhd", 12, bytes(4)),
    "box": (b"stbl", 0, MANY),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_an_index_with_absurd_values_is_left_alone(change: tuple[bytes, int, bytes], tmp_path: Path) -> None:
    path = made(tmp_path / "a.mp4", *WAYS["plain"])
    path.write_bytes(patched(path.read_bytes(), *change))
    with opened(path) as file, pytest.raises(Odd):
        read_index(file, 0)


async def test_samples_outside_the_file_are_no_film(tmp_path: Path) -> None:
    path = made(tmp_path / "a.mp4", *WAYS["plain"])
    path.write_bytes(patched(path.read_bytes(), b"stco", 8, b"\x7f\xff\xff\xff"))
    with opened(path) as file:
        assert [told["stream"] for told in runs.tracks(file)] == [1]
        with pytest.raises(Odd):
            read_index(file, 0).read(file, 0)
    with pytest.raises(Refused):
        await probe(path)


def test_noise_in_an_index_does_no_harm(tmp_path: Path) -> None:
    """What is said of a thousand damaged files is bounded, or nothing is said."""
    path = made(tmp_path / "a.mp4", *WAYS["plain"])
    whole, chance, told = path.read_bytes(), random.Random(7), 0
    moov = whole.index(b"moov")
    for _ in range(1000):
        noisy = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            noisy[chance.randrange(moov, len(noisy))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        path.write_bytes(noisy)
        with opened(path) as file:
            for track in runs.tracks(file):
                told += 1
                assert len(json.dumps(track)) < runs.LONGEST_LINE
                msgspec.json.decode(json.dumps(track), type=Runs)
    assert told > 100
