"""Films that are made again, whole or in part: after a cancel, and when what they were made from is gone."""

import asyncio
import shutil
from pathlib import Path

from tests import films
from tests.conftest import Platform, PlatformMaker
from tests.workers.test_captions import GERMAN, master, put
from tests.workers.test_transcode_upload import OWNER, look, upload, work, worker
from workers.shop import open_shop
from workers.transcode import work_off


async def steer(p: Platform, video_id: int, verb: str) -> None:
    job = await p.call("GET", "videos", f"/api/videos/{video_id}/job", token=p.user(OWNER))
    answer = await p.call("POST", "videos", f"/api/jobs/{job.json()['id']}/{verb}", token=p.user(OWNER))
    assert answer.status_code < 300, answer.text


async def test_a_film_cancelled_half_way_is_made_again_from_the_upload(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    video_id = await upload(p, films.synthetic(tmp_path / "clip.ts", 9).read_bytes())
    async with worker(p) as clients:
        await work_off(clients, open_shop(p.settings, "interactive"), "interactive", asyncio.Event())
    assert (await look(p, video_id))["status"] == "playable"
    await steer(p, video_id, "cancel")
    change = {"level_sound": False}
    await p.call("PUT", "videos", f"/api/videos/{video_id}", token=p.user(OWNER), json=change)
    await steer(p, video_id, "retry")
    await work(p)
    video = await look(p, video_id)
    assert (video["status"], video["error"]) == ("ready", None)
    # Nothing was levelled this time: the sound as it is, and once more for the smallest rung.
    assert {r["name"] for r in video["renditions"] if r["complete"]} == {"120p", "180p", "audio-0", "audio-1"}
    assert (p.settings.path("MEDIA_ROOT") / str(video_id) / "2/master.m3u8").is_file()


async def test_captions_need_nothing_but_the_finished_film(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    video_id = await upload(p, films.synthetic(tmp_path / "clip.mp4", 6).read_bytes())
    await work(p)
    folder = p.settings.path("MEDIA_ROOT") / f"{video_id}/1"
    for name in ("source", "audio-0"):
        shutil.rmtree(folder / name)
    for source in p.settings.path("SOURCE_ROOT").iterdir():
        source.unlink()
    await put(p, video_id, "de", GERMAN)
    await work(p)
    video = await look(p, video_id)
    assert (video["status"], [one["language"] for one in video["captions"]]) == ("ready", ["de"])
    assert len(master(folder)) == 1
    names = {r["name"] for r in video["renditions"]}
    assert names == {"120p", "180p", "audio-1", "audio-2"}
