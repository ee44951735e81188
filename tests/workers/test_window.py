"""Redis holds a window of the log: trimmed behind all consumers, never further ahead of them than its bound."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from redis.asyncio import Redis

from media import fetch_log
from tests.billing.scenes import until
from tests.workers.nginxes import everything
from tests.workers.streams import STREAM, Book, Broker, broker, following, lines, shipping, write
from workers import archive
from workers.consumed import bytes_between
from workers.follow import Position
from workers.ship import ship
from workers.shipper import CHUNK_BYTES, READ_BYTES

WINDOW = 4 * CHUNK_BYTES


@pytest.fixture
def server() -> Iterator[Broker]:
    with broker() as made:
        yield made


async def length(redis: Redis) -> int:
    return int(await redis.xlen(STREAM))


async def test_redis_stays_small_while_consumers_are_away_and_everything_arrives(server: Broker) -> None:
    meter, audience = Book(), Book("audience")
    text = lines(0, 400_000)
    assert len(text) > 8 * WINDOW
    async with server.client() as redis:
        with structlog.testing.capture_logs() as logs:
            async with shipping(server.settings, WINDOW):
                write(server.settings, text[: len(text) // 2], 1)
                write(server.settings, text[len(text) // 2 :], 2)

                async def waits() -> bool:
                    return any(entry.get("alarm") == "waits origin" for entry in logs)

                await until(waits, 20)
                assert WINDOW <= await length(redis) * CHUNK_BYTES <= WINDOW + READ_BYTES + CHUNK_BYTES
                most = 0
                async with following(server.settings, meter):
                    await until_read(meter, WINDOW // 2)
                    most = await length(redis)  # one of both is not enough
                async with following(server.settings, meter, audience):

                    async def all_there() -> bool:
                        nonlocal most
                        most = max(most, await length(redis))
                        return meter.text == audience.text == text

                    await until(all_there, 60)
                    await until(lambda: shorter(redis, 3))
        assert most * CHUNK_BYTES <= 2 * (WINDOW + READ_BYTES)
        assert any(entry["event"] == "ship.alarm" and "meter is" in entry["text"] for entry in logs)


async def until_read(book: Book, size: int) -> None:
    async def there() -> bool:
        return len(book.text) >= size

    await until(there)


async def shorter(redis: Redis, entries: int) -> bool:
    return await length(redis) <= entries


async def test_nothing_is_trimmed_while_one_consumer_has_said_nothing(server: Broker) -> None:
    meter = Book()
    async with server.client() as redis, shipping(server.settings):
        for start in range(0, 100_000, 20_000):
            write(server.settings, lines(start, start + 20_000))
        async with following(server.settings, meter):
            await until_read(meter, len(lines(0, 100_000)))
            expected = await length(redis)
            write(server.settings, lines(100_000, 100_001))
            await until_read(meter, len(lines(0, 100_001)))
        assert await length(redis) == expected + 1


async def test_files_older_than_what_consumers_have_read_are_an_alarm(server: Broker) -> None:
    """Somebody put other files there: their lines would be taken for known ones."""
    write(server.settings, lines(0, 9))
    async with server.client() as redis:
        await redis.hset("fetches:done:fetches:origin", "meter", "7-100")
        with structlog.testing.capture_logs() as logs:
            async with shipping(server.settings):

                async def shouted() -> bool:
                    return any("a consumer has read up to 7-100" in entry.get("text", "") for entry in logs)

                await until(shouted)
        assert await length(redis) == 0


async def test_a_shipper_ends_in_the_middle_of_an_archive(server: Broker) -> None:
    root, meter, audience = server.settings.path("FETCH_LOG_ROOT"), Book(), Book("audience")
    with (root / "origin-1.log").open("wb") as file:
        for _ in range(10):
            file.write(lines(0, 50_000))
    write(server.settings, lines(0, 5), 2)
    stop = asyncio.Event()
    task = asyncio.create_task(ship(server.settings, stop, blind_s=0.1))
    async with following(server.settings, meter, audience):

        async def archiving() -> bool:
            return (root / "archive").is_dir() and meter.reached[STREAM] == Position(2, len(lines(0, 5)))

        await until(archiving, 60)
        stop.set()
        started = time.monotonic()
        await asyncio.wait_for(task, 10)
        assert time.monotonic() - started < 5
    assert everything(root) == meter.text


def test_the_distance_between_two_positions_counts_what_lies_in_the_files(tmp_path: Path) -> None:
    for generation, size in ((3, 100), (4, 0), (6, 50)):
        (tmp_path / f"origin-{generation}.log").write_bytes(b"x" * size)
    files = fetch_log.live(tmp_path)["origin"]
    cases = [
        ((0, 0), (6, 50), 150), ((3, 40), (3, 90), 50), ((3, 40), (6, 10), 70), ((2, 999), (6, 0), 100),
        ((6, 50), (6, 50), 0), ((6, 50), (3, 10), 0),
    ]  # fmt: skip
    for first, last, distance in cases:
        assert bytes_between(files, Position(*first), Position(*last)) == distance


def test_what_is_archived_waits_for_every_consumer(tmp_path: Path) -> None:
    for generation in (1, 2, 3):
        (tmp_path / f"origin-{generation}.log").write_bytes(b"a\n")
    files = fetch_log.live(tmp_path)["origin"]
    assert archive.ready(files, {1, 2}, Position(1, 2)) == []
    assert archive.ready(files, {1, 2}, Position(2, 0)) == [1]
    assert archive.ready(files, {2}, Position(3, 2)) == [2]
    assert archive.ready(files, {1, 2}, Position(3, 1)) == [1, 2]


def test_a_stopped_archiver_leaves_the_original(tmp_path: Path) -> None:
    (tmp_path / "origin-1.log").write_bytes(b"a\n")
    stop = threading.Event()
    stop.set()
    with pytest.raises(archive.Stopped):
        archive.put_away(tmp_path, "origin", 1, stop)
    assert everything(tmp_path) == b"a\n"
    assert list((tmp_path / "archive").iterdir()) == []
    assert (tmp_path / "origin-1.log").read_bytes() == b"a\n"
