"""Read the fetch streams for a consumer that keeps its own position: the meter and the audience.

A consumer commits position and effects in one transaction, so a chunk takes effect once however often it is read.
Nothing is ever skipped: a gap stops its stream and is shouted about until the missing chunk is there.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis

from api.settings import Settings
from workers.signals import pause

log = structlog.get_logger()
Entries = list[tuple[bytes, dict[bytes, bytes]]]

STREAMS = "fetches"  # the set of all fetch streams; a shipper adds its own
ORIGIN = "fetches:origin"
BLOCK_MS = 250  # how long a stop or a new stream may wait
CHUNKS = 2048  # per stream and read: at most 128 MiB
MANY = 64  # chunks that take long enough to read on meanwhile
RETRY_S = 1.0
# Redis hears how far everybody is, once a second if nothing else: the shipper trims, archives and waits by that.
TELL_S = 1.0
HELP = "docs/operating.md, A consumer that lost its place"


@dataclass(frozen=True, order=True)
class Position:
    """Every byte before `offset` of this generation, and all earlier generations, have taken effect."""

    generation: int
    offset: int

    def __str__(self) -> str:
        return f"{self.generation}-{self.offset}"


@dataclass(frozen=True)
class Chunk:
    """Whole lines of one log file, from byte `start` on."""

    stream: str
    generation: int
    start: int
    payload: bytes
    after: Position | None = None  # on a file's first chunk: where the log before it ended, 0-0 if nobody knows

    @property
    def end(self) -> Position:
        return Position(self.generation, self.start + len(self.payload))


class Consumer(Protocol):
    name: str

    async def positions(self) -> dict[str, Position]: ...

    async def prepare(self, chunks: list[Chunk]) -> None:
        """Do now what can be done while the batch before is still being applied; these chunks come next, or never."""

    async def apply(self, chunks: list[Chunk]) -> None:
        """One transaction: positions and effects; skips what is at or before its position."""

    async def idle(self) -> None:
        """Called about once a second and after each apply."""


class Gap(RuntimeError):
    """A chunk begins beyond the position: something between them is missing."""


BEGINNING = Position(1, 0)


def beyond(chunks: Iterable[Chunk], positions: dict[str, Position]) -> Iterator[Chunk]:
    """The chunks without what has already taken effect; raises Gap at the first that does not join on.

    A chunk sent again after Redis lost its tail may be cut elsewhere, so it may overlap the position.
    """
    reached = dict(positions)
    for chunk in chunks:
        rest = _rest(chunk, reached.get(chunk.stream))
        if rest is not None:
            reached[chunk.stream] = rest.end
            yield rest


def _rest(chunk: Chunk, reached: Position | None) -> Chunk | None:
    """What of a chunk lies beyond the position; None when nothing does."""
    if reached is None:
        joins = chunk.start == 0
    elif chunk.end <= reached:
        return None
    elif chunk.generation == reached.generation:
        joins = chunk.start <= reached.offset
    else:
        follows = chunk.after == reached if chunk.after else chunk.generation == reached.generation + 1
        joins = chunk.start == 0 and follows
    if not joins:
        missing = f"{chunk.stream} goes on at {chunk.generation}-{chunk.start}"
        behind = f" behind {chunk.after}" if chunk.after and chunk.after != reached else ""
        raise Gap(f"{missing}{behind}, but was read to {reached or 'nowhere'}")
    known = reached.offset - chunk.start if reached and chunk.generation == reached.generation else 0
    return replace(chunk, start=chunk.start + known, payload=chunk.payload[known:]) if known else chunk


def done_key(stream: str) -> str:
    """The hash of the consumers' committed positions; a copy, for the truth is in their databases."""
    return f"fetches:done:{stream}"


async def follow(settings: Settings, consumer: Consumer, stop: asyncio.Event) -> None:
    """Feed the consumer until `stop`. Failures are logged and tried again: the streams wait."""
    # A blocking read may be answered late; the client's default timeout of 5 s would take that for a dead server.
    redis = Redis.from_url(settings.text("REDIS_URL"), socket_timeout=None, protocol=2)
    try:
        while not stop.is_set():
            try:
                await _Reader(redis, consumer).run(stop)
            except Exception:
                log.exception("follow.failed", retry_s=RETRY_S)
                await pause(stop, RETRY_S)
    finally:
        await redis.aclose()


class _Reader:
    """One undisturbed stretch of following; after any failure a new one starts from the stored positions."""

    def __init__(self, redis: Redis, consumer: Consumer) -> None:
        self._redis, self._consumer = redis, consumer
        self._positions: dict[str, Position] = {}  # what was read
        self._applied: dict[str, Position] = {}  # what has taken effect, which may be one batch less
        self._told = 0.0
        self._resting: dict[str, float] = {}  # streams with a gap, and when to look again

    async def run(self, stop: asyncio.Event) -> None:
        self._positions = await self._consumer.positions()
        self._applied = dict(self._positions)
        await self._tell()
        idled, ahead = 0.0, list[Chunk]()
        while not stop.is_set():
            chunks = ahead or await self._next(BLOCK_MS)
            ahead = await self._apply(chunks) if chunks else []
            if chunks or time.monotonic() - self._told > TELL_S:
                await self._tell()
            if chunks or time.monotonic() - idled > 1:
                await self._consumer.idle()
                idled = time.monotonic()

    async def _apply(self, chunks: list[Chunk]) -> list[Chunk]:
        """Apply a batch; gives the one after it, prepared, when there is so much that it was worth it."""
        applying = asyncio.create_task(self._consumer.apply(chunks))
        try:
            ahead = await self._next(None) if len(chunks) >= MANY else []
            if ahead:
                await self._consumer.prepare(ahead)
            await applying
        finally:
            if not applying.done():
                applying.cancel()
                await asyncio.wait([applying])
        self._applied |= {chunk.stream: chunk.end for chunk in chunks}
        return ahead

    async def _tell(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for stream, reached in self._applied.items():
                pipe.hset(done_key(stream), self._consumer.name, str(reached))
            await pipe.execute()
        self._told = time.monotonic()

    async def _next(self, block_ms: int | None) -> list[Chunk]:
        """The chunks that come next; waits for them when told so."""
        chunks = [chunk for stream, entries in await self._read(block_ms) for chunk in self._joined(stream, entries)]
        self._positions |= {chunk.stream: chunk.end for chunk in chunks}
        return chunks

    async def _read(self, block_ms: int | None) -> list[tuple[str, Entries]]:
        members: Any = await self._redis.smembers(STREAMS)
        named = {name.decode() for name in members}
        now = time.monotonic()
        awake = [s for s in sorted({ORIGIN, *named, *self._positions}) if self._resting.get(s, 0) <= now]
        if not awake:
            await asyncio.sleep((block_ms or 0) / 1000)
            return []
        places = {s: self._positions.get(s, BEGINNING) for s in awake}
        ids: Any = {stream: str(place) for stream, place in places.items()}
        found: Any = await self._redis.xread(ids, count=CHUNKS, block=block_ms)
        return [(name.decode(), entries) for name, entries in found]

    def _joined(self, stream: str, entries: Entries) -> list[Chunk]:
        """The new chunks up to a gap, if there is one."""
        joined: list[Chunk] = []
        try:
            for chunk in beyond((_chunk(stream, i.decode(), fields) for i, fields in entries), self._positions):
                joined.append(chunk)
        except Gap as gap:
            if not joined:
                log.error("stream.gap", stream=stream, gap=str(gap), help=HELP)
                self._resting[stream] = time.monotonic() + RETRY_S
        return joined


def _chunk(stream: str, entry_id: str, fields: dict[bytes, bytes]) -> Chunk:
    end = position(entry_id)
    start, payload, after = int(fields[b"start"]), fields[b"lines"], fields.get(b"after")
    if start + len(payload) != end.offset:
        raise Gap(f"{stream} {entry_id} holds {len(payload)} bytes from {start}")
    return Chunk(stream, end.generation, start, payload, position(after.decode()) if after else None)


def position(entry_id: str) -> Position:
    """`<generation>-<end offset>` as a position."""
    generation, _, offset = entry_id.partition("-")
    return Position(int(generation), int(offset))
