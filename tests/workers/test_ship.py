"""The shipper: every whole line once and in order, whatever is killed, lost, torn or rotated."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from api.settings import Settings, load
from media.fetch_log import live
from tests.billing.scenes import until
from tests.workers.streams import STREAM, lines, shipped, shipping, write
from workers.follow import STREAMS, Position
from workers.shipper import CHUNK_BYTES, LogChanged, Piece, line_ends, unshipped


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url.replace("/0", "/62"), protocol=2)
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "log").mkdir()
    return load({
        "STREAMIFY_HOME": str(tmp_path), "REDIS_URL": redis_url.replace("/0", "/62"),
        "FETCH_LOG_ROOT": str(tmp_path / "log"),
    })  # fmt: skip


async def has(redis: Redis, text: bytes, stream: str = STREAM) -> None:
    async def there() -> bool:
        return await shipped(redis, stream) == text

    await until(there)


async def test_lines_are_shipped_as_they_are_written(settings: Settings, redis: Redis) -> None:
    async with shipping(settings):
        for first in range(0, 50, 10):
            write(settings, lines(first, first + 10))
            await has(redis, lines(0, first + 10))
    assert await redis.smembers(STREAMS) == {STREAM.encode()}


async def test_a_line_being_written_waits_for_its_end(settings: Settings, redis: Redis) -> None:
    async with shipping(settings):
        write(settings, lines(0, 3) + b'{"line"')
        await has(redis, lines(0, 3))
        write(settings, b":3}\n")
        await has(redis, lines(0, 4))


async def test_a_killed_shipper_resumes_where_redis_stands(settings: Settings, redis: Redis) -> None:
    for first in range(0, 30, 10):
        write(settings, lines(first, first + 10))
        async with shipping(settings):
            await has(redis, lines(0, first + 10))
    assert await redis.xlen(STREAM) == 3


async def test_two_shippers_do_no_harm(settings: Settings, redis: Redis) -> None:
    async with shipping(settings), shipping(settings):
        for first in range(0, 5_000, 250):
            write(settings, lines(first, first + 250))
            await asyncio.sleep(0)
        await has(redis, lines(0, 5_000))


@pytest.mark.parametrize("busy", [True, False])
async def test_what_redis_lost_at_its_tail_is_sent_again(settings: Settings, redis: Redis, busy: bool) -> None:
    async with shipping(settings):
        for first in range(0, 40, 10):
            write(settings, lines(first, first + 10))
            await has(redis, lines(0, first + 10))
        entries: Any = await redis.xrange(STREAM)
        await redis.delete(STREAM)
        for entry_id, fields in entries[:2]:
            await redis.xadd(STREAM, fields, id=entry_id)
        # Whether the log goes on or not.
        if busy:
            write(settings, lines(40, 41))
        await has(redis, lines(0, 41 if busy else 40))


async def test_a_redis_that_lost_everything_gets_it_again(settings: Settings, redis: Redis) -> None:
    write(settings, lines(0, 10))
    async with shipping(settings):
        await has(redis, lines(0, 10))
        await redis.flushdb()
        await has(redis, lines(0, 10))
        assert await redis.smembers(STREAMS) == {STREAM.encode()}


async def test_a_new_generation_follows_when_the_old_one_is_settled(settings: Settings, redis: Redis) -> None:
    async with shipping(settings):
        write(settings, lines(0, 10))
        await has(redis, lines(0, 10))
        write(settings, lines(12, 14), generation=2)
        # nginx workers that have not heard yet go on writing the old file.
        write(settings, lines(10, 12))
        await has(redis, lines(0, 14))
        write(settings, b"", generation=3)
        write(settings, lines(14, 15), generation=4)
        await has(redis, lines(0, 15))
    newest: Any = await redis.xrevrange(STREAM, count=1)
    assert newest[0][0] == b"4-12"


async def test_a_torn_last_line_does_not_hold_up_the_next_generation(settings: Settings, redis: Redis) -> None:
    write(settings, lines(0, 3) + b'{"to')
    write(settings, lines(3, 4), generation=2)
    async with shipping(settings):
        await has(redis, lines(0, 3) + b'{"to' + lines(3, 4))


async def test_every_edge_has_its_stream(settings: Settings, redis: Redis) -> None:
    write(settings, lines(0, 1))
    write(settings, lines(1, 2), edge="edge-2")
    (settings.path("FETCH_LOG_ROOT") / "origin.log").symlink_to("origin-1.log")
    (settings.path("FETCH_LOG_ROOT") / "error.log").write_bytes(lines(0, 9))
    async with shipping(settings):
        await has(redis, lines(0, 1))
        await has(redis, lines(1, 2), "fetches:edge-2")
    assert await redis.smembers(STREAMS) == {b"fetches:origin", b"fetches:edge-2"}


async def test_one_edges_trouble_does_not_stop_another(settings: Settings, redis: Redis) -> None:
    write(settings, lines(0, 1))
    await redis.xadd("fetches:bad", {"start": 0, "lines": "x"}, id="9-1")
    write(settings, lines(0, 1), edge="bad")
    async with shipping(settings):
        await has(redis, lines(0, 1))
    assert await redis.xlen("fetches:bad") == 1


@pytest.mark.parametrize(
    ("data", "closed", "ends"),
    [
        (b"", False, []),
        (b"a", False, []),
        (b"a", True, [1]),
        (b"a\nbc\n", False, [5]),
        (b"a\nbc", False, [2]),
        (b"a\nbc", True, [2, 4]),
        (b"x" * CHUNK_BYTES, False, [CHUNK_BYTES]),
        (b"x" * (CHUNK_BYTES - 1), False, []),
        (b"x\n" + b"y" * CHUNK_BYTES + b"\n", False, [2, 2 + CHUNK_BYTES, 3 + CHUNK_BYTES]),
    ],
)
def test_pieces_end_with_whole_lines(data: bytes, closed: bool, ends: list[int]) -> None:
    assert list(line_ends(data, closed=closed)) == ends


def test_pieces_are_small_and_complete() -> None:
    dice = random.Random(1)
    data = b"".join(bytes([65 + i % 26]) * dice.randrange(900) + b"\n" for i in range(2_000))
    ends = list(line_ends(data, closed=False))
    pieces = [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    assert b"".join(pieces) == data
    assert all(len(piece) <= CHUNK_BYTES and piece.endswith(b"\n") for piece in pieces)
    assert len(pieces) < len(data) / CHUNK_BYTES * 1.1


def test_changed_files_are_an_error_not_a_guess(settings: Settings) -> None:
    folder = settings.path("FETCH_LOG_ROOT")
    write(settings, lines(0, 2), generation=3)
    files = live(folder)["origin"]
    with pytest.raises(LogChanged, match="were shipped"):
        list(unshipped(files, Position(3, 999), ()))
    with pytest.raises(LogChanged, match="newest file"):
        list(unshipped(files, Position(4, 0), ()))
    assert list(unshipped(files, Position(0, 0), ())) == [Piece(3, 0, lines(0, 2))]
    assert list(unshipped(files, Position(2, 700), ())) == [Piece(3, 0, lines(0, 2))]
