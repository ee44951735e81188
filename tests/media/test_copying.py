"""Copied segments are the source: picture by picture, sample by sample, however the work is divided."""

import hashlib
import io
import itertools
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from media import copying
from media.boxes import media_of, read_init
from media.encoder import Failed
from media.plan import SOURCE, Plan, make_plan
from media.probe import probe
from tests import films

X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "3")
AAC = ("-c:a", "aac", "-ac", "2")
GRID = (*X264, "-g", "50", "-keyint_min", "50", "-sc_threshold", "0")
# Only a bit of a film is kept of each, so a minute of tests is not spent on encoding.
SOURCES = {
    "aligned": ("a.mp4", "25", 48000, (*GRID, *AAC)),
    "phone": ("a.mov", "30", 44100, (*X264, "-g", "30", "-keyint_min", "30", "-sc_threshold", "0", *AAC)),
    "ntsc": ("a.mp4", "30000/1001", 48000, (*X264, "-g", "60", "-keyint_min", "60", "-sc_threshold", "0", *AAC)),
    "scenes": ("a.mp4", "24", 32000, (*X264, "-force_key_frames", "0,0.5,1.7,4.2,4.3,8.9,9", *AAC)),
    "faststart": ("a.mp4", "25", 44100, (*GRID, *AAC, "-movflags", "+faststart")),
    "signed": ("a.mp4", "25", 48000, (*GRID, *AAC, "-movflags", "+negative_cts_offsets")),
    "uneven": ("a.mp4", "25", 48000, ("-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr", *GRID, *AAC)),
    "all-intra": ("a.mp4", "25", 48000, (*X264, "-g", "1", *AAC)),
    "silent": ("a.mp4", "25", 0, GRID),
}


def make(folder: Path, name: str, rate: str, sample_rate: int, options: Sequence[str]) -> Path:
    """Ten seconds and a bit: more than two segments, and a short last one."""
    tone = f"aevalsrc='0.3*sin(2*PI*(200+60*t)*t)':s={sample_rate}:d=10.4"
    sound = ("-f", "lavfi", "-i", tone) if sample_rate else ()
    films.ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2=size=160x96:rate={rate}:duration=10.3", *sound, *options, str(folder / name)
    )
    return folder / name


@pytest.fixture(scope="module", params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("source"), *SOURCES[request.param])


async def planned(source: Path) -> Plan:
    return make_plan(await probe(source), copied=False)


async def copied(plan: Plan, source: Path, out: Path, step: int) -> Path:
    """Everything of a film, `step` segments at a time, the last ones first."""
    count = len(plan.durations(SOURCE))
    for first in reversed(range(0, count, step)):
        await copying.copy_picture(plan, source, range(first, min(first + step, count)), out)
    for track in (track for track in plan.tracks if track.copied):
        for first in reversed(range(0, plan.segments, step)):
            await copying.copy_sound(plan, track, source, range(first, min(first + step, plan.segments)), out)
    return out


def joined(folder: Path) -> io.BytesIO:
    parts = sorted(folder.glob("*.m4s"), key=lambda path: int(path.stem))
    return io.BytesIO(b"".join(path.read_bytes() for path in [folder / "init.mp4", *parts]))


def pictures(source: Any) -> list[tuple[Fraction, str]]:
    """When each picture is shown, from the first on, and what it is."""
    with av.open(source, mode="r") as film:
        shown = [(frame.pts * frame.time_base, digest(frame)) for frame in film.decode(video=0)]
    return [(at - shown[0][0], digest) for at, digest in shown]


def digest(frame: av.VideoFrame) -> str:
    """Of what is seen, without what pads the lines."""
    told = hashlib.md5(usedforsecurity=False)
    for plane in frame.planes:
        data = memoryview(plane)
        for line in range(plane.height):
            told.update(data[line * plane.line_size :][: plane.width])
    return told.hexdigest()


def sound(source: Any) -> tuple[int, bytes]:
    """(rate, first channel) of what is heard."""
    with av.open(source, mode="r") as film:
        rate = film.streams.audio[0].codec_context.sample_rate
        return rate, b"".join(bytes(frame.planes[0])[: 4 * frame.samples] for frame in film.decode(audio=0))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


async def test_a_copy_is_the_source_however_it_was_divided(source: Path, tmp_path: Path) -> None:
    plan = await planned(source)
    assert plan.copy is not None
    assert all(track.copied for track in plan.tracks)
    whole, pieces = await copied(plan, source, tmp_path / "a", 1000), await copied(plan, source, tmp_path / "b", 1)
    assert files(whole) == files(pieces)
    assert pictures(joined(whole / SOURCE)) == pictures(str(source))
    for track in plan.tracks:
        (rate, heard), (_, told) = sound(joined(whole / track.name)), sound(str(source))
        length = 4 * int(plan.timeline.seconds * rate)
        assert len(heard) >= length
        assert heard[:length] == told[:length]


async def test_every_segment_begins_with_an_idr_where_the_last_one_ended(source: Path, tmp_path: Path) -> None:
    plan = await planned(source)
    assert plan.copy is not None
    await copied(plan, source, tmp_path, 2)
    read = [media_of(data, len(data), name) for name, data in segments(tmp_path / SOURCE)]
    assert [media.decode_time for media in read] == plan.copy.cuts[:-1]
    assert [media.decode_time + media.duration for media in read] == plan.copy.cuts[1:]
    assert all(media.starts_with_sync for media in read)
    if plan.copy.aligned:
        assert {media.first_offset for media in read} == {plan.copy.offset}
    for track in plan.tracks:
        told = [media_of(data, len(data), name) for name, data in segments(tmp_path / track.name)]
        assert [media.samples for media in told] == plan.samples(track.name)
        assert all(a.decode_time + a.duration == b.decode_time for a, b in itertools.pairwise(told))
        assert read_init((tmp_path / track.name / "init.mp4").read_bytes()).edits == ((0, track.lead),)


def segments(folder: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in sorted(folder.glob("*.m4s"), key=lambda path: int(path.stem))]


async def test_priming_as_apple_writes_it(tmp_path: Path) -> None:
    """Two frames and a bit before time 0, where FFmpeg has one."""
    source = make(tmp_path, *SOURCES["aligned"])
    data, edit = source.read_bytes(), struct.pack(">ihH", 1024, 1, 0)
    at = data.rindex(edit, 0, data.rindex(b"mp4a"))
    source.write_bytes(data[:at] + struct.pack(">i", 2112) + data[at + 4 :])
    plan = await planned(source)
    assert [(track.copied, track.lead) for track in plan.tracks] == [(True, 2112)]
    (_, heard), (_, told) = sound(joined(await copied(plan, source, tmp_path, 1) / "audio-0")), sound(str(source))
    length = 4 * int(plan.timeline.seconds * 48000)
    assert heard[:length] == told[:length]


async def test_only_sources_on_the_grid_are_exact(tmp_path: Path) -> None:
    found = {}
    for name in ("aligned", "ntsc", "scenes", "uneven", "phone"):
        source = make(tmp_path, *SOURCES[name])
        plan = await planned(source)
        assert plan.copy is not None
        found[name] = (plan.copy.aligned, await copying.scan(plan, source))
        if plan.copy.aligned:
            ticks = [int(plan.timeline.start(n) * plan.copy.timescale) for n in range(plan.segments + 1)]
            assert plan.copy.cuts == ticks
    exact, off = (True, True), (False, False)
    assert found == {"aligned": exact, "ntsc": exact, "scenes": off, "uneven": off, "phone": exact}


async def test_a_scan_sees_what_the_index_does_not_say(tmp_path: Path) -> None:
    """A picture that is two, one that is none, other parameter sets: the index is the same, the film is not."""
    source = make(tmp_path, *SOURCES["aligned"])
    plan, whole = await planned(source), source.read_bytes()
    assert await copying.scan(plan, source)
    with av.open(str(source)) as film:
        packet = next(p for p in itertools.islice(film.demux(video=0), 20, None) if not p.is_keyframe)
        place, size = packet.pos or 0, packet.size
    for wrong in (b"\0\0\0\1\x67", b"\xff\xff\xff\xff\x41", (size - 4).to_bytes(4) + b"\x65"):
        source.write_bytes(whole[:place] + wrong + whole[place + len(wrong) :])
        assert not await copying.scan(plan, source)


async def test_how_far_a_copy_is_can_be_heard(tmp_path: Path) -> None:
    source = make(tmp_path, *SOURCES["aligned"])
    plan = await planned(source)
    heard: list[int] = []
    await copying.copy_picture(plan, source, range(3), tmp_path, on_segment=heard.append)
    await copying.copy_sound(plan, plan.tracks[0], source, range(1, 3), tmp_path, on_segment=heard.append)
    assert heard == [1, 2, 3, 1, 2]


async def test_a_source_that_lost_its_end_is_damaged(tmp_path: Path) -> None:
    source = make(tmp_path, *SOURCES["faststart"])
    plan = await planned(source)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(Failed) as failed:
        await copying.copy_picture(plan, source, range(3), tmp_path)
    assert (failed.value.code, failed.value.permanent) == ("damaged", True)


async def test_a_span_past_the_end_is_no_span(tmp_path: Path) -> None:
    source = make(tmp_path, *SOURCES["silent"])
    plan = await planned(source)
    with pytest.raises(IndexError):
        await copying.copy_picture(plan, source, range(2, 4), tmp_path)
