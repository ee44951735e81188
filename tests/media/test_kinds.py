"""Films of every shape and colour come out upright, square, progressive, eight-bit and in BT.709."""

import itertools
from pathlib import Path

import av

from media.plan import Plan
from tests import films
from tests.media import clips


async def shown(source: Path, folder: Path) -> tuple[Plan, list[av.VideoFrame]]:
    """The plan of a source and the pictures of its largest rung."""
    plan, film = await clips.planned(source, folder / "copy")
    (made,) = await clips.encoded(plan, film, folder / "out", [(0, plan.segments)])
    rung = plan.rungs[-1]
    frames = list(clips.pictures(made / rung.name / "init.mp4", clips.parts([made], rung.name)))
    assert len(frames) == plan.frames
    assert {(f.width, f.height, f.format.name) for f in frames} == {(rung.width, rung.height, "yuv420p")}
    return plan, frames


def pixel(frame: av.VideoFrame, x: int, y: int) -> tuple[int, int, int]:
    """Y, Cb and Cr."""
    luma, blue, red = frame.planes
    at = (y // 2) * blue.line_size + x // 2
    return bytes(luma)[y * luma.line_size + x], bytes(blue)[at], bytes(red)[at]


async def test_a_turned_film_is_shown_upright(tmp_path: Path) -> None:
    flat, turned = clips.numbered(tmp_path / "flat.mp4", 1), tmp_path / "turned.mp4"
    films.ffmpeg("-display_rotation", "90", "-i", str(flat), "-c", "copy", str(turned))
    plan, frames = await shown(turned, tmp_path)
    assert (plan.width, plan.height) == (96, 160)
    # Turned to the left: the first bit, on the left before, is at the bottom now.
    bits = [[pixel(frame, 48, 155 - 10 * bit)[0] > 128 for bit in range(16)] for frame in frames]
    assert [sum(1 << bit for bit, one in enumerate(row) if one) for row in bits] == list(range(25))


async def test_woven_pictures_become_twice_as_many_whole_ones(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "a.ts", 2, "-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-vf", "setfield=tff")
    plan, frames = await shown(film, tmp_path)
    assert plan.frame_rate == "50"
    assert not any(frame.interlaced_frame for frame in frames)


async def test_hdr_is_mapped_to_standard_range(tmp_path: Path) -> None:
    film = tmp_path / "hdr.mkv"
    tags = "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc"
    grey = "color=0x808080:s=160x96:r=25:d=0.4,format=yuv420p10le"
    films.ffmpeg("-f", "lavfi", "-i", f"{grey},{tags}", "-c:v", "libx265", str(film))
    _, frames = await shown(film, tmp_path)
    assert frames[0].color_trc == 1
    assert frames[0].colorspace == 1
    # About a hundred candela per square metre: paper white in PQ, a bright grey without a tint in BT.709.
    luma, *chroma = pixel(frames[0], 80, 48)
    assert 120 < luma < 180
    assert all(abs(value - 128) < 4 for value in chroma)


async def test_red_of_a_screen_recording_stays_red(tmp_path: Path) -> None:
    film = tmp_path / "rgb.mkv"
    red = "color=red:s=160x96:r=25:d=0.4,format=bgr0"
    films.ffmpeg("-f", "lavfi", "-i", red, "-c:v", "ffv1", "-pix_fmt", "bgr0", str(film))
    _, frames = await shown(film, tmp_path)
    assert all(abs(a - b) <= 3 for a, b in zip(pixel(frames[0], 80, 48), (63, 102, 240), strict=True))


async def test_full_range_is_narrowed(tmp_path: Path) -> None:
    film = tmp_path / "full.mp4"
    white = "color=white:s=160x96:r=25:d=0.4,scale=out_range=pc,format=yuvj420p"
    films.ffmpeg("-f", "lavfi", "-i", white, "-c:v", "libx264", "-color_range", "pc", str(film))
    _, frames = await shown(film, tmp_path)
    assert abs(pixel(frames[0], 80, 48)[0] - 235) <= 2


async def test_odd_sizes_and_fine_colour_are_made_playable(tmp_path: Path) -> None:
    film = clips.numbered(
        tmp_path / "odd.mkv", 1, "-vf", "scale=321:181,setsar=1", "-c:v", "ffv1", "-pix_fmt", "yuv444p10le"
    )
    plan, _ = await shown(film, tmp_path)
    assert [(rung.width, rung.height) for rung in plan.rungs] == [(212, 120), (320, 180)]


async def test_a_film_that_changes_its_size_midway_goes_on(tmp_path: Path) -> None:
    vp8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
    for name, size in (("a", "160:96"), ("b", "320:192")):
        clips.numbered(tmp_path / f"{name}.webm", 2, "-vf", f"scale={size}:flags=neighbor", *vp8, sound=False)
    listed = tmp_path / "list"
    listed.write_text("file a.webm\nfile b.webm\n")
    films.ffmpeg("-f", "concat", "-i", str(listed), "-c", "copy", str(tmp_path / "film.webm"))
    _, frames = await shown(tmp_path / "film.webm", tmp_path)
    assert clips.numbers(frames) == [*range(50), *range(50)]


async def test_a_broadcast_that_changes_its_size_midway_goes_on(tmp_path: Path) -> None:
    woven = ("-c:v", "mpeg2video", "-q:v", "3", "-flags", "+ildct+ilme", "-f", "mpegts", "-muxdelay", "0")
    halves = []
    for start, size in ((0, "160:96"), (2, "320:192")):
        view = ("-vf", f"scale={size}:flags=neighbor,setfield=tff", "-output_ts_offset", str(start))
        halves.append(clips.numbered(tmp_path / f"{start}.ts", 2, *view, *woven, sound=False).read_bytes())
    (tmp_path / "film.ts").write_bytes(b"".join(halves))
    _, frames = await shown(tmp_path / "film.ts", tmp_path)
    numbers = clips.numbers(frames)
    assert len(set(numbers[:96])) >= 48
    assert len(set(numbers[104:])) >= 46


async def test_a_slow_source_is_shown_at_a_natural_rate(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "slow.mp4", 3, rate="12.5")
    plan, frames = await shown(film, tmp_path)
    assert plan.frame_rate == "25"
    assert clips.numbers(frames) == [at // 2 for at in range(plan.frames)]


async def test_a_fast_source_is_halved(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "fast.mp4", 1, rate="100")
    plan, frames = await shown(film, tmp_path)
    assert plan.frame_rate == "50"
    numbers = clips.numbers(frames)
    assert {b - a for a, b in itertools.pairwise(numbers)} == {2}
