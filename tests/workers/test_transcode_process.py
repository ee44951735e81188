"""The worker as a process: woken by a bell, ended by a signal."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from tests import films
from tests.conftest import Platform, PlatformMaker
from tests.workers.test_transcode_upload import long_film, look, upload

# All that a worker needs of the others: the broker, the videos service and the storage.
NEEDED = ("REDIS_URL", "VIDEO_SERVICE_URL", "SERVICE_SECRET", "MEDIA_ROOT", "SOURCE_ROOT")


@contextlib.asynccontextmanager
async def running(p: Platform, queue: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`streamify work QUEUE` as on a machine of its own, killed at the end if it still runs."""
    environment = {name: value for name, value in os.environ.items() if name not in p.settings.values}
    environment |= {name: p.settings.text(name) for name in NEEDED}
    environment["STREAMIFY_HOME"] = str(p.settings.home / "elsewhere")
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "api", "work", queue, env=environment)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def eventually(fact: Callable[[], Awaitable[bool]], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not await fact():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_bell_wakes_a_worker_and_a_signal_ends_it_without_a_trace(
    platform: PlatformMaker, tmp_path: Path
) -> None:
    p = await platform("videos")
    clip = films.synthetic(tmp_path / "clip.mp4", 2)
    film = long_film(tmp_path)
    async with running(p, "interactive") as process, running(p, "batch") as other:
        short = await upload(p, clip.read_bytes())

        async def is_ready() -> bool:
            return bool((await look(p, short))["status"] == "ready")

        await eventually(is_ready)
        await upload(p, film.read_bytes())

        async def is_encoding() -> bool:
            count = "select count(*) from units where kind = 'video' and state = 'running'"
            return bool(await p.db("videos").value(count))

        await eventually(is_encoding)
        for worker in (process, other):
            worker.send_signal(signal.SIGTERM)
        assert [await asyncio.wait_for(worker.wait(), 10) for worker in (process, other)] == [0, 0]
    assert await p.db("videos").value("select count(*) from units where state = 'running'") == 0
    assert not list((p.settings.path("MEDIA_ROOT") / ".scratch").iterdir())
