"""Any span, in any order, by any process: the same film. Pictures are compared by the numbers they show."""

from fractions import Fraction
from pathlib import Path

import pytest

from media.boxes import read_init
from tests.media import clips

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "70", "-bf", "3")
SOURCES = {
    "film.mp4": (*H264, "-c:a", "aac"),
    "open-gop.mp4": (*H264, "-x264-params", "open-gop=1", "-c:a", "aac"),
    "fragmented.mp4": (*H264, "-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov"),
    "film.mov": (*H264, "-c:a", "pcm_s16le"),
    "film.mkv": (*H264, "-c:a", "aac"),
    "film.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "70", "-c:a", "libvorbis"),
    # Key pictures where spans begin: decoding begins there too. Its sound starts 7 ms before its pictures.
    "keys-at-cuts.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "50"),
    "film.ts": (*H264, "-x264-params", "open-gop=1", "-c:a", "aac", "-f", "mpegts"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-bf", "2", "-g", "50", "-c:a", "mp2", "-f", "mpegts"),
    "film.mpg": ("-c:v", "mpeg2video", "-bf", "2", "-g", "50", "-c:a", "mp2", "-f", "vob"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-bf", "2", "-g", "70", "-c:a", "mp3"),
    "film.flv": (*H264, "-c:a", "aac"),
    "film.wmv": ("-c:v", "wmv2", "-g", "70", "-c:a", "wmav2"),
}


def is_whole(shown: list[int], last: int) -> None:
    """Every picture once and in order. In some containers sound starts a moment earlier: the first shows longer."""
    late = shown.count(0) - 1
    assert late <= 2
    assert shown[late:] == list(range(len(shown) - late))
    assert abs(shown[-1] - last) <= 1


@pytest.mark.parametrize("name", SOURCES)
async def test_spans_out_of_order_show_every_picture_once(name: str, tmp_path: Path) -> None:
    source = clips.numbered(tmp_path / name, 9, *SOURCES[name])
    plan, film = await clips.planned(source, tmp_path / "copy")
    spans = [(2, plan.segments), (0, 1), (1, 2)]
    folders = await clips.encoded(plan, film, tmp_path / "out", spans)
    rung = plan.rungs[0].name
    inits = {(folder / rung / "init.mp4").read_bytes() for folder in folders}
    segments = clips.parts(folders, rung)
    is_whole(clips.numbers(clips.pictures(folders[0] / rung / "init.mp4", segments)), last=224)
    assert len(inits) == 1
    assert sum(media.samples for media in clips.boxes_of(segments)) == plan.frames


async def test_every_chunking_gives_the_same_pictures_at_the_same_times(tmp_path: Path) -> None:
    source = clips.numbered(tmp_path / "film.mp4", 9.5, rate="30000/1001")
    plan, film = await clips.planned(source, tmp_path)
    seen = []
    for number, spans in enumerate([[(0, 3)], [(1, 3), (0, 1)], [(2, 3), (1, 2), (0, 1)]]):
        folders = await clips.encoded(plan, film, tmp_path / str(number), spans)
        segments = clips.parts(folders, "100p")
        shown = clips.numbers(clips.pictures(folders[0] / "100p/init.mp4", segments))
        times = [(media.decode_time, media.samples, media.duration) for media in clips.boxes_of(segments)]
        seen.append((shown, times, (folders[-1] / "100p/init.mp4").read_bytes()))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0] == list(range(plan.frames))
    assert seen[0][1] == [(0, 120, 120120), (120120, 120, 120120), (240240, 45, 45045)]


async def test_machines_with_other_cores_make_parts_of_one_film(tmp_path: Path) -> None:
    source = clips.numbered(tmp_path / "film.mp4", 5, *H264, "-vf", "scale=854:480,setsar=1", "-c:a", "aac")
    plan, film = await clips.planned(source, tmp_path)
    seen = []
    for threads in (1, 2, 8):
        (folder,) = await clips.encoded(plan, film, tmp_path / str(threads), [(0, 2)], threads)
        inits = [(folder / rung.name / "init.mp4").read_bytes() for rung in plan.rungs]
        parts = [clips.boxes_of(clips.parts([folder], rung.name)) for rung in plan.rungs]
        seen.append((inits, [[(media.decode_time, media.samples, media.duration) for media in rung] for rung in parts]))
    assert seen[0] == seen[1] == seen[2]


async def test_a_film_of_varying_rate_is_cut_the_same_everywhere(tmp_path: Path) -> None:
    uneven = ("-vf", "select='not(eq(mod(n,5),3))',setpts='PTS+mod(N,3)*200'", "-fps_mode", "vfr")
    source = clips.numbered(tmp_path / "film.mp4", 9, *H264, *uneven, "-c:a", "aac")
    plan, film = await clips.planned(source, tmp_path)
    whole = await clips.encoded(plan, film, tmp_path / "whole", [(0, plan.segments)])
    spans = [(at, at + 1) for at in reversed(range(plan.segments))]
    single = await clips.encoded(plan, film, tmp_path / "single", spans)
    shown = [
        clips.numbers(clips.pictures(folders[0] / "100p/init.mp4", clips.parts(folders, "100p")))
        for folders in (whole, single)
    ]
    assert shown[0] == shown[1]
    assert len(shown[0]) == plan.frames
    assert shown[0] == sorted(shown[0])


async def test_rungs_of_one_decode_are_cut_alike(tmp_path: Path) -> None:
    source = clips.numbered(tmp_path / "film.mp4", 5, *H264, "-vf", "scale=854:480,setsar=1", "-c:a", "aac")
    plan, film = await clips.planned(source, tmp_path)
    assert [(rung.name, rung.width, rung.height) for rung in plan.rungs] == [
        ("240p", 426, 240),
        ("360p", 640, 360),
        ("480p", 854, 480),
    ]
    (folder,) = await clips.encoded(plan, film, tmp_path / "out", [(0, 2)])
    for rung in plan.rungs:
        init = read_init((folder / rung.name / "init.mp4").read_bytes())
        assert (init.codec, init.width, init.height) == (rung.codecs, rung.width, rung.height)
        assert [m.samples for m in clips.boxes_of(clips.parts([folder], rung.name))] == [100, 25]
        assert all(media.starts_with_sync for media in clips.boxes_of(clips.parts([folder], rung.name)))


async def test_a_film_of_one_picture_is_a_film(tmp_path: Path) -> None:
    source = clips.numbered(tmp_path / "film.mp4", 0.04, sound=False)
    plan, film = await clips.planned(source, tmp_path)
    (folder,) = await clips.encoded(plan, film, tmp_path / "out", [(0, 1)])
    assert (plan.frames, plan.duration_ms, plan.timeline.rate) == (1, 40, Fraction(25))
    assert clips.numbers(clips.pictures(folder / "100p/init.mp4", clips.parts([folder], "100p"))) == [0]


async def test_the_last_picture_stays_when_the_source_ends_early(tmp_path: Path) -> None:
    source = clips.numbered(tmp_path / "film.mp4", 2)
    plan, film = await clips.planned(source, tmp_path)
    longer = type(plan)(**{name: getattr(plan, name) for name in plan.__struct_fields__} | {"frames": 53})
    (folder,) = await clips.encoded(longer, film, tmp_path / "out", [(0, 1)])
    shown = clips.numbers(clips.pictures(folder / "100p/init.mp4", clips.parts([folder], "100p")))
    assert shown == [*range(50), 49, 49, 49]
