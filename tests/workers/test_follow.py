"""Following: each byte takes effect once, in order; a gap stops its stream and only its stream."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
import structlog
from redis.asyncio import Redis

from api.settings import Settings, load
from tests.billing.scenes import until
from workers.follow import CHUNKS, MANY, STREAMS, Chunk, Gap, Position, beyond, follow, position


class Book:
    """A consumer that keeps what it was given, and its positions, in memory."""

    name = "meter"

    def __init__(self) -> None:
        self.text: dict[str, bytes] = {}
        self.reached: dict[str, Position] = {}
        self.idled = 0
        self.fail = 0
        self.prepared: list[list[Chunk]] = []
        self.applied: list[list[Chunk]] = []

    async def positions(self) -> dict[str, Position]:
        return dict(self.reached)

    async def prepare(self, chunks: list[Chunk]) -> None:
        self.prepared.append(chunks)

    async def apply(self, chunks: list[Chunk]) -> None:
        self.applied.append(chunks)
        if self.fail:
            self.fail -= 1
            raise ConnectionResetError("the database went away")
        for chunk in beyond(chunks, self.reached):
            self.text[chunk.stream] = self.text.get(chunk.stream, b"") + chunk.payload
            self.reached[chunk.stream] = chunk.end

    async def idle(self) -> None:
        self.idled += 1

    async def has(self, text: bytes, stream: str = "fetches:origin") -> None:
        async def there() -> bool:
            return self.text.get(stream) == text

        await until(there)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url.replace("/0", "/61"), protocol=2)
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return load({"REDIS_URL": redis_url.replace("/0", "/61")})


@contextlib.asynccontextmanager
async def following(settings: Settings, book: Book) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(follow(settings, book, stop))
    yield
    stop.set()
    await asyncio.wait_for(task, 5)


async def add(redis: Redis, generation: int, start: int, text: bytes, after: str = "", edge: str = "origin") -> None:
    fields = {"start": str(start).encode(), "lines": text} | ({"after": after.encode()} if after else {})
    await redis.xadd(f"fetches:{edge}", fields, id=f"{generation}-{start + len(text)}")  # type: ignore[arg-type]


async def test_a_consumer_gets_what_is_there_and_what_comes(settings: Settings, redis: Redis) -> None:
    book = Book()
    await add(redis, 1, 0, b"a\n")
    async with following(settings, book):
        await book.has(b"a\n")
        await add(redis, 1, 2, b"b\n")
        await book.has(b"a\nb\n")
        await add(redis, 2, 0, b"c\n", after="1-4")
        await book.has(b"a\nb\nc\n")
    assert book.reached == {"fetches:origin": Position(2, 2)}


async def test_a_new_follower_goes_on_at_the_stored_position(settings: Settings, redis: Redis) -> None:
    book = Book()
    for start in range(0, 40, 2):
        await add(redis, 1, start, b"%c\n" % (65 + start))
        if start % 10 == 0:
            async with following(settings, book):
                await until_reached(book, start + 2)
    async with following(settings, book):
        await until_reached(book, 40)
    assert book.text["fetches:origin"] == b"".join(b"%c\n" % (65 + start) for start in range(0, 40, 2))


@pytest.mark.parametrize("failures", [0, 1])
async def test_a_long_backlog_is_read_ahead_and_applied_once(settings: Settings, redis: Redis, failures: int) -> None:
    book, text = Book(), b"".join(b"%05d\n" % number for number in range(CHUNKS + MANY))
    book.fail = failures
    for start in range(0, len(text), 6):
        await add(redis, 1, start, text[start : start + 6])
    async with following(settings, book):
        await book.has(text)
    assert [len(batch) for batch in book.applied[failures:]] == [CHUNKS, MANY]
    assert book.prepared[-1] is book.applied[-1]


async def until_reached(book: Book, offset: int) -> None:
    async def there() -> bool:
        return book.reached.get("fetches:origin") == Position(1, offset)

    await until(there)


async def test_a_gap_stops_its_stream_loudly_until_it_is_filled(settings: Settings, redis: Redis) -> None:
    book = Book()
    await redis.sadd(STREAMS, "fetches:edge")
    await add(redis, 1, 0, b"a\n")
    await add(redis, 1, 4, b"c\n")
    with structlog.testing.capture_logs() as logs:
        async with following(settings, book):
            await add(redis, 1, 0, b"x\n", edge="edge")
            await book.has(b"x\n", "fetches:edge")

            async def shouted() -> bool:
                return any(entry["event"] == "stream.gap" for entry in logs)

            await until(shouted)
            assert book.text["fetches:origin"] == b"a\n"
            # Redis gets back what it had lost; the shipper cuts it elsewhere.
            await redis.delete("fetches:origin")
            await add(redis, 1, 0, b"a\nb\nc\n")
            await book.has(b"a\nb\nc\n")
    assert {e["stream"] for e in logs if e["event"] == "stream.gap"} == {"fetches:origin"}


async def test_a_failing_consumer_is_asked_again(settings: Settings, redis: Redis) -> None:
    book = Book()
    book.fail = 1
    await add(redis, 1, 0, b"a\n")
    with structlog.testing.capture_logs() as logs:
        async with following(settings, book):
            await book.has(b"a\n")
    assert [entry["event"] for entry in logs] == ["follow.failed"]


async def test_a_consumer_is_woken_about_once_a_second(settings: Settings) -> None:
    book = Book()
    async with following(settings, book):

        async def thrice() -> bool:
            return book.idled >= 3

        started = time.monotonic()
        await until(thrice)
        assert time.monotonic() - started > 1


START = {"fetches:origin": Position(2, 10)}


def chunk(generation: int, start: int, text: bytes = b"0123\n", after: str = "") -> Chunk:
    return Chunk("fetches:origin", generation, start, text, position(after) if after else None)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (chunk(2, 10), [(10, b"0123\n")]),
        (chunk(2, 5), []),
        (chunk(1, 900), []),
        (chunk(2, 7), [(10, b"3\n")]),
        (chunk(3, 0), [(0, b"0123\n")]),
        (chunk(3, 0, after="2-10"), [(0, b"0123\n")]),
        (chunk(7, 0, after="2-10"), [(0, b"0123\n")]),
    ],
)
def test_only_what_lies_beyond_the_position_takes_effect(found: Chunk, expected: list[tuple[int, bytes]]) -> None:
    assert [(c.start, c.payload) for c in beyond([found], START)] == expected
    assert [c.start for c in beyond([found, found], START)] == [start for start, _ in expected]


@pytest.mark.parametrize(
    "found", [chunk(2, 11), chunk(3, 5), chunk(4, 0), chunk(3, 0, after="2-15"), chunk(3, 0, after="2-5")]
)
def test_what_does_not_join_on_is_a_gap(found: Chunk) -> None:
    with pytest.raises(Gap):
        list(beyond([found], START))


def test_a_stream_begins_at_the_start_of_a_file() -> None:
    assert [c.start for c in beyond([chunk(4, 0)], {})] == [0]
    with pytest.raises(Gap):
        list(beyond([chunk(4, 7)], {}))
