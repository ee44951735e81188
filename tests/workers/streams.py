"""A Redis as the stack runs it that can be killed and lose its tail, logs to ship, and what became of them."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from api import binaries, machine
from api.settings import Settings, load
from tests.servers import drop, free_ports, scratch, wait_for_port
from workers.follow import Chunk, Position, beyond, follow
from workers.ship import ship
from workers.shipper import WINDOW_BYTES

PASSWORD = "r" * 40
STREAM = "fetches:origin"


class Broker:
    """The stack's Redis, with its configuration."""

    def __init__(self, folder: Path) -> None:
        _, base = free_ports()
        own = {"STREAMIFY_HOME": str(folder), "PORT_BASE": str(base), "REDIS_PASSWORD": PASSWORD}
        self.settings = load(own | {"FETCH_LOG_ROOT": str(folder / "log")})
        self.folder, self.port = folder / "redis", base + 6
        for path in (self.folder, self.settings.path("FETCH_LOG_ROOT")):
            path.mkdir(mode=0o777)
            path.chmod(0o777)
        (folder / "redis.conf").write_text(machine.redis_conf(self.settings))

    def start(self, *arguments: str) -> None:
        command = [binaries.redis_server(), *(arguments or [str(self.folder.parent / "redis.conf")])]
        with (self.folder.parent / "redis.out").open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.folder, **drop())  # type: ignore[call-overload]
        wait_for_port(self.port, self.process)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def lose(self, count: int) -> int:
        """Cut bytes off the end of the append-only file, as a lost disk cache does; gives how many were there."""
        (tail,) = self.folder.rglob("*.incr.aof")
        size = tail.stat().st_size
        with tail.open("r+b") as file:
            file.truncate(max(0, size - count))
        return size

    def client(self, user: str = "default") -> Redis:
        return Redis.from_url(f"redis://{user}:{PASSWORD}@127.0.0.1:{self.port}/0", protocol=2)


@contextlib.contextmanager
def broker(*arguments: str) -> Iterator[Broker]:
    """A running one, gone at the end."""
    with scratch() as folder:
        folder.chmod(0o755)
        made = Broker(folder)
        made.start(*(word.replace("{port}", str(made.port)) for word in arguments))
        try:
            yield made
        finally:
            made.kill()


class Book:
    """A consumer that keeps what it was given, and its positions, in memory."""

    def __init__(self, name: str = "meter") -> None:
        self.name = name
        self.text = b""
        self.reached: dict[str, Position] = {}

    async def positions(self) -> dict[str, Position]:
        return dict(self.reached)

    async def prepare(self, chunks: list[Chunk]) -> None:
        """Nothing can be done before."""

    async def apply(self, chunks: list[Chunk]) -> None:
        for chunk in beyond(chunks, self.reached):
            self.text += chunk.payload
            self.reached[chunk.stream] = chunk.end

    async def idle(self) -> None:
        """Nothing waits."""


@contextlib.asynccontextmanager
async def shipping(settings: Settings, window_bytes: int = WINDOW_BYTES) -> AsyncIterator[None]:
    """A shipper that is killed, not asked, at the end."""
    async with _killed(ship(settings, asyncio.Event(), blind_s=0.1, window_bytes=window_bytes)):
        yield


@contextlib.asynccontextmanager
async def following(settings: Settings, *books: Book) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for book in books:
            await stack.enter_async_context(_killed(follow(settings, book, asyncio.Event())))
        yield


@contextlib.asynccontextmanager
async def _killed(coroutine: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        async with asyncio.timeout(20):
            while not task.done():  # a library may take a cancellation for a timeout of its own
                task.cancel()
                await asyncio.wait([task], timeout=1)


def write(settings: Settings, text: bytes, generation: int = 1, edge: str = "origin") -> None:
    with (settings.path("FETCH_LOG_ROOT") / f"{edge}-{generation}.log").open("ab") as file:
        file.write(text)


def lines(first: int, last: int) -> bytes:
    return b"".join(b'{"line":%d}\n' % i for i in range(first, last))


async def shipped(redis: Redis, stream: str = STREAM) -> bytes:
    """The bytes in the stream, after checking that the entries follow each other."""
    at, text = (1, 0), b""
    entries: Any = await redis.xrange(stream)
    for entry_id, fields in entries:
        generation, end = (int(part) for part in entry_id.split(b"-"))
        start = int(fields[b"start"])
        assert start == (at[1] if generation == at[0] else 0)
        if generation != at[0]:
            assert fields[b"after"] == b"%d-%d" % at
        assert start + len(fields[b"lines"]) == end
        at, text = (generation, end), text + fields[b"lines"]
    return text
