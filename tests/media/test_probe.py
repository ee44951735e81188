"""What the probe says of films of every kind."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from media import examine, formats
from media.plan import from_document, make_plan, to_document
from media.probe import Picture, SourceInfo, probe
from tests import films
from tests.media import clips


async def test_an_ordinary_film() -> None:
    info = await probe(films.bunny())
    assert (info.container, info.indexed, info.frames, Fraction(info.seconds)) == ("mov", True, 132, Fraction("5.28"))
    assert (info.picture.codec, info.picture.shown_size, info.rate) == ("h264", (1280, 720), "25")
    assert [(sound.codec, sound.channels, sound.sample_rate) for sound in info.sounds] == [("aac", 6, 48000)]


@pytest.mark.parametrize(
    ("name", "container", "indexed"),
    [("a.mp4", "mov", True), ("a.mov", "mov", True), ("a.mkv", "matroska", True), ("a.ts", "mpegts", False)],
)
async def test_the_container_is_seen_in_the_bytes_not_in_the_name(
    name: str, container: str, indexed: bool, tmp_path: Path
) -> None:
    film = clips.numbered(tmp_path / name, 1)
    info = await probe(film.rename(tmp_path / "upload"))
    assert (info.container, info.indexed) == (container, indexed)


async def test_a_live_recording_without_a_length_is_copied_first(tmp_path: Path) -> None:
    live = clips.numbered(tmp_path / "live.mkv", 2, "-c:v", "libx264", "-c:a", "aac", "-live", "1")
    info = await probe(live)
    plan, copied = await clips.planned(live, tmp_path / "copy")
    assert not info.indexed
    assert copied.name == "film.mkv"
    assert (plan.copied, plan.frames, len(plan.tracks)) == (True, 50, 1)


@pytest.mark.parametrize("degrees", [90, 180, 270])
async def test_a_turned_picture_is_planned_upright(degrees: int, tmp_path: Path) -> None:
    flat = clips.numbered(tmp_path / "flat.mp4", 1)
    turned = tmp_path / "turned.mp4"
    films.ffmpeg("-display_rotation", str(degrees), "-i", str(flat), "-c", "copy", str(turned))
    plan = make_plan(await probe(turned), copied=False)
    upright = degrees in (90, 270)
    assert (plan.rungs[-1].width, plan.rungs[-1].height) == ((96, 160) if upright else (160, 96))


async def test_wide_pixels_become_square_ones(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "a.mp4", 1, "-vf", "scale=352:288,setsar=16/11", "-c:v", "libx264")
    info = await probe(film)
    assert (info.picture.sar, info.picture.shown_size) == ("16/11", (512, 288))


@pytest.mark.parametrize(("sar", "shown"), [("1/2", (100, 200)), ("2", (200, 100)), ("1", (100, 100))])
def test_no_shape_of_pixel_makes_a_picture_smaller(sar: str, shown: tuple[int, int]) -> None:
    picture = Picture(0, "h264", 100, 100, sar, 0, "yuv420p", interlaced=False, hdr="")
    assert picture.shown_size == shown


async def test_woven_pictures_are_noticed_and_doubled(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "a.ts", 2, "-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-vf", "setfield=tff")
    plan, _ = await clips.planned(film, tmp_path / "copy")
    assert plan.interlaced
    assert (plan.frame_rate, plan.frames) == ("50", 100)


@pytest.mark.parametrize(("transfer", "colour"), [("smpte2084", "pq"), ("arib-std-b67", "hlg"), ("bt2020-10", "sdr")])
async def test_hdr_is_told_by_its_transfer(transfer: str, colour: str, tmp_path: Path) -> None:
    tags = f"setparams=color_trc={transfer}:color_primaries=bt2020:colorspace=bt2020nc"
    film = clips.numbered(tmp_path / "a.mkv", 0.5, "-vf", tags, "-c:v", "libx265", "-pix_fmt", "yuv420p10le")
    assert make_plan(await probe(film), copied=False).colour == colour


async def test_screen_recordings_in_rgb_are_told(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "a.mkv", 0.5, "-c:v", "ffv1", "-pix_fmt", "bgr0")
    assert make_plan(await probe(film), copied=False).colour == "rgb"


async def test_tracks_keep_language_and_title(tmp_path: Path) -> None:
    film = tmp_path / "a.mkv"
    films.ffmpeg(
        *("-i", str(films.bunny()), "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy"),
        *("-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=x!", "-metadata:s:a:1", "title=Kommentar"),
        str(film),
    )
    plan = make_plan(await probe(film), copied=False)
    assert [(t.name, t.language, t.title) for t in plan.tracks] == [
        ("audio-0", "de", ""),
        ("audio-1", "und", "Kommentar"),
    ]


async def test_a_title_in_an_old_code_page_is_no_damage(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "a.mkv", 1, "-c:v", "libx264", "-c:a", "aac", "-metadata:s:a:0", "title=Fraenzi")
    film.write_bytes(film.read_bytes().replace(b"Fraenzi", b"Fr\xe4nzi!"))
    assert (await probe(film)).sounds[0].title == "Fr\N{REPLACEMENT CHARACTER}nzi!"


async def test_cover_art_is_no_film_but_does_not_hide_one(tmp_path: Path) -> None:
    film, cover = tmp_path / "a.mp4", tmp_path / "cover.png"
    films.ffmpeg("-f", "lavfi", "-i", "color=red:s=2000x2000", "-frames:v", "1", str(cover))
    films.ffmpeg(
        *("-i", str(films.bunny()), "-i", str(cover), "-map", "1", "-map", "0", "-c", "copy"),
        *("-disposition:v:0", "attached_pic", str(film)),
    )
    assert (await probe(film)).picture.shown_size == (1280, 720)


@pytest.mark.parametrize(("rate", "told"), [("24000/1001", "24000/1001"), ("24", "24"), ("60000/1001", "60000/1001")])
async def test_milliseconds_of_matroska_do_not_blur_the_rate(rate: str, told: str, tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "a.mkv", 2, rate=rate)
    plan = make_plan(await probe(film), copied=False)
    assert plan.frame_rate == told


async def test_a_plan_survives_its_document() -> None:
    plan = make_plan(await probe(films.bunny()), copied=False)
    document = to_document(plan)
    assert from_document(json.loads(json.dumps(document))) == plan
    assert {name: document[name] for name in ("duration_ms", "segments", "frame_rate", "width", "height")} == {
        "duration_ms": 5280,
        "segments": 2,
        "frame_rate": "25",
        "width": 1280,
        "height": 720,
    }


def test_a_source_without_sound_has_no_tracks() -> None:
    picture = Picture(0, "h264", 64, 64, "1", 0, "yuv420p", interlaced=False, hdr="")
    info = SourceInfo("mov", indexed=True, seconds="3", frames=75, rate="25", picture=picture, sounds=[])
    assert make_plan(info, copied=False).tracks == []


@pytest.mark.parametrize("scanned_bytes", [0, 1 << 30], ids=["tail", "whole"])
def test_a_large_film_is_measured_by_its_end(
    scanned_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = clips.numbered(tmp_path / "a.mkv", 16, rate="30000/1001")
    monkeypatch.setattr(examine, "SCANNED_BYTES", scanned_bytes)
    found = examine.examine(film, examine.Bounds(**formats.for_examine()))
    assert found["indexed"]
    assert found["frames"] == (480 if scanned_bytes else 0)
    assert abs(Fraction(found["seconds"]) - Fraction(16016, 1000)) < Fraction(1, 100)
    assert found["rate"] == "30000/1001"
