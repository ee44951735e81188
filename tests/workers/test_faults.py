"""Workers killed in the middle, and a disk that fills up: nothing half made is ever seen, and the film gets ready."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from media.boxes import read_init, read_media
from tests import films
from tests.conftest import Platform, PlatformMaker
from tests.workers.test_transcode_process import eventually, running
from tests.workers.test_transcode_upload import OWNER, look, upload, work, worker


class Watcher:
    """Reads every file of a media folder as soon as it has its final name; what cannot be read is kept as a fault."""

    def __init__(self, media: Path) -> None:
        self._media = media
        self.seen: dict[Path, int] = {}

    def look(self) -> None:
        for path in self._media.glob("[0-9]*/[0-9]*/*/*"):
            if path not in self.seen and path.suffix in (".m4s", ".mp4"):
                if path.suffix == ".mp4":
                    read_init(path.read_bytes())
                else:
                    assert read_media(path).samples > 0
                self.seen[path] = path.stat().st_size

    def nothing_changed(self) -> None:
        assert {path: path.stat().st_size for path in self.seen if path.exists()} == self.seen


@asynccontextmanager
async def watched(p: Platform) -> AsyncIterator[Watcher]:
    """Look all the while; a file that was not whole when it appeared fails the test at the end."""
    watcher = Watcher(p.settings.path("MEDIA_ROOT"))

    async def forever() -> None:
        while True:
            watcher.look()
            await asyncio.sleep(0.002)

    looking = asyncio.create_task(forever())
    try:
        yield watcher
        assert not looking.done() or looking.result()
    finally:
        looking.cancel()


def encoders(media: Path) -> list[str]:
    """Processes that work below the scratch folder, whoever started them."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            place = str(link.readlink())
        except OSError:
            continue
        if place.startswith(str(media / ".scratch")):
            found.append(f"{link.parent.name}: {place}")
    return found


async def kill_in_the_middle(p: Platform, queue: str) -> None:
    """Start a worker of a queue, kill it while a segment is half made; its encoder must die with it."""
    media = p.settings.path("MEDIA_ROOT")

    async def is_half_made() -> bool:
        # FFmpeg has a segment in memory until it is whole: what lies on disk says little.
        return bool(encoders(media))

    async def is_alone() -> bool:
        return not encoders(media)

    async with running(p, queue) as process:
        await eventually(is_half_made)
        process.kill()
        await process.wait()
        await eventually(is_alone, 10)
    await p.db("videos").run("update units set lease_until = now() - interval '1 second' where state = 'running'")
    async with worker(p) as clients:
        assert (await clients.videos_sweep())["leases"] >= 1


async def test_workers_killed_in_the_middle_leave_nothing_half_made(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    hard = (
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=640x360:r=25,noise=alls=30:allf=t",
        "-f",
        "lavfi",
        "-i",
        "sine",
        "-t",
        "12",
    )
    clip = tmp_path / "clip.mkv"
    films.ffmpeg(*hard, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus", str(clip))
    async with watched(p) as watcher:
        video = await upload(p, clip.read_bytes())
        for queue in ("interactive", "batch"):
            await kill_in_the_middle(p, queue)
            watcher.look()
            watcher.nothing_changed()
        await work(p)
        assert (await look(p, video))["status"] == "ready"
        watcher.nothing_changed()
    whole = {r["name"] for r in (await look(p, video))["renditions"] if r["complete"]}
    assert {"240p", "360p"} <= whole


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size; only root can have one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a disk of its own needs root: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own needs root")
async def test_a_full_disk_fails_the_job_and_room_lets_it_finish(platform: PlatformMaker, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "400k") as disk:
        p = await platform("videos", MEDIA_ROOT=str(disk))
        clip = films.synthetic(tmp_path / "clip.mp4", 12, size="640x360")
        video = await upload(p, clip.read_bytes())
        async with watched(p) as watcher:
            await work(p)
            failed = await look(p, video)
            assert (failed["status"], failed["error"]["code"]) == ("failed", "storage_full")
            assert "disk" in failed["error"]["message"]
            assert not encoders(disk)
            subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
            job = await p.db("videos").value("select max(id) from jobs where video_id = :id", id=video)
            answer = await p.call("POST", "videos", f"/api/jobs/{job}/retry", token=p.user(OWNER))
            assert answer.status_code == 200, answer.text
            await work(p)
            assert (await look(p, video))["status"] == "ready"
            watcher.nothing_changed()
