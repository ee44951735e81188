"""Films whose containers say little, or the wrong thing, about time: every picture still comes once, in its place."""

import struct
from pathlib import Path

import pytest

from media.plan import Plan
from tests import films
from tests.media import clips

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-bf", "2", "-c:a", "aac")
TS = (*H264, "-f", "mpegts", "-muxdelay", "0")
WRAP_S = (1 << 33) / 90_000  # where the 33 bits of an MPEG timestamp end


async def seen(source: Path, folder: Path) -> tuple[Plan, list[int], list[float]]:
    """The plan, the numbers that the pictures of the first rung show, and the loudness of each tenth of a second."""
    plan, film = await clips.planned(source, folder / "copy")
    (made,) = await clips.encoded(plan, film, folder / "out", [(0, plan.segments)])
    rung = plan.rungs[0].name
    shown = clips.numbers(clips.pictures(made / rung / "init.mp4", clips.parts([made], rung)))
    assert len(shown) == plan.frames
    sound = await clips.sounded(plan, film, folder / "sound")
    return plan, shown, clips.loudness(sound / "init.mp4", clips.parts([sound.parent], sound.name))


def joined(folder: Path, starts: tuple[float, float]) -> Path:
    """Two broadcasts of two seconds, one behind the other, whose clocks begin at these times."""
    parts = [
        clips.numbered(folder / f"{n}.ts", 2, *TS, "-output_ts_offset", str(at)).read_bytes()
        for n, at in enumerate(starts)
    ]
    film = folder / "film.ts"
    film.write_bytes(b"".join(parts))
    return film


@pytest.mark.parametrize("starts", [(10, 1000), (1000, 10)], ids=["forward", "backward"])
async def test_a_clock_that_jumps_stops_nothing(starts: tuple[float, float], tmp_path: Path) -> None:
    plan, shown, loud = await seen(joined(tmp_path, starts), tmp_path)
    assert 3900 <= plan.duration_ms <= 4300
    assert set(range(48)) <= set(shown[:53])  # one may be lost where the clocks meet
    assert set(range(48)) <= set(shown[50:])
    assert min(loud[1:19]) > 0.05
    assert min(loud[23:38]) > 0.05


async def test_a_clock_that_wraps_goes_on(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "film.ts", 5, *TS, "-output_ts_offset", str(WRAP_S - 2))
    plan, shown, loud = await seen(film, tmp_path)
    assert abs(plan.duration_ms - 5000) <= 60
    assert set(shown) >= set(range(124))
    assert shown == sorted(shown)
    assert min(loud[1:48]) > 0.05


@pytest.mark.parametrize("box", [b"mvhd", b"tkhd", b"mvhd tkhd"])
async def test_a_length_in_the_header_is_not_believed(box: bytes, tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "film.mp4", 3, *H264)
    content = bytearray(film.read_bytes())
    for name in box.split():
        at = content.index(name) + 4
        # version and flags, two dates, then the timescale or the track's number and nothing
        at += 16 if name == b"mvhd" else 20
        content[at : at + 4] = struct.pack(">I", 36_000_000)
    film.write_bytes(content)
    plan, shown, _ = await seen(film, tmp_path)
    assert (plan.duration_ms, shown) == (3000, list(range(75)))


@pytest.mark.parametrize("seconds", [0.5, 3.5])
async def test_a_wrong_length_in_matroska_is_not_believed(seconds: float, tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "film.mkv", 3, *H264)
    content = bytearray(film.read_bytes())
    at = content.index(b"\x44\x89\x88") + 3
    assert struct.unpack(">d", content[at : at + 8])[0] > 2999
    content[at : at + 8] = struct.pack(">d", seconds * 1000)
    film.write_bytes(content)
    plan, shown, _ = await seen(film, tmp_path)
    assert abs(plan.duration_ms - 3000) <= 40
    assert shown[:75] == list(range(75))


async def test_a_film_that_does_not_say_its_rate_is_measured(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "film.mkv", 3, *H264, rate="30000/1001")
    content = film.read_bytes()
    at = content.index(b"\x23\xe3\x83")  # DefaultDuration becomes as many bytes of Void
    length = 4 + (content[at + 3] & 0x7F)
    film.write_bytes(content[:at] + bytes([0xEC, 0x80 | (length - 2), *bytes(length - 2)]) + content[at + length :])
    plan, shown, _ = await seen(film, tmp_path)
    assert plan.frame_rate == "30000/1001"
    assert shown == list(range(90))


async def test_a_stream_without_any_header_facts_is_measured(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "film.flv", 3, *H264, "-flvflags", "no_metadata+no_duration_filesize", rate="30")
    plan, shown, loud = await seen(film, tmp_path)
    assert plan.frame_rate == "30"
    assert shown[-88:] == list(range(shown[-88], 90))
    assert min(loud[1:28]) > 0.05


async def test_an_edit_that_cuts_off_the_beginning_is_honoured(tmp_path: Path) -> None:
    whole, film = clips.numbered(tmp_path / "whole.mp4", 6, *H264, "-g", "150"), tmp_path / "film.mp4"
    films.ffmpeg("-ss", "2", "-i", str(whole), "-c", "copy", str(film))
    assert film.stat().st_size > whole.stat().st_size * 0.7
    plan, shown, loud = await seen(film, tmp_path)
    assert abs(plan.duration_ms - 4000) <= 60
    assert shown[:98] == list(range(50, 148))
    assert min(loud[1:38]) > 0.05


async def test_pictures_that_begin_late_keep_their_place_beside_the_sound(tmp_path: Path) -> None:
    clip, film = clips.numbered(tmp_path / "clip.mp4", 4, *H264), tmp_path / "film.mp4"
    late = ("-i", str(clip), "-itsoffset", "1", "-i", str(clip), "-map", "1:v", "-map", "0:a", "-c", "copy", str(film))
    films.ffmpeg(*late)
    plan, shown, loud = await seen(film, tmp_path)
    assert abs(plan.duration_ms - 5000) <= 40
    assert abs(shown.index(1) - 26) <= 1
    assert shown[-90:] == list(range(shown[-90], 100))
    assert min(loud[1:38]) > 0.05
    assert max(loud[42:]) < 0.001


async def test_cover_art_in_front_of_a_film_is_not_shown(tmp_path: Path) -> None:
    clip, cover, film = clips.numbered(tmp_path / "clip.mp4", 2, *H264), tmp_path / "c.png", tmp_path / "film.mp4"
    films.ffmpeg("-f", "lavfi", "-i", "color=white:s=600x600", "-frames:v", "1", str(cover))
    front = ("-i", str(cover), "-i", str(clip), "-map", "0", "-map", "1", "-c", "copy")
    films.ffmpeg(*front, "-disposition:v:0", "attached_pic", str(film))
    plan, shown, _ = await seen(film, tmp_path)
    assert plan.width == clips.WIDTH
    assert shown == list(range(50))
