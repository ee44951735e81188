"""Posters and storyboards: the right pictures, of the right shape, with times that are true."""

import re
from pathlib import Path

import av
import msgspec
import pytest

from api import binaries
from media import cmaf, stills, trick
from media.boxes import read_keys
from media.encoder import encode, limits_for
from media.plan import Plan
from tests import films
from tests.media import clips
from tests.media.test_ffmpeg import SOURCE, changed, command

LIMITS = limits_for(60, 1 << 20)
CUE = re.compile(r"(\S+) --> (\S+)\nstoryboard-(\d+)\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)")


Cues = list[tuple[int, int, av.VideoFrame]]


async def made(source: Path, folder: Path) -> tuple[Plan, Path, list[av.VideoFrame]]:
    """The plan of a source, the folder of its generation, and what its smallest rendition shows."""
    plan, film = await clips.planned(source, folder / "copy")
    (generation,) = await clips.encoded(plan, film, folder / "made", [(0, plan.segments)])
    rung = generation / plan.rungs[0].name
    for segment in plan.timeline.segments():
        (rung / f"{segment.index}.m4s").rename(rung / segment.name)
    trick.write_iframes(generation, rung.name, "iframes-0", plan)
    segments = [rung / segment.name for segment in plan.timeline.segments()]
    return plan, generation, list(clips.pictures(rung / "init.mp4", segments))


async def board(plan: Plan, generation: Path) -> Cues:
    """The storyboard as a player reads it: start, end and picture of each cue. It tiles the film."""
    out = generation / "board"
    out.mkdir()
    assert await stills.make_storyboard(
        binaries.ffmpeg(), plan, generation / "iframes-0", out, threads=1, limits=LIMITS
    )
    cues = read(out)
    assert [start for start, _, _ in cues] + [plan.duration_ms] == [0] + [end for _, end, _ in cues]
    return cues


def read(board: Path) -> list[tuple[int, int, av.VideoFrame]]:
    text = (board / stills.STORYBOARD).read_text()
    sheets = [picture_of(path) for path in sorted(board.glob("*.jpg"), key=lambda path: int(path.stem[11:]))]
    assert {path.name for path in board.iterdir()} == {
        stills.STORYBOARD,
        *(f"storyboard-{number}.jpg" for number in range(len(sheets))),
    }
    cues = CUE.findall(text)
    assert text.count("-->") == len(cues)
    return [(ms(start), ms(end), cut(sheets[int(n)], *map(int, box))) for start, end, n, *box in cues]


def picture_of(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as still:
        return next(still.decode(video=0)).reformat(format="gray")


def cut(sheet: av.VideoFrame, x: int, y: int, width: int, height: int) -> av.VideoFrame:
    """One tile of a sheet; it must lie on it."""
    assert x + width <= sheet.width
    assert y + height <= sheet.height
    tile = av.VideoFrame(width, height, "gray")
    line, data = sheet.planes[0].line_size, bytes(sheet.planes[0])
    rows = (data[(y + row) * line + x : (y + row) * line + x + width] for row in range(height))
    tile.planes[0].update(b"".join(row.ljust(tile.planes[0].line_size, b"\0") for row in rows))
    return tile


def ms(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3_600_000 + int(minutes) * 60_000 + round(float(seconds) * 1000)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", ()),
        ("a.mkv", ("-c:v", "libx264", "-g", "1000")),  # one key picture in the whole film
        ("a.ts", ("-c:v", "mpeg2video", "-g", "12", "-bf", "2")),
        ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")),
        ("a.avi", ("-c:v", "mpeg4", "-bf", "2", "-g", "30")),
    ],
)
async def test_each_tile_shows_the_picture_of_its_time(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    plan, generation, shown = await made(clips.numbered(tmp_path / name, 9, *options), tmp_path)
    cues = await board(plan, generation)
    assert [start for start, _, _ in cues] == [0, 2000, 4000, 6000, 8000]
    assert clips.numbers(tile for _, _, tile in cues) == clips.numbers(shown[0::50])


async def test_a_film_at_a_rate_of_television_has_exact_times(tmp_path: Path) -> None:
    plan, generation, shown = await made(clips.numbered(tmp_path / "a.mp4", 5, rate="30000/1001"), tmp_path)
    cues = await board(plan, generation)
    assert [start for start, _, _ in cues] == [0, 2002, 4004]
    assert clips.numbers(tile for _, _, tile in cues) == clips.numbers(shown[0::60]) == [0, 60, 120]


async def test_a_film_of_uneven_pictures_has_true_times(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "a.mkv", 6, "-vf", r"select=not(between(n\,20\,70))", "-fps_mode", "vfr")
    plan, generation, _ = await made(film, tmp_path)
    cues = await board(plan, generation)
    seen = clips.numbers(tile for _, _, tile in cues)
    # A picture stays until the next comes.
    assert seen == [19 if 20 <= start // 40 <= 70 else start // 40 for start, _, _ in cues]


async def test_a_film_of_one_picture_has_one_tile(tmp_path: Path) -> None:
    plan, generation, _ = await made(clips.numbered(tmp_path / "a.mp4", 0.04, sound=False), tmp_path)
    assert [(start, end, tile.width) for start, end, tile in await board(plan, generation)] == [(0, 40, 160)]


async def test_a_turned_film_has_upright_tiles(tmp_path: Path) -> None:
    flat, turned = clips.numbered(tmp_path / "flat.mp4", 3), tmp_path / "turned.mp4"
    films.ffmpeg("-display_rotation", "90", "-i", str(flat), "-c", "copy", str(turned))
    plan, generation, _ = await made(turned, tmp_path)
    assert {(tile.width, tile.height) for _, _, tile in await board(plan, generation)} == {(96, 160)}


TAGS = "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc"


@pytest.mark.parametrize(
    ("name", "options", "tile"),
    [
        ("wide.mp4", ("-vf", "scale=176:144:flags=neighbor,setsar=20/11", "-c:v", "libx264"), (160, 72)),
        ("woven.ts", ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-vf", "setfield=tff"), (160, 96)),
        ("hdr.mkv", ("-vf", TAGS, "-c:v", "libx265", "-pix_fmt", "yuv420p10le"), (160, 96)),
    ],
)
async def test_tiles_of_odd_films_are_as_the_film_is_shown(
    name: str, options: tuple[str, ...], tile: tuple[int, int], tmp_path: Path
) -> None:
    plan, generation, shown = await made(clips.numbered(tmp_path / name, 5, *options, sound=False), tmp_path)
    cues = await board(plan, generation)
    assert {(picture.width, picture.height) for _, _, picture in cues} == {tile}
    seen = clips.numbers(picture for _, _, picture in cues)
    assert seen == clips.numbers(shown[0 :: plan.timeline.gop])
    assert len(set(seen)) == 3


async def test_a_long_film_has_at_most_four_hundred_tiles_evenly(tmp_path: Path) -> None:
    plan, generation, _ = await made(clips.numbered(tmp_path / "a.mp4", 1), tmp_path)
    (made_one,), folder = (generation / "iframes-0").glob("*.m4s"), generation / "iframes-0"
    (key,), data = read_keys(made_one), made_one.read_bytes()
    sample = cmaf.Sample(data[key.at : key.at + key.size], 50_000, key.offset)
    made_one.unlink()
    for number in range(1000):
        name = f"{number}-{number * 2000}-{number * 2000 + 2000}.m4s"
        (folder / name).write_bytes(cmaf.segment(number + 1, number * 50_000, [sample]))
    cues = await board(msgspec.structs.replace(plan, duration_ms=2_000_000), generation)
    assert [start for start, _, _ in cues] == list(range(0, 2_000_000, 6000))


async def test_a_folder_without_pictures_gives_no_storyboard(tmp_path: Path) -> None:
    (tmp_path / "iframes-0").mkdir()
    plan, out = changed(), tmp_path / "out"
    out.mkdir()
    assert not await stills.make_storyboard(
        binaries.ffmpeg(), plan, tmp_path / "iframes-0", out, threads=1, limits=LIMITS
    )
    assert not list(out.iterdir())


@pytest.mark.parametrize(
    ("film", "tile"),
    [
        ((1920, 1080), (160, 90)),
        ((1280, 534), (160, 66)),
        ((1080, 1920), (160, 284)),
        ((64, 48), (64, 48)),
        ((16, 4096), (2, 288)),
        ((4096, 16), (160, 2)),
    ],
)
def test_a_tile_has_the_shape_of_the_film(film: tuple[int, int], tile: tuple[int, int]) -> None:
    assert stills.tile_size(*film) == tile


@pytest.mark.parametrize(
    ("tiles", "sheet"), [(1, (1, 1)), (10, (10, 1)), (11, (10, 2)), (100, (10, 10)), (400, (10, 10))]
)
def test_a_short_film_has_one_small_sheet(tiles: int, sheet: tuple[int, int]) -> None:
    assert stills.grid(tiles) == sheet


def test_tiles_go_on_on_the_next_sheet() -> None:
    text = stills.webvtt([n * 18000 for n in range(201)], 3_700_000, (160, 90), (10, 10))
    cues = text.split("\n\n")
    assert cues[0] == "WEBVTT"
    assert cues[1] == "00:00:00.000 --> 00:00:18.000\nstoryboard-0.jpg#xywh=0,0,160,90"
    assert cues[112] == "00:33:18.000 --> 00:33:36.000\nstoryboard-1.jpg#xywh=160,90,160,90"
    assert cues[201] == "01:00:00.000 --> 01:01:40.000\nstoryboard-2.jpg#xywh=0,0,160,90\n"


def test_times_are_read_from_what_was_shown() -> None:
    assert stills.parse_times(
        "frame:0    pts:0       pts_time:0\ntile=1\nframe:1 pts:60060 pts_time:2.002\ntile=1\n"
    ) == [
        0,
        2002,
    ]


def test_posters_come_from_three_places() -> None:
    said = command(stills.poster(changed(width=3840, height=1606), SOURCE, 1))
    assert [word for word in said.split() if word.endswith(".jpg")] == ["poster-0.jpg", "poster-1.jpg", "poster-2.jpg"]
    assert "-ss 0.834167 " in said
    assert "thumbnail=48" in said
    assert "scale=1280:534[" in said


@pytest.mark.parametrize("pixels", ["yuv420p", "bgr0"])
async def test_red_is_red_in_posters_and_tiles(pixels: str, tmp_path: Path) -> None:
    film = tmp_path / "red.mkv"
    red = f"color=red:s=160x96:r=25:d=2,format=gbrp,scale=out_color_matrix=bt709:out_range=tv,format={pixels}"
    red += ",setparams=colorspace=bt709" if pixels == "yuv420p" else ""
    coded = ("-c:v", "libx264") if pixels == "yuv420p" else ("-c:v", "ffv1")
    films.ffmpeg("-f", "lavfi", "-i", red, *coded, str(film))
    plan, generation, _ = await made(film, tmp_path)
    await board(plan, generation)
    await encode(binaries.ffmpeg(), stills.poster(plan, film, 1), film, generation / "board", limits=LIMITS)
    for still in ("poster-0.jpg", "poster-1.jpg", "poster-2.jpg", "storyboard-0.jpg"):
        with av.open(str(generation / "board" / still)) as found:
            r, g, b = bytes(next(found.decode(video=0)).reformat(format="rgb24").planes[0])[:3]
        assert r > 245
        assert g < 12
        assert b < 12
