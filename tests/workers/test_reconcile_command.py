"""`streamify reconcile` as people run it: after the whole way of the lines, over rotated and archived logs."""

import asyncio
import gzip
import os
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.billing.scenes import Scene, played, until
from tests.conftest import PlatformMaker, _url
from tests.servers import Server
from tests.workers.test_meter import charged, pipeline, scene_of, write
from workers.archive import put_away

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


async def command(scene: Scene, postgres: Server, *arguments: str) -> tuple[int | None, list[str]]:
    """Run it; the exit code and the lines it said."""
    settings = scene.p.settings
    names = ("STREAMIFY_HOME", "SERVICE_SECRET", "BILLING_SERVICE_URL")
    url = _url(postgres, await scene.db.value("select current_database()"))
    environment = {**os.environ, **{name: settings.text(name) for name in names}, "DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", "reconcile", *arguments, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode().splitlines()


async def whole_way(platform: PlatformMaker) -> Scene:
    """Three generations through a shipper and a meter; the first is in the archive."""
    scene = await scene_of(platform, "billing")
    await scene.deposit()
    await scene.start("s", duration_ms=10_000_000)
    async with pipeline(scene):
        for generation in (1, 2, 3):
            begin_ms = (generation - 1) * 40_000
            write(scene, [*played("s", begin_ms, begin_ms + 40_000), b"{torn"], generation)
            await charged(scene, begin_ms + 40_000)

        async def everything_read() -> bool:
            return bool(await scene.db.value("select count(*) = 3 from rejected_line"))

        await until(everything_read)
    put_away(scene.p.settings.path("FETCH_LOG_ROOT"), "origin", 1, threading.Event())
    return scene


async def test_the_command_prints_what_it_compared(platform: PlatformMaker, postgres: Server) -> None:
    scene = await whole_way(platform)
    code, said = await command(scene, postgres)
    assert code == 0, said
    shown = dict(line.split(maxsplit=1) for line in said)
    assert {name: shown[name] for name in ("lines", "sessions", "watches", "differences")} == {
        "lines": "33", "sessions": "1", "watches": "1", "differences": "0",
    }  # fmt: skip
    assert said[-1].startswith("differences")
    code, said = await command(scene, postgres, YESTERDAY.isoformat())
    assert (code, said[-1].split()) == (0, ["differences", "0"])


async def test_the_command_says_what_differs(platform: PlatformMaker, postgres: Server) -> None:
    scene = await whole_way(platform)
    await scene.db.run("update watch set claimed_ms = seen_ms + 1000")
    code, said = await command(scene, postgres)
    assert (code, said[-1].split()) == (1, ["differences", "1"])
    assert said[0].startswith("watch 1 charge: has ")


@pytest.mark.parametrize("loss", ["damaged", "removed", "emptied"])
async def test_an_archive_that_is_not_what_it_was_is_found(
    platform: PlatformMaker, postgres: Server, loss: str
) -> None:
    scene = await whole_way(platform)
    packed = scene.p.settings.path("FETCH_LOG_ROOT") / "archive/origin-1.log.gz"
    if loss == "removed":
        packed.unlink()
    else:
        lines = gzip.decompress(packed.read_bytes()).splitlines(keepends=True)
        packed.write_bytes(gzip.compress(b"".join(lines[1:] if loss == "damaged" else [])))
    code, said = await command(scene, postgres)
    assert (code, said[-1].split()) == (1, ["differences", "1"])
    assert said[0].startswith("log fetches:origin damage: ")
    assert await scene.balance_micros() == 10_000_000 - 120_000


async def test_the_night_is_done_once(platform: PlatformMaker, postgres: Server) -> None:
    scene = await whole_way(platform)
    code, said = await command(scene, postgres, "--nightly")
    assert said[0].startswith("streamify: analytics was not compared: ")  # it is not there, and that is no difference
    assert (code, said[1].split(), said[-1].split()) == (0, ["day", YESTERDAY.isoformat()], ["differences", "0"])
    assert await command(scene, postgres, "--nightly") == (0, [f"{YESTERDAY} has been reconciled"])
    # Killed in the middle, it is nobody's for a while, and then anybody's.
    await scene.db.run("update reconciliation set finished_at = null, differences = null")
    assert (await command(scene, postgres, "--nightly"))[0] == 2
    await scene.db.run("update reconciliation set started_at = now() - interval '3 hours'")
    assert (await command(scene, postgres, "--nightly"))[0] == 0


async def test_what_is_no_day_is_said_so(platform: PlatformMaker, postgres: Server) -> None:
    scene = await scene_of(platform, "billing")
    code, said = await command(scene, postgres, "yesterday")
    assert (code, said) == (2, ["streamify: 'yesterday' is not a day such as 2026-01-31"])
