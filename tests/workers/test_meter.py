"""The whole way: a line in nginx's log file becomes money in the ledger, exactly once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from redis.asyncio import Redis

from api.billing.money import currency_of
from api.clients import Clients
from tests.billing.scenes import Scene, check_books, ledger, played, until
from tests.conftest import PlatformMaker
from workers.follow import follow
from workers.meter import Meter, tell
from workers.ship import ship


@contextlib.asynccontextmanager
async def pipeline(scene: Scene) -> AsyncIterator[None]:
    """A shipper, a meter and its teller, all killed at the end."""
    settings, stop = scene.p.settings, asyncio.Event()
    meter = Meter(scene.db, currency_of(settings))
    async with Clients(settings, caller="meter") as clients:
        running = [
            asyncio.create_task(ship(settings, stop, blind_s=0.1)),
            asyncio.create_task(follow(settings, meter, stop)),
            asyncio.create_task(tell(scene.db, clients, meter.news)),
        ]
        yield
        for task in running:
            task.cancel()
        await asyncio.wait(running)


def write(scene: Scene, lines: list[bytes], generation: int = 1) -> None:
    folder: Path = scene.p.settings.path("FETCH_LOG_ROOT")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"origin-{generation}.log").open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))


async def charged(scene: Scene, micros: int, session: str = "s") -> None:
    async def there() -> bool:
        return (await scene.hold(session)).charged_micros == micros

    await until(there, 20)


async def scene_of(platform: PlatformMaker, *services: str) -> Scene:
    """A scene with empty streams: tests share one Redis."""
    scene = Scene(await platform(*services))
    redis = Redis.from_url(scene.p.settings.text("REDIS_URL"))
    await redis.flushdb()
    await redis.aclose()
    return scene


async def test_a_log_line_becomes_a_charge(platform: PlatformMaker) -> None:
    scene = await scene_of(platform, "billing")
    await scene.deposit()
    await scene.start("s")
    async with pipeline(scene):
        for end_ms in (4_000, 8_000, 40_000):
            write(scene, played("s", max(0, end_ms - 32_000), end_ms))
            await charged(scene, end_ms)
    await check_books(scene.db)


async def test_kills_and_rotation_lose_and_double_nothing(platform: PlatformMaker) -> None:
    scene = await scene_of(platform, "billing")
    await scene.deposit()
    await scene.start("s", duration_ms=10_000_000)
    for round_number in range(6):
        generation = 1 + round_number // 2
        async with pipeline(scene):
            write(scene, played("s", round_number * 40_000, (round_number + 1) * 40_000), generation)
            if round_number % 2:
                await charged(scene, (round_number + 1) * 40_000)
    assert await ledger(scene.db) == [
        ("clearing_test", 0, -10_000_000),
        ("creator", 70, 192_000),
        ("revenue", 70, 48_000),
        ("wallet", 7, 9_760_000),
    ]
    assert await scene.db.value("select generation || '-' || byte_offset > '3-' from log_position") is True


async def test_the_same_log_read_again_from_the_start_changes_nothing(platform: PlatformMaker) -> None:
    scene = await scene_of(platform, "billing")
    await scene.deposit()
    await scene.start("s")
    lines = played("s", 0, 80_000)
    write(scene, lines)
    async with pipeline(scene):
        await charged(scene, 80_000)
    before = await ledger(scene.db)
    end = await scene.db.value("select byte_offset from log_position")
    await scene.db.run("delete from log_position")
    async with pipeline(scene):

        async def read_again() -> bool:
            return bool(await scene.db.value("select byte_offset = :end from log_position", end=end))

        await until(read_again)
    assert await ledger(scene.db) == before


async def test_the_end_of_the_money_reaches_streaming_and_a_deposit_too(platform: PlatformMaker) -> None:
    scene = await scene_of(platform, "billing", "streaming")
    await scene.deposit(amount=100)
    await scene.start("s", price_per_minute=100)
    streaming = scene.p.db("streaming")
    sql = """insert into stream_sessions (session_id, video_id, user_id, generation, duration_ms, price_per_minute)
             values ('s', 5, 7, 1, 600000, 100)"""
    await streaming.run(sql)

    async def spent() -> bool:
        return bool(await streaming.value("select spent from stream_sessions"))

    async with pipeline(scene):
        write(scene, played("s", 0, 60_000))
        await until(spent)
        await scene.deposit(amount=100)
        assert not await spent()


async def test_a_torn_line_costs_nothing_and_stops_nothing(platform: PlatformMaker) -> None:
    scene = await scene_of(platform, "billing")
    await scene.deposit()
    await scene.start("s")
    first, second = played("s", 0, 8_000)
    async with pipeline(scene):
        write(scene, [first[:50] + first, second])
        await charged(scene, 4_000)
    reason = await scene.db.value("select reason from rejected_line")
    assert reason == "not_json"
    assert msgspec.json.decode(second)["start_ms"] == 4_000
