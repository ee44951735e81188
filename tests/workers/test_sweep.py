"""The sweeper: every service is asked again and again, whoever does not answer."""

import asyncio

import structlog

from api.clients import Clients
from tests.billing.scenes import Scene, until
from tests.conftest import PlatformMaker
from workers.sweep import sweep


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
    assert failed == {"videos", "streaming"}


async def test_the_sweeper_ends_at_once_when_asked(platform: PlatformMaker) -> None:
    p = await platform("billing", "streaming")
    stop = asyncio.Event()
    async with Clients(p.settings, caller="sweeper") as clients:
        task = asyncio.create_task(sweep(clients, stop, every_s=60))
        await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(task, 5)
