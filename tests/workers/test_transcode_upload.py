"""From the last byte of an upload to `ready`, with the real videos service, FFmpeg and the worker's own loop."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from api.clients import Clients, Unit
from api.queue import QUEUES
from api.settings import Settings
from media import playlist
from tests import films
from tests.conftest import Platform, PlatformMaker
from tests.media import clips
from tests.workers.test_transcode_units import children
from workers.shop import open_shop
from workers.transcode import do, work_off

OWNER = 7


async def upload(p: Platform, content: bytes) -> int:
    """POST /api/videos as a form; gives the video's id."""
    files = {"file": ("film.mp4", content, "video/mp4")}
    answer = await p.call("POST", "videos", "/api/videos", token=p.user(OWNER), data={"title": "A film"}, files=files)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def look(p: Platform, video_id: int) -> dict[str, Any]:
    answer = await p.call("GET", "videos", f"/api/videos/{video_id}", token=p.user(OWNER))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def long_film(folder: Path) -> Path:
    """Two minutes, by stream copy of six seconds: a unit of its ladder takes a while."""
    short, long = films.synthetic(folder / "short.mp4", 6, size="640x360"), folder / "long.mp4"
    films.ffmpeg("-stream_loop", "19", "-i", str(short), "-c", "copy", str(long))
    return long


@asynccontextmanager
async def worker(p: Platform) -> AsyncIterator[Clients]:
    async with Clients(p.settings, caller="worker") as clients:
        yield clients


async def work(p: Platform) -> None:
    """All queues until nothing is left; the batch opens the finish, which is interactive."""
    async with worker(p) as clients:
        for queue in (*QUEUES, "interactive"):
            await work_off(clients, open_shop(p.settings, queue), queue, asyncio.Event())


async def working(p: Platform, clients: Clients, unit: Unit, renew_every_s: float) -> None:
    """A worker at a unit, asking often whether it still may."""
    await do(clients, open_shop(p.settings, "interactive"), unit, asyncio.Event(), renew_every_s)


async def state_of(p: Platform, unit: Unit) -> str:
    return await p.db("videos").value("select state from units where id = :id", id=unit.id)


async def claimed(p: Platform, clients: Clients, clip: Path) -> tuple[int, Unit]:
    """The id of an uploaded, surveyed film, and a unit of its ladder."""
    video_id = await upload(p, clip.read_bytes())
    shop = open_shop(p.settings, "interactive")
    for queue, kind in (("interactive", "probe"), ("batch", "survey"), ("batch", "loudness")):
        unit = await clients.units_claim(queue, "test")
        assert unit is not None
        assert unit.kind == kind
        await do(clients, shop, unit, asyncio.Event())
    unit = await clients.units_claim("batch", "test")
    assert unit is not None
    assert (unit.kind, unit.renditions) == ("video", ["240p", "360p"])
    return video_id, unit


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long_film(tmp_path_factory.mktemp("long"))


async def test_an_uploaded_clip_becomes_ready(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    clip = films.synthetic(tmp_path / "clip.mp4", 5, size="854x480")
    video_id = await upload(p, clip.read_bytes())
    await work(p)
    video = await look(p, video_id)
    assert (video["status"], video["error"], video["duration_ms"]) == ("ready", None, 5000)
    complete = {r["name"] for r in video["renditions"] if r["complete"]}
    # Its sound was levelled, and made once more for the smallest rung.
    assert complete == {"240p", "360p", "480p", "audio-1", "audio-2"}
    folder = p.settings.path("MEDIA_ROOT") / str(video_id) / "1"
    listed = {line for line in (folder / playlist.MASTER).read_text().splitlines() if line.endswith("index.m3u8")}
    assert listed == {"240p/index.m3u8", "360p/index.m3u8", "480p/index.m3u8"}
    for rendition in complete:
        assert [path.name for path in sorted((folder / rendition).glob("*.m4s"))] == ["0-0-4000.m4s", "1-4000-5000.m4s"]


async def test_a_silent_clip_becomes_ready(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    clip = tmp_path / "silent.mp4"
    films.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=1", "-c:v", "libx264", str(clip))
    video_id = await upload(p, clip.read_bytes())
    await work(p)
    video = await look(p, video_id)
    # Its own pictures are on the grid: they stay, and nothing of their size is encoded.
    assert (video["status"], [r["name"] for r in video["renditions"]]) == ("ready", ["120p", "source"])


async def test_who_began_early_plays_on_when_the_film_is_ready(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    irregular = ("-c:v", "libx264", "-force_key_frames", "0,3.2,7,11.5,15,18.3,22,25.7,29,33", "-c:a", "aac")
    clip = clips.numbered(tmp_path / "clip.mp4", 36, *irregular)
    video_id = await upload(p, clip.read_bytes())
    await work(p)
    assert (await look(p, video_id))["status"] == "ready"
    folder = p.settings.path("MEDIA_ROOT") / str(video_id) / "1"
    names = [line for line in (folder / "source/index.m3u8").read_text().splitlines() if line.endswith(".m4s")]
    assert not (folder / "source" / names[-1]).exists()
    asking = asyncio.create_task(p.call("GET", "videos", f"/internal/held/{video_id}/1/source/{names[-1]}"))
    async with worker(p) as clients:
        while not (folder / "source" / names[-1]).exists():
            await work_off(clients, open_shop(p.settings, "interactive"), "interactive", asyncio.Event())
    assert (await asking).status_code == 200
    assert (await look(p, video_id))["status"] == "ready"


async def test_a_refused_upload_fails_with_a_reason_for_its_owner(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    whole = films.synthetic(tmp_path / "clip.mp4", 5).read_bytes()
    video_id = await upload(p, whole[: len(whole) // 2])
    await work(p)
    video = await look(p, video_id)
    assert (video["status"], video["error"]["code"]) == ("failed", "damaged")
    assert "Upload it again" in video["error"]["message"] or "damaged" in video["error"]["message"]


async def test_a_worker_that_lost_its_lease_stops_and_keeps_silent(platform: PlatformMaker, long_clip: Path) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        _, unit = await claimed(p, clients, long_clip)
        await p.db("videos").run("update units set fence = fence + 1 where id = :id", id=unit.id)
        await asyncio.wait_for(working(p, clients, unit, renew_every_s=0.3), 10)
    assert await state_of(p, unit) == "running"
    assert not children()


async def test_a_cancelled_job_stops_its_encoder(platform: PlatformMaker, long_clip: Path) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        _, unit = await claimed(p, clients, long_clip)
        encoding = asyncio.create_task(working(p, clients, unit, renew_every_s=0.2))
        answer = await p.call("POST", "videos", f"/api/jobs/{unit.job_id}/cancel", token=p.user(OWNER))
        assert answer.status_code < 300, answer.text
        await asyncio.wait_for(encoding, 10)
    assert not children()


async def test_a_silent_videos_service_is_waited_for_as_long_as_the_lease_lasts(
    platform: PlatformMaker, long_clip: Path
) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        _, unit = await claimed(p, clients, long_clip)
    nowhere = Settings({**p.settings.values, "VIDEO_SERVICE_URL": "http://127.0.0.1:1"})
    short = Unit(**{name: getattr(unit, name) for name in unit.__struct_fields__} | {"lease_s": 1.0})
    began = time.monotonic()
    async with Clients(nowhere, caller="worker") as clients:
        await working(p, clients, short, renew_every_s=0.2)
    assert 1.0 <= time.monotonic() - began < 10
    assert not children()


async def test_a_stopped_worker_gives_its_unit_back(platform: PlatformMaker, long_clip: Path) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        _, unit = await claimed(p, clients, long_clip)
        stop = asyncio.Event()
        encoding = asyncio.create_task(do(clients, open_shop(p.settings, "interactive"), unit, stop))
        while not children():
            await asyncio.sleep(0.01)
        stop.set()
        await asyncio.wait_for(encoding, 10)
    assert await state_of(p, unit) == "queued"
    assert not children()
