"""The sweeper: every service is asked again and again, whoever does not answer; the night's check is begun once."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest
import structlog

from api.clients import Clients
from tests.billing.scenes import Scene, until
from tests.conftest import PlatformMaker
from workers.sweep import nightly, sweep, until_next_s


async def test_one_services_failure_does_not_stop_the_others(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.start("s")
    expire = "update hold set expires_at = now() - interval '1 second'"
    held = "select held_micros from hold"
    stop = asyncio.Event()

    async def released() -> bool:
        return bool(await scene.db.value(held) == 0)

    with structlog.testing.capture_logs() as logs:
        async with Clients(scene.p.settings, caller="sweeper") as clients:
            task = asyncio.create_task(sweep(clients, stop, every_s=0.05))
            for _ in range(2):
                await scene.db.run(expire)
                await until(released)
                assert (await scene.hold("s")).held_micros > 0
            stop.set()
            await asyncio.wait_for(task, 5)
    failed = {entry["service"] for entry in logs if entry["event"] == "sweep.failed"}
    assert failed == {"videos", "streaming", "analytics"}


async def test_the_sweeper_ends_at_once_when_asked(platform: PlatformMaker) -> None:
    p = await platform("billing", "streaming")
    stop = asyncio.Event()
    async with Clients(p.settings, caller="sweeper") as clients:
        task = asyncio.create_task(sweep(clients, stop, every_s=60))
        await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(task, 5)


async def test_the_night_has_its_own_process_and_a_failure_is_tried_again(tmp_path: Path) -> None:
    stop, marks = asyncio.Event(), tmp_path / "marks"
    marks.touch()
    # Fails twice, then finds differences: that is an answer.
    script = f"echo >> {marks}; test $(wc -l < {marks}) -lt 3 && exit 2; exit 1"

    async def tried() -> bool:
        return len(marks.read_text().splitlines()) == 3

    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(nightly(stop, ("sh", "-c", script), try_again_s=0.01))
        await until(tried)
        stop.set()
        await asyncio.wait_for(task, 5)
    events = [entry["event"] for entry in logs]
    assert events[:2] == ["reconciliation.failed", "reconciliation.failed"]
    assert events[2:] in ([], ["reconciliation.differences"])
    assert await tried()


async def test_a_stop_ends_the_nightly_process_too() -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(nightly(stop, ("sleep", "600")))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(task, 5)


@pytest.mark.parametrize(
    ("now", "hours"),
    [("2026-03-01T00:00:00", 1 / 6), ("2026-03-01T00:10:00", 24), ("2026-03-01T12:10:00", 12)],
)
def test_the_night_begins_ten_minutes_after_midnight(now: str, hours: float) -> None:
    assert until_next_s(datetime.fromisoformat(now + "+00:00").timestamp()) == pytest.approx(hours * 3600)
