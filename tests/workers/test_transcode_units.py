"""Units below the claim: what a worker makes of a unit it holds, and what it leaves behind."""

import asyncio
import itertools
import os
import time
from pathlib import Path

import pytest

from api import binaries
from api.clients import Unit
from media import playlist
from media.encoder import Failed
from media.plan import from_document
from media.probe import Refused
from tests import films
from tests.media import clips
from workers.encode import encode_span
from workers.finish import POSTER, REPORT, finish_film
from workers.probe import Planned, plan_film, spans
from workers.shop import STALE_S, Progress, Shop, settle


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    (tmp_path / "sources").mkdir()
    return Shop(binaries.ffmpeg(), tmp_path / "media", tmp_path / "sources", threads=1)


def unit(
    kind: str, *, plan: Planned | None = None, renditions: list[str] | None = None, span: range = range(0)
) -> Unit:
    return Unit(
        id=5,
        fence=2,
        lease_s=15,
        kind=kind,
        job_id=3,
        video_id=9,
        generation=1,
        source="film",
        filename="holiday.mp4",
        renditions=renditions or [],
        first_segment=span.start,
        end_segment=span.stop,
        attempt=1,
        plan=plan.plan if plan else {},
    )


async def prepared(shop: Shop, seconds: float = 9, name: str = "a.mp4") -> Planned:
    """A film in the source folder, and its plan."""
    films.synthetic(shop.sources / name, seconds).rename(shop.sources / "film")
    return await plan_film(shop, unit("probe"), Progress())


def folder(shop: Shop) -> Path:
    return shop.media / "9/1"


async def everything(shop: Shop, planned: Planned) -> None:
    for new in planned.units:
        held = unit(new.kind, plan=planned, renditions=new.renditions, span=range(new.first_segment, new.end_segment))
        await encode_span(shop, held, Progress())


async def test_a_probe_makes_the_film_playable_before_anything_is_encoded(shop: Shop) -> None:
    planned = await prepared(shop)
    plan = from_document(planned.plan)
    assert (plan.duration_ms, plan.segments) == (9000, 3)
    assert [(r.name, r.kind, r.codecs) for r in planned.renditions] == [
        ("180p", "video", "avc1.64000c"),
        ("audio-0", "audio", "mp4a.40.2"),
    ]
    assert (folder(shop) / playlist.MASTER).is_file()
    assert (folder(shop) / "180p" / playlist.INDEX).read_text().count("#EXTINF") == 3
    assert [(u.kind, u.queue, u.first_segment, u.end_segment, u.rank) for u in planned.units] == [
        ("audio", "interactive", 0, 3, 0),
        ("video", "interactive", 0, 1, 1),
        ("video", "interactive", 1, 3, 2),
    ]


async def test_the_rest_of_the_ladder_is_left_to_the_batch(shop: Shop) -> None:
    films.bunny_loop(shop.sources / "a.mp4", 10).rename(shop.sources / "film")
    planned = await plan_film(shop, unit("probe"), Progress())
    batch = [u for u in planned.units if u.queue == "batch"]
    assert {tuple(u.renditions) for u in batch} == {("240p", "540p", "720p")}
    assert [(u.first_segment, u.end_segment) for u in batch] == [(0, 8), (8, 14)]


@pytest.mark.parametrize("segments", [1, 2, 3, 8, 9, 100])
def test_units_tile_the_film(segments: int) -> None:
    found = list(spans(segments, (1, 2, 5)))
    assert found[0][0] == 0
    assert found[-1][1] == segments
    assert all(a[1] == b[0] for a, b in itertools.pairwise(found))
    assert segments < 16 or [end - first for first, end in found[:4]] == [1, 2, 5, 8]


async def test_segments_appear_one_by_one_under_their_final_names(shop: Shop) -> None:
    planned, progress = await prepared(shop), Progress()
    held = unit("video", plan=planned, renditions=["180p"], span=range(3))
    assert await encode_span(shop, held, progress) == {"encoded": 3}
    assert sorted(path.name for path in (folder(shop) / "180p").iterdir()) == [
        "0-0-4000.m4s",
        "1-4000-8000.m4s",
        "2-8000-9000.m4s",
        "index.m3u8",
        "init.mp4",
    ]
    assert progress.segments == 3
    assert not list((shop.media / ".scratch").iterdir())


async def test_sound_appears_while_it_is_still_being_made(shop: Shop) -> None:
    planned = await prepared(shop, 30)
    held = unit("audio", plan=planned, renditions=["audio-0"], span=range(8))
    progress = Progress()
    making = asyncio.create_task(encode_span(shop, held, progress))
    first = folder(shop) / "audio-0/0-0-4000.m4s"
    while not first.is_file():
        assert not making.done()
        await asyncio.sleep(0.01)
    assert (folder(shop) / "audio-0/init.mp4").is_file()
    assert await making == {"encoded": 8}
    assert progress.speed > 0
    assert len(list((folder(shop) / "audio-0").glob("*.m4s"))) == 8


async def test_sound_that_changes_its_layout_midway_goes_on(shop: Shop, tmp_path: Path) -> None:
    halves = []
    for start, layout in ((0, "stereo"), (4, "5.1")):
        half = tmp_path / f"{start}.ts"
        films.ffmpeg(
            *("-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=4", "-f", "lavfi", "-i", "sine=sample_rate=48000:d=4"),
            *(
                "-filter_complex",
                f"[1]aformat=channel_layouts={layout}[a]",
                "-map",
                "0:v",
                "-map",
                "[a]",
                "-c:a",
                "ac3",
            ),
            *("-c:v", "libx264", "-output_ts_offset", str(start), "-muxdelay", "0", str(half)),
        )
        halves.append(half.read_bytes())
    (shop.sources / "film").write_bytes(b"".join(halves))
    planned = await plan_film(shop, unit("probe"), Progress())
    held = unit("audio", plan=planned, renditions=["audio-0"], span=range(2))
    await encode_span(shop, held, Progress())
    sound = folder(shop) / "audio-0"
    loud = clips.loudness(sound / "init.mp4", sorted(sound.glob("*.m4s")))
    assert min(loud[1:-1]) > 0.02
    assert abs(len(loud) / 10 - planned.plan["duration_ms"] / 1000) < 0.15


async def test_what_is_there_is_neither_made_again_nor_replaced(shop: Shop) -> None:
    planned = await prepared(shop)
    held = unit("video", plan=planned, renditions=["180p"], span=range(3))
    await encode_span(shop, held, Progress())
    first, last = folder(shop) / "180p/0-0-4000.m4s", folder(shop) / "180p/2-8000-9000.m4s"
    inode = first.stat().st_ino
    last.unlink()
    assert await encode_span(shop, held, Progress()) == {"encoded": 1}
    assert last.is_file()
    assert first.stat().st_ino == inode
    assert await encode_span(shop, held, Progress()) == {"encoded": 0}


async def test_a_last_span_of_one_picture_fits_the_others(shop: Shop) -> None:
    planned = await prepared(shop, 8.04)
    plan = from_document(planned.plan)
    assert plan.frames == 201
    await encode_span(shop, unit("video", plan=planned, renditions=["180p"], span=range(2, 3)), Progress())
    await everything(shop, planned)
    result = await finish_film(shop, unit("finish", plan=planned), Progress())
    assert result["report"]["findings"] == 0


async def test_another_encoder_s_init_segment_is_not_mixed_in(shop: Shop) -> None:
    planned = await prepared(shop)
    (folder(shop) / "180p/init.mp4").write_bytes(b"another")
    with pytest.raises(Failed) as caught:
        await encode_span(shop, unit("video", plan=planned, renditions=["180p"], span=range(1)), Progress())
    assert caught.value.code == "init_mismatch"
    assert not list((folder(shop) / "180p").glob("*.m4s"))


async def test_cancelling_an_encode_leaves_no_process_and_no_scratch(shop: Shop) -> None:
    planned = await prepared(shop, 60)
    held = unit("audio", plan=planned, renditions=["audio-0"], span=range(15))
    making = asyncio.create_task(encode_span(shop, held, Progress()))
    while not list((folder(shop) / "audio-0").glob("*.m4s")):
        assert not making.done()
        await asyncio.sleep(0.01)
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    assert not list((shop.media / ".scratch").iterdir())
    assert not children()
    assert not list((folder(shop) / "audio-0").glob("*.tmp"))


def children() -> list[str]:
    """Command lines of FFmpegs that this process started and that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
            command = path.with_name("cmdline").read_bytes().decode()
        except OSError:
            continue
        if int(words[1]) == os.getpid() and words[0] != "Z" and "ffmpeg" in command:
            found.append(command)
    return found


async def test_a_text_that_calls_itself_a_film_is_refused(shop: Shop) -> None:
    (shop.sources / "film").write_text("#EXTM3U\n#EXTINF:4,\nfile:/etc/passwd\n")
    with pytest.raises(Refused):
        await plan_film(shop, unit("probe"), Progress())
    assert not folder(shop).exists()


async def test_a_lost_source_is_said_to_be_lost(shop: Shop) -> None:
    with pytest.raises(Failed) as caught:
        await plan_film(shop, unit("probe"), Progress())
    assert (caught.value.code, caught.value.permanent) == ("source_lost", True)


async def test_an_unseekable_source_is_copied_and_the_copy_goes_in_the_end(shop: Shop) -> None:
    planned = await prepared(shop, 5, "a.ts")
    assert planned.plan["copied"]
    assert shop.copy(unit("probe")).is_file()
    await everything(shop, planned)
    await finish_film(shop, unit("finish", plan=planned), Progress())
    assert not shop.copy(unit("probe")).parent.exists()


async def test_finishing_measures_checks_and_publishes(shop: Shop) -> None:
    planned = await prepared(shop)
    await everything(shop, planned)
    result = await finish_film(shop, unit("finish", plan=planned), Progress())
    shown, told = result["renditions"]
    assert (shown["name"], shown["codecs"], shown["width"], shown["height"]) == ("180p", "avc1.64000c", 320, 180)
    assert shown["average_bandwidth"] <= shown["bandwidth"] < 2_000_000
    assert told["name"] == "audio-0"
    master = (folder(shop) / playlist.MASTER).read_text()
    assert f"BANDWIDTH={shown['bandwidth'] + told['bandwidth']}," in master
    assert (folder(shop) / REPORT).is_file()
    assert result["poster"]
    assert (folder(shop) / POSTER).read_bytes().startswith(b"\xff\xd8\xff")
    assert await finish_film(shop, unit("finish", plan=planned), Progress()) == result


@pytest.mark.parametrize("harm", ["missing", "cut", "swapped"])
async def test_the_gate_keeps_a_bad_film_from_being_ready(harm: str, shop: Shop) -> None:
    planned = await prepared(shop)
    await everything(shop, planned)
    first, second = (folder(shop) / "180p" / name for name in ("0-0-4000.m4s", "1-4000-8000.m4s"))
    before = (folder(shop) / playlist.MASTER).read_text()
    if harm == "missing":
        second.unlink()
    elif harm == "cut":
        second.write_bytes(second.read_bytes()[:-1])
    else:
        second.write_bytes(first.read_bytes())
    with pytest.raises(Failed) as caught:
        await finish_film(shop, unit("finish", plan=planned), Progress())
    assert (caught.value.code, caught.value.permanent) == ("not_conformant", True)
    assert (folder(shop) / playlist.MASTER).read_text() == before


async def test_a_poster_avoids_the_black_opening(shop: Shop) -> None:
    films.ffmpeg(
        *("-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=3", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3"),
        *("-filter_complex", "[0][1]concat=n=2:v=1", "-c:v", "libx264", "-f", "mp4", str(shop.sources / "film")),
    )
    planned = await plan_film(shop, unit("probe"), Progress())
    await everything(shop, planned)
    await finish_film(shop, unit("finish", plan=planned), Progress())
    assert (folder(shop) / POSTER).stat().st_size > 5000


def test_the_first_to_settle_a_name_keeps_it(tmp_path: Path) -> None:
    place = tmp_path / "final/0-0-4000.m4s"
    for content in (b"first", b"second"):
        made = tmp_path / "made"
        made.write_bytes(content)
        settle(made, place)
        assert not made.exists()
    assert place.read_bytes() == b"first"


def test_what_a_killed_worker_left_is_swept_but_not_what_lives(shop: Shop) -> None:
    for name, age in (("1-1", 2 * STALE_S), ("2-1", 0)):
        left = shop.media / ".scratch" / name / "360p"
        left.mkdir(parents=True)
        for path in (left, left.parent):
            os.utime(path, (time.time() - age, time.time() - age))
    shop.drop_stale()
    assert [path.name for path in (shop.media / ".scratch").iterdir()] == ["2-1"]
