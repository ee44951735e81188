"""I-frame renditions: each file is one picture of its time, and together they tile the film."""

import io
import itertools
import re
from fractions import Fraction
from pathlib import Path

import av
import pytest

from media import copying, trick
from media.boxes import BadBox, read_keys, read_media
from media.plan import SOURCE, Plan
from media.playlist import Rendition
from media.segment import parse_name, to_ms
from tests.media import clips


async def film(folder: Path, seconds: float, rate: str = "25") -> tuple[Plan, Path]:
    """A plan and the folder of its generation, with the segments of the smallest rendition under their names."""
    plan, source = await clips.planned(clips.numbered(folder / "a.mp4", seconds, rate=rate), folder / "copy")
    (generation,) = await clips.encoded(plan, source, folder / "made", [(0, plan.segments)])
    for segment in plan.timeline.segments():
        made = generation / plan.rungs[0].name / f"{segment.index}.m4s"
        made.rename(made.with_name(segment.name))
    return plan, generation


def written(plan: Plan, generation: Path) -> Rendition:
    return trick.write_iframes(generation, plan.rungs[0].name, "iframes-0", plan)


def listed(generation: Path) -> list[tuple[Fraction, Path]]:
    """EXTINF and file of each entry of the playlist."""
    folder = generation / "iframes-0"
    found = re.findall(r"#EXTINF:([0-9.]+),\n(\S+)", (folder / "index.m3u8").read_text())
    return [(Fraction(seconds), folder / name) for seconds, name in found]


def decoded(path: Path) -> list[tuple[Fraction, int]]:
    """Time and number of each picture of one file, read with its init segment alone."""
    joined = io.BytesIO((path.with_name("init.mp4")).read_bytes() + path.read_bytes())
    with av.open(joined, mode="r") as container:
        frames = list(container.decode(video=0))
    return [(Fraction(frame.time_base or 0) * (frame.pts or 0), clips.numbers([frame])[0]) for frame in frames]


@pytest.mark.parametrize(
    ("seconds", "rate", "starts"),
    [
        (9, "25", [0, 50, 100, 150, 200]),
        (6.04, "25", [0, 50, 100, 150]),  # the last segment has one picture in its second half
        (5, "30000/1001", [0, 60, 120]),
        (4, "60", [0, 120]),
        (0.04, "25", [0]),
    ],
)
async def test_each_file_is_the_picture_of_its_time(
    seconds: float, rate: str, starts: list[int], tmp_path: Path
) -> None:
    plan, generation = await film(tmp_path, seconds, rate)
    written(plan, generation)
    entries = listed(generation)
    assert [decoded(path) for _, path in entries] == [[(at / plan.timeline.rate, at)] for at in starts]
    bounds = [*(at / plan.timeline.rate for at in starts), plan.timeline.seconds]
    names = [parse_name(path.name) for _, path in entries]
    assert [name.index for name in names] == list(range(len(starts)))
    assert [(name.start_ms, name.end_ms) for name in names] == [
        (to_ms(start), to_ms(end)) for start, end in itertools.pairwise(bounds)
    ]


async def test_lengths_in_boxes_and_playlist_tile_the_film(tmp_path: Path) -> None:
    plan, generation = await film(tmp_path, 8.2, "30000/1001")
    written(plan, generation)
    entries = listed(generation)
    found = [read_media(path) for _, path in entries]
    assert [media.decode_time for media in found] == [n * 60060 for n in range(5)]
    assert [media.duration for media in found] == [60060, 60060, 60060, 60060, plan.frames * 1001 - 4 * 60060]
    assert {media.samples for media in found} == {1}
    assert abs(sum(seconds for seconds, _ in entries) - plan.timeline.seconds) < Fraction(1, 100_000)


async def test_bit_rates_are_those_of_the_files(tmp_path: Path) -> None:
    plan, generation = await film(tmp_path, 9)
    told = written(plan, generation)
    sizes = [path.stat().st_size for _, path in listed(generation)]
    # The last picture stands for one second, half a target duration, and counts.
    rates = [8 * size / seconds for size, seconds in zip(sizes, [2, 2, 2, 2, 1], strict=True)]
    pair = 8 * (sizes[3] + sizes[4]) / 3
    assert told.bandwidth == int(max(*rates, pair)) + 1
    assert told.average_bandwidth == 8 * sum(sizes) // 9 + 1
    assert (told.name, told.width, told.height) == ("iframes-0", plan.rungs[0].width, plan.rungs[0].height)
    assert told.codecs == plan.rungs[0].codecs


async def test_the_playlist_says_that_there_is_nothing_but_key_pictures(tmp_path: Path) -> None:
    plan, generation = await film(tmp_path, 3)
    written(plan, generation)
    assert (generation / "iframes-0/index.m3u8").read_text() == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        '#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI="init.mp4"\n'
        "#EXTINF:2.000000,\n0-0-2000.m4s\n#EXTINF:1.000000,\n1-2000-3000.m4s\n#EXT-X-ENDLIST\n"
    )


async def test_a_call_that_was_killed_is_made_good_by_the_next(tmp_path: Path) -> None:
    plan, generation = await film(tmp_path, 5)
    first, folder = written(plan, generation), generation / "iframes-0"
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "index.m3u8").unlink()
    (folder / "0-0-2000.m4s").write_bytes(b"")
    (folder / "2-4000-5000.m4s").unlink()
    assert written(plan, generation) == first
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


async def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    plan, generation = await film(tmp_path, 3)
    first, folder = written(plan, generation), generation / "iframes-0"
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert written(plan, generation) == first
    assert {path.name: path.stat().st_ino for path in folder.iterdir()} == before


async def test_a_damaged_or_missing_segment_is_an_error(tmp_path: Path) -> None:
    plan, generation = await film(tmp_path, 5)
    last = generation / plan.rungs[0].name / plan.timeline.segment(1).name
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.raises(BadBox):
        written(plan, generation)
    last.unlink()
    with pytest.raises(FileNotFoundError):
        written(plan, generation)
    assert not (generation / "iframes-0/index.m3u8").exists()


@pytest.mark.parametrize("gop", ["10", "50"])
async def test_of_the_source_itself_key_pictures_two_seconds_apart_are_taken(gop: str, tmp_path: Path) -> None:
    every = ("-c:v", "libx264", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-bf", "2")
    plan, source = await clips.planned(clips.numbered(tmp_path / "a.mp4", 9, *every), tmp_path / "copy")
    segments = plan.segments_of(SOURCE)
    (tmp_path / SOURCE).mkdir()
    await copying.copy_picture(plan, source, range(len(segments)), tmp_path)
    for segment in segments:
        (tmp_path / SOURCE / f"{segment.index}.m4s").rename(tmp_path / SOURCE / segment.name)
    told = trick.write_iframes(tmp_path, SOURCE, "iframes-0", plan)
    assert (told.width, told.height) == (160, 96)
    assert [decoded(path) for _, path in listed(tmp_path)] == [[(n * Fraction(2), n * 50)] for n in range(5)]


async def test_key_samples_are_where_the_reader_says(tmp_path: Path) -> None:
    plan, generation = await film(tmp_path, 4)
    path = generation / plan.rungs[0].name / "0-0-4000.m4s"
    keys = read_keys(path)
    assert [key.decode_time for key in keys] == [0, 50 * 1000]
    for key in keys:
        picture = path.read_bytes()[key.at : key.at + key.size]
        kinds, at = [], 0
        while at < len(picture):
            kinds.append(picture[at + 4] & 31)
            at += 4 + int.from_bytes(picture[at : at + 4])
        assert at == len(picture)
        assert 5 in kinds  # an IDR slice
        assert 1 not in kinds
