"""The audience: reads the fetch streams into the analytics database. A second door into `api.analytics`.

Position, sessions and rollups commit together. Videos it has not met are asked about between batches, and their
sessions counted then; while the videos service is away they wait.
"""

import time
from collections.abc import Iterable
from pathlib import Path

import structlog

from api.analytics import audience, queries_position, video
from api.analytics.arrivals import Arrivals
from api.analytics.queries_position import Read
from api.analytics.times import from_ms
from api.clients import Clients
from api.database import Database, open_database
from api.migrate import migrate
from api.problems import Problem
from api.settings import Settings
from workers.follow import Chunk, Position, beyond, follow
from workers.signals import stop_event

log = structlog.get_logger()

ASK_AGAIN_S = 5.0


class Audience:
    """The consumer that `follow` feeds."""

    name = "audience"

    def __init__(self, db: Database, clients: Clients) -> None:
        self._db, self._clients = db, clients
        self._ask_at = 0.0

    async def positions(self) -> dict[str, Position]:
        return _positions(await queries_position.positions(self._db))

    async def prepare(self, chunks: list[Chunk]) -> None:
        """Nothing: nobody waits for the audience as they do for money."""

    async def apply(self, chunks: list[Chunk]) -> None:
        async with self._db.transaction() as tx:
            reads = await audience.begin(tx)
            arrivals = Arrivals()
            for chunk in beyond(chunks, _positions(reads.values())):
                newest = from_ms(arrivals.read(chunk.payload))
                if (last := reads.get(chunk.stream)) is not None:
                    newest = max(newest, last.read_at)
                reads[chunk.stream] = Read(chunk.stream, chunk.end.generation, chunk.end.offset, newest)
            await audience.finish(tx, arrivals, {chunk.stream: reads[chunk.stream] for chunk in chunks}.values())

    async def idle(self) -> None:
        """Learn what videos were met, and count the sessions that waited for it."""
        if time.monotonic() >= self._ask_at:
            try:
                await video.learn(self._db, self._clients)
            except Problem as problem:
                self._ask_at = time.monotonic() + ASK_AGAIN_S
                log.warning("audience.videos_away", error=problem.detail)
        while await audience.settle(self._db):
            pass


def _positions(reads: Iterable[Read]) -> dict[str, Position]:
    return {read.stream: Position(read.generation, read.end_offset) for read in reads}


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT."""
    stop = stop_event()
    db = await open_database(settings.database_url("analytics"), size=2)
    try:
        await migrate(db, Path(audience.__file__).parent / "migrations")
        async with Clients(settings, caller="audience") as clients:
            await follow(settings, Audience(db, clients), stop)
    finally:
        await db.close()
