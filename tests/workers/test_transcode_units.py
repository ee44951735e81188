"""Units below the claim: what a worker makes of a unit it holds, and what it leaves behind."""

import asyncio
import itertools
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

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
from workers.finish import POSTER, REPORT, extras_film, finish_film
from workers.probe import Planned, plan_film, spans
from workers.shop import STALE_S, Done, Progress, Shop, settle
from workers.transcode import KINDS


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


async def everything(shop: Shop, planned: Planned) -> Planned:
    """All units but the finish, as the videos service would hand them out; gives the plan as they left it."""
    waiting, held, plan = [u for u in planned.units if u.queue != "held"], list(planned.units), planned.plan
    held = [u for u in held if u.queue == "held"]
    while waiting:
        new = waiting.pop(0)
        span = range(new.first_segment, new.end_segment)
        work = KINDS[new.kind]
        done = await work(
            shop, unit(new.kind, plan=replace(planned, plan=plan), renditions=new.renditions, span=span), Progress()
        )
        if isinstance(done, Done) and done.opens is not None:
            plan = plan | done.opens.plan
            adopted = [u for u in held if set(u.renditions) & set(done.opens.adopt)]
            held = [u for u in held if u not in adopted]
            waiting += [*adopted, *done.opens.units]
    return replace(planned, plan=plan)


async def finished(shop: Shop, planned: Planned) -> dict[str, Any]:
    return await finish_film(shop, unit("finish", plan=planned), Progress())


async def test_a_probe_makes_the_film_playable_before_anything_is_encoded(shop: Shop) -> None:
    planned = await prepared(shop)
    plan = from_document(planned.plan)
    assert (plan.duration_ms, plan.segments) == (9000, 3)
    assert [(r.name, r.kind, r.codecs) for r in planned.renditions] == [
        ("source", "video", "avc1.42c00c"),
        ("120p", "video", "avc1.64000c"),
        ("180p", "video", "avc1.64000c"),
        ("audio-0", "audio", "mp4a.40.2"),
    ]
    assert (folder(shop) / playlist.MASTER).read_text().splitlines()[-1] == "source/index.m3u8"
    assert [(u.kind, u.queue, u.renditions, u.first_segment, u.end_segment) for u in planned.units] == [
        ("audio", "interactive", ["audio-0"], 0, 1),
        ("audio", "interactive", ["audio-0"], 1, 3),
        ("copy", "interactive", ["source"], 0, 1),
        ("survey", "batch", [], 0, 0),
        ("loudness", "batch", [], 0, 0),
        ("video", "held", ["120p", "180p"], 0, 3),
        ("extras", "batch", [], 0, 0),
    ]


async def test_what_cannot_be_copied_begins_with_a_small_rung(shop: Shop) -> None:
    clip = films.bunny_loop(shop.sources / "a.mkv", 10)
    clip.rename(shop.sources / "film")
    planned = await plan_film(shop, unit("probe"), Progress())
    assert (folder(shop) / playlist.MASTER).read_text().splitlines()[-1] == "360p/index.m3u8"
    pictures = [(u.queue, u.renditions, u.first_segment, u.end_segment) for u in planned.units if u.kind == "video"]
    assert pictures == [
        ("interactive", ["360p"], 0, 1),
        ("interactive", ["360p"], 1, 3),
        ("interactive", ["360p"], 3, 8),
        ("held", ["240p", "540p", "720p"], 0, 8),
        ("held", ["240p", "360p", "540p", "720p"], 8, 14),
    ]


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
        "init.mp4",
    ]
    assert progress.segments == 3
    assert not list((shop.media / ".scratch").iterdir())


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


async def test_sound_whose_unit_is_shortened_is_made_no_further(shop: Shop) -> None:
    films.synthetic(shop.sources / "a.mkv", 6).rename(shop.sources / "b.mkv")
    long = ("-stream_loop", "99", "-i", str(shop.sources / "b.mkv"), "-c", "copy", str(shop.sources / "a.mkv"))
    films.ffmpeg(*long)
    (shop.sources / "a.mkv").rename(shop.sources / "film")
    planned, progress = await plan_film(shop, unit("probe"), Progress()), Progress()
    held = unit("audio", plan=planned, renditions=["audio-0"], span=range(150))
    making = asyncio.create_task(encode_span(shop, held, progress))
    while not children():
        assert not making.done()
        await asyncio.sleep(0.01)
    progress.end_segment = 3
    assert await making == {"encoded": 3}
    assert sorted(path.name.partition("-")[0] for path in (folder(shop) / "audio-0").glob("*.m4s")) == ["0", "1", "2"]


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
    whole = await everything(shop, planned)
    last = list(folder(shop).glob("1*0p/2-8000-8040.m4s"))
    for path in last:
        path.unlink()
    assert len(last) == 2
    await encode_span(shop, unit("video", plan=whole, renditions=["120p", "180p"], span=range(2, 3)), Progress())
    result = await finished(shop, whole)
    assert result["report"]["findings"] == 0


async def test_another_encoder_s_init_segment_is_not_mixed_in(shop: Shop) -> None:
    planned = await prepared(shop)
    (folder(shop) / "180p").mkdir()
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


async def test_an_unseekable_source_is_copied_and_the_copy_is_dropped_in_the_end(shop: Shop) -> None:
    planned = await prepared(shop, 5, "a.ts")
    assert planned.plan["copied"]
    assert shop.copy(unit("probe")).is_file()
    result = await finished(shop, await everything(shop, planned))
    assert shop.copy(unit("probe")).parent.name in result["drop"]


async def test_finishing_measures_checks_and_publishes(shop: Shop) -> None:
    whole = await everything(shop, await prepared(shop))
    result = await finished(shop, whole)
    told = {rendition["name"]: rendition for rendition in result["renditions"]}
    assert list(told) == ["120p", "180p", "audio-1", "audio-2"]
    shown, small = told["180p"], told["120p"]
    assert (shown["codecs"], shown["width"], shown["height"]) == ("avc1.64000c", 320, 180)
    assert shown["average_bandwidth"] <= shown["bandwidth"] < 2_000_000
    assert small["bandwidth"] + told["audio-2"]["bandwidth"] <= 192_000
    assert result["drop"] == ["audio-0", "source"]
    master = (folder(shop) / playlist.MASTER).read_text()
    assert f"BANDWIDTH={shown['bandwidth'] + told['audio-1']['bandwidth']}," in master
    assert "iframes-1/index.m3u8" in master
    assert (folder(shop) / REPORT).is_file()
    assert (result["poster"], result["storyboard"]) == (True, True)
    assert (folder(shop) / POSTER).read_bytes().startswith(b"\xff\xd8\xff")
    assert (folder(shop) / "storyboard.vtt").read_text().count("#xywh=") == 5
    assert await finished(shop, whole) == result


async def test_a_source_on_the_grid_stays_the_highest_rendition(shop: Shop) -> None:
    closed = ("-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0")
    clips.numbered(shop.sources / "a.mp4", 9, *closed, "-c:a", "aac", "-ac", "2").rename(shop.sources / "film")
    whole = await everything(shop, await plan_film(shop, unit("probe"), Progress()))
    result = await finished(shop, whole)
    assert [r["name"] for r in result["renditions"]][:2] == ["100p", "source"]
    assert result["drop"] == ["101p", "audio-0"]
    place = folder(shop) / "source"
    segments = [place / segment.name for segment in from_document(whole.plan).segments_of("source")]
    assert clips.numbers(clips.pictures(place / "init.mp4", segments)) == list(range(225))


@pytest.mark.parametrize("harm", ["missing", "cut", "swapped"])
async def test_the_gate_keeps_a_bad_film_from_being_ready(harm: str, shop: Shop) -> None:
    whole = await everything(shop, await prepared(shop))
    first, second = (folder(shop) / "180p" / name for name in ("0-0-4000.m4s", "1-4000-8000.m4s"))
    before = (folder(shop) / playlist.MASTER).read_text()
    if harm == "missing":
        second.unlink()
    elif harm == "cut":
        second.write_bytes(second.read_bytes()[:-1])
    else:
        second.write_bytes(first.read_bytes())
    with pytest.raises(Failed) as caught:
        await finished(shop, whole)
    assert (caught.value.code, caught.value.permanent) == ("not_conformant", True)
    assert (folder(shop) / playlist.MASTER).read_text() == before


async def test_a_poster_avoids_the_black_opening(shop: Shop) -> None:
    films.ffmpeg(
        *("-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=3", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3"),
        *("-filter_complex", "[0][1]concat=n=2:v=1", "-c:v", "libx264", "-f", "mp4", str(shop.sources / "film")),
    )
    planned = await plan_film(shop, unit("probe"), Progress())
    await extras_film(shop, unit("extras", plan=planned), Progress())
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
