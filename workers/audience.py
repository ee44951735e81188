"""The audience: reads the fetch streams into the analytics database. A second door into `api.analytics`.

Position, sessions and rollups commit together. Videos it has not met are asked about between batches, and their
sessions counted then; while the videos service is away they wait.
"""

import asyncio
import gc
import time
from collections.abc import Iterable
from pathlib import Path

import structlog

from api.analytics import audience, playback, queries_position, video
from api.analytics.arrivals import Arrivals
from api.analytics.audience import Unlearned
from api.analytics.memory import Memory
from api.analytics.queries_position import Read
from api.analytics.times import from_ms
from api.clients import Clients
from api.database import Connection, Database, open_database
from api.migrate import migrate
from api.problems import Problem
from api.settings import Settings
from workers.follow import Chunk, Position, beyond, follow
from workers.signals import stop_event

log = structlog.get_logger()

ASK_AGAIN_S = 5.0
HEAR_S = 5.0
Newest = dict[str, int]  # time of the newest line by stream


class Audience:
    """The consumer that `follow` feeds."""

    name = "audience"

    def __init__(self, db: Database, clients: Clients) -> None:
        self._db, self._clients = db, clients
        self._memory = Memory()
        self._kept_from = 0
        self._ask_at = self._hear_at = 0.0
        self._ahead: tuple[list[Chunk], Arrivals, Newest] | None = None

    async def positions(self) -> dict[str, Position]:
        return _positions(await queries_position.positions(self._db))

    async def prepare(self, chunks: list[Chunk]) -> None:
        """Read the lines while PostgreSQL works on those before; it is asked for its answers after every chunk."""
        self._ahead = None
        arrivals, newest = Arrivals(self._kept_from), Newest()
        for chunk in chunks:
            _read(arrivals, newest, chunk)
            await asyncio.sleep(0)
        self._ahead = chunks, arrivals, newest

    async def apply(self, chunks: list[Chunk]) -> None:
        """One transaction: positions and everything the lines mean. Raises Gap."""
        try:
            await self._apply(chunks)
        except Unlearned as unlearned:
            await video.learn(self._db, self._clients, unlearned.video_ids)
            await self._apply(chunks)

    async def _apply(self, chunks: list[Chunk]) -> None:
        async with self._db.transaction() as tx:
            begun = await audience.begin(tx, self._memory)
            fresh = list(beyond(chunks, _positions(begun.reads.values())))
            if not fresh:
                return
            arrivals, newest = self._arrived(chunks, fresh, begun.kept_from)
            reads = dict(begun.reads)
            for chunk in fresh:
                read_at = from_ms(newest[chunk.stream])
                if (last := reads.get(chunk.stream)) is not None:
                    read_at = max(read_at, last.read_at)
                reads[chunk.stream] = Read(chunk.stream, chunk.end.generation, chunk.end.offset, read_at)
            moved = {chunk.stream: reads[chunk.stream] for chunk in fresh}
            await audience.finish(tx, self._memory, arrivals, moved.values())
            seen = await self._state(tx, reads)
        self._memory.commit(seen)

    async def _state(self, tx: Connection, reads: dict[str, Read]) -> object:
        return reads, await queries_position.state(tx)

    def _arrived(self, chunks: list[Chunk], fresh: list[Chunk], kept_from: int) -> tuple[Arrivals, Newest]:
        """What the lines say; read ahead, if these are the chunks that were expected."""
        ahead, self._ahead = self._ahead, None
        if ahead and ahead[0] is chunks and fresh == chunks and kept_from == self._kept_from:
            return ahead[1], ahead[2]
        self._kept_from = kept_from
        arrivals, newest = Arrivals(kept_from), Newest()
        for chunk in fresh:
            _read(arrivals, newest, chunk)
        return arrivals, newest

    async def idle(self) -> None:
        """Learn what videos were met, and count the sessions that waited for it."""
        if time.monotonic() >= self._ask_at:
            try:
                await video.learn(self._db, self._clients)
                await self._hear()
            except Problem as problem:
                self._ask_at = time.monotonic() + ASK_AGAIN_S
                log.warning("audience.others_away", error=problem.detail)
        while await audience.settle(self._db, self._memory):
            pass
        while await playback.settle(self._db):
            pass

    async def _hear(self) -> None:
        """Ask streaming how playbacks went, now and then: they are over."""
        if time.monotonic() >= self._hear_at:
            self._hear_at = time.monotonic() + HEAR_S
            while await playback.hear(self._db, self._clients) == playback.AT_ONCE:
                pass


def _read(arrivals: Arrivals, newest: Newest, chunk: Chunk) -> None:
    newest[chunk.stream] = max(newest.get(chunk.stream, 0), arrivals.read(chunk.payload))


def _positions(reads: Iterable[Read]) -> dict[str, Position]:
    return {read.stream: Position(read.generation, read.end_offset) for read in reads}


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT."""
    # As in the meter: a batch makes many objects that live until its end, and looking for garbage among them is slow.
    gc.freeze()
    gc.set_threshold(500_000, 20, 100)
    stop = stop_event()
    db = await open_database(settings.database_url("analytics"), size=2)
    try:
        await migrate(db, Path(audience.__file__).parent / "migrations")
        async with Clients(settings, caller="audience") as clients:
            await follow(settings, Audience(db, clients), stop)
    finally:
        await db.close()
