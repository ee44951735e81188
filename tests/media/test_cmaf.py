"""What our writer of fragmented MP4 writes, as our reader, PyAV and FFmpeg see it."""

import io
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from api import binaries
from media import cmaf
from media.boxes import media_of, read_init
from media.cmaf import Sample
from tests import films

STEREO = bytes.fromhex("1190")  # AudioSpecificConfig of AAC-LC, 48 kHz, two channels


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with reordering, an IDR a second, and a tone."""
    out = tmp_path_factory.mktemp("cmaf") / "clip.mp4"
    films.ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25:duration=4"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=4"),
        *("-c:v", "libx264", "-g", "25", "-bf", "3", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2", str(out)),
    )
    return out


def packets(source: Any, kind: str) -> list[Any]:
    with av.open(source, mode="r") as film:
        return [packet for packet in film.demux(film.streams.get({kind: 0})) if packet.size]


def rewritten(clip: Path) -> tuple[bytes, list[bytes]]:
    """The pictures of a clip in segments of a second, by our writer."""
    read = packets(str(clip), "video")
    with av.open(str(clip)) as film:
        stream = film.streams.video[0]
        avcc, ticks = bytes(stream.codec_context.extradata or b""), round(1 / (stream.time_base or 1))
    init = cmaf.video_init(avcc, 160, 96, ticks, read[0].pts - read[0].dts)
    starts = [number for number, packet in enumerate(read) if packet.is_keyframe]
    segments = []
    for index, (first, end) in enumerate(pairwise([*starts, len(read)])):
        samples = [Sample(bytes(p), p.duration, p.pts - p.dts, p.is_keyframe) for p in read[first:end]]
        segments.append(cmaf.segment(index + 1, read[first].dts - read[0].dts, samples))
    return init, segments


def test_pictures_come_back_as_they_went_in(clip: Path) -> None:
    init, segments = rewritten(clip)
    before, after = packets(str(clip), "video"), packets(io.BytesIO(init + b"".join(segments)), "video")
    assert [bytes(packet) for packet in after] == [bytes(packet) for packet in before]
    assert [(p.pts, p.dts, p.duration, p.is_keyframe) for p in after] == [
        (p.pts, p.dts, p.duration, p.is_keyframe) for p in before
    ]


def test_our_own_reader_agrees(clip: Path) -> None:
    init, segments = rewritten(clip)
    told = read_init(init)
    assert (told.timescale, told.edits, told.codec[:5], told.width, told.height) == (
        12800,
        ((0, 1024),),
        "avc1.",
        160,
        96,
    )
    read = [media_of(segment, len(segment), "x") for segment in segments]
    assert [(media.decode_time, media.samples, media.duration, media.first_offset) for media in read] == [
        (12800 * number, 25, 12800, 1024) for number in range(4)
    ]
    assert all(media.starts_with_sync and media.keys == 1 for media in read)


def test_ffmpeg_decodes_it_without_a_word(clip: Path, tmp_path: Path) -> None:
    init, segments = rewritten(clip)
    film = tmp_path / "film.mp4"
    film.write_bytes(init + b"".join(segments))
    command = [binaries.ffmpeg(), "-v", "warning", "-i", str(film), "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert len([line for line in done.stdout.splitlines() if not line.startswith("#")]) == 100


def test_sound_begins_at_zero_and_its_priming_before(clip: Path) -> None:
    read = packets(str(clip), "audio")
    samples = [Sample(bytes(packet), 1024) for packet in read]
    init = cmaf.audio_init(STEREO, 2, 48000, 1024)
    assert (read_init(init).edits, read_init(init).timescale) == (((0, 1024),), 48000)
    film = init + cmaf.segment(1, 0, samples[:90]) + cmaf.segment(2, 90 * 1024, samples[90:])
    assert [bytes(packet) for packet in packets(io.BytesIO(film), "audio")] == [bytes(packet) for packet in read]
    assert heard(io.BytesIO(film)) == heard(str(clip))


def heard(source: Any) -> list[bytes]:
    """Four seconds of samples, first channel, from the moment that is time 0."""
    with av.open(source, mode="r") as film:
        assert film.streams.audio[0].codec_context.sample_rate == 48000
        frames = [(frame.pts, bytes(frame.planes[0])[: frame.samples * 4]) for frame in film.decode(audio=0)]
    assert frames[0][0] == 0
    return [b"".join(data for _, data in frames)[: 4 * 4 * 48000]]


def test_offsets_are_signed() -> None:
    samples = [Sample(b"1", 512, -512), Sample(b"23", 512, 1024, sync=False)]
    made = cmaf.segment(1, 0, samples)
    read = media_of(made, len(made), "x")
    assert (read.first_offset, read.samples, read.keys, read.data_bytes) == (-512, 2, 1, 3)


@pytest.mark.parametrize("decode_time", [0, 1 << 31, (1 << 32) + 7, 1 << 40])
def test_time_goes_on_for_longer_than_a_day(decode_time: int) -> None:
    made = cmaf.segment(1, decode_time, [Sample(b"12", 512)])
    assert media_of(made, len(made), "x").decode_time == decode_time


def test_a_segment_depends_on_nothing_but_what_is_in_it() -> None:
    samples = [Sample(b"abc", 1024), Sample(b"d", 1000)]
    assert cmaf.segment(7, 2048, samples) == cmaf.segment(7, 2048, list(samples))
    assert cmaf.segment(7, 2048, samples).endswith(b"mdatabcd")
