"""The stack's Redis: what our programs may do to the fetch streams, and that everything else of theirs works."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.machine import redis_users
from api.queue import make_celery, ring
from tests.billing.scenes import until
from tests.workers.streams import PASSWORD, STREAM, Book, Broker, broker, following, lines, shipping, write

COMPOSE: Any = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
COMMAND: list[str] = COMPOSE["services"]["redis"]["command"]


@pytest.fixture(scope="module", params=["stack", "compose"])
def server(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Configured by the stack's file, and by docker-compose's arguments."""
    words = [word.replace("${REDIS_PASSWORD}", PASSWORD) for word in COMMAND[1:]] + ["--port", "{port}"]
    with broker(*(words if request.param == "compose" else [])) as made:
        yield made


@pytest.fixture
async def redis(server: Broker) -> AsyncIterator[Redis]:
    async with server.client("admin") as admin:
        await admin.flushall()
    async with server.client() as client:
        yield client


def test_containers_have_the_same_users() -> None:
    users = " ".join(COMMAND).split(" --user ")[1:]
    assert users == redis_users("${REDIS_PASSWORD}")


@pytest.mark.parametrize(
    "command",
    [
        "DEL {}", "UNLINK {}", "EXPIRE {} 1", "RENAME {} other", "RENAME other {}", "COPY other {} REPLACE", "SET {} x",
        "XDEL {} 1-4", "XSETID {} 9-9", "MOVE {} 1", "SORT other STORE {}", "RESTORE {} 0 x", "MIGRATE h 1 {} 0 1",
        "FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "CONFIG SET maxmemory 1", "SHUTDOWN", "ACL LIST",
    ],
)  # fmt: skip
async def test_no_program_of_ours_can_lose_a_stream(redis: Redis, command: str) -> None:
    await redis.xadd(STREAM, {"start": 0, "lines": "abc\n"}, id="1-4")
    await redis.set("other", "x")
    any_redis: Any = redis
    for key in (STREAM, "fetches", "fetches:done:fetches:origin"):
        with pytest.raises(RedisError, match="permission"):
            await any_redis.execute_command(*command.replace("{}", key).split())
    with pytest.raises(RedisError, match="permission"):
        await redis.eval("return redis.call('DEL', KEYS[1])", 1, STREAM)
    assert await redis.xlen(STREAM) == 1


async def test_an_old_id_is_refused_even_of_an_empty_stream(redis: Redis) -> None:
    await redis.xadd(STREAM, {"start": 0, "lines": "abc\n"}, id="1-4")
    await redis.xtrim(STREAM, minid="2-0")
    assert await redis.xlen(STREAM) == 0
    with pytest.raises(RedisError, match="equal or smaller"):
        await redis.xadd(STREAM, {"start": 0, "lines": "abc\n"}, id="1-4")


async def test_nothing_is_evicted(server: Broker) -> None:
    async with server.client("admin") as admin:
        kept: Any = await admin.config_get("maxmemory-policy", "appendonly", "appendfsync", "save")
    assert kept == {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec", "save": ""}


async def test_bells_and_limits_work_under_these_rules(server: Broker, redis: Redis) -> None:
    app = make_celery(server.settings)
    await ring(app, "interactive")
    with app.connection_for_read() as connection, connection.SimpleQueue("interactive") as queue:
        message = await asyncio.to_thread(queue.get, timeout=5)
        message.ack()
    pool: Any = redis.connection_pool
    storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)
    limiter = SlidingWindowCounterRateLimiter(storage)
    item = RateLimitItemPerSecond(2, 60, namespace="limit")
    assert [await limiter.hit(item, "user:1") for _ in range(3)] == [True, True, False]
    await limiter.clear(item, "user:1")


async def test_lines_travel_under_these_rules(server: Broker, redis: Redis) -> None:
    book = Book()
    write(server.settings, lines(0, 9))
    async with shipping(server.settings), following(server.settings, book):

        async def there() -> bool:
            return book.text == lines(0, 9) and len(await redis.hgetall("fetches:done:fetches:origin")) == 1

        await until(there)
