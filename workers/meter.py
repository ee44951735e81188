"""Redis stream -> billing database: position, delivered time and money in one transaction. One meter bills at a time.

A second door into the billing service: the rules are `api/billing/metering.py`, the work `api/billing/fetches.py`.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import structlog

from api.billing import fetches, metering, outbox, queries_log, stretch
from api.billing.money import Currency, currency_of
from api.billing.stretch import Said, Stretch
from api.clients import Clients
from api.database import Database, open_database
from api.migrate import migrate
from api.settings import Settings
from workers.follow import Chunk, Position, beyond, follow
from workers.signals import stop_event

log = structlog.get_logger()


class PositionLost(RuntimeError):
    """Another meter moved a position in the middle of our transaction."""


class Meter:
    """A consumer of the fetch streams. `idle` only wakes who tells others: their slowness must not delay money."""

    name = "meter"

    def __init__(self, db: Database, currency: Currency, media_rate: int = metering.MEDIA_RATE) -> None:
        self._db, self._currency, self._media_rate = db, currency, media_rate
        self.news = asyncio.Event()
        self._ahead: tuple[list[Chunk], Said] | None = None

    async def positions(self) -> dict[str, Position]:
        return {r.stream: Position(r.generation, r.byte_offset) for r in await queries_log.reached(self._db)}

    async def prepare(self, chunks: list[Chunk]) -> None:
        """Read the lines while PostgreSQL works on those before; it is asked for its answers after every chunk."""
        self._ahead = None
        said = Said([_stretch(chunk) for chunk in chunks])
        for number in range(len(chunks)):
            said.read(number)
            await asyncio.sleep(0)
        self._ahead = chunks, said

    def _said(self, chunks: list[Chunk]) -> Said:
        ahead, self._ahead = self._ahead, None
        return ahead[1] if ahead and ahead[0] is chunks else stretch.read(map(_stretch, chunks))

    async def apply(self, chunks: list[Chunk]) -> None:
        """Bill what lies beyond the stored positions; raises Gap, and PositionLost when another meter interferes."""
        started = time.perf_counter()
        said = self._said(chunks)
        async with self._db.transaction() as tx:
            await queries_log.lock_log(tx)
            known = {r.stream: Position(r.generation, r.byte_offset) for r in await queries_log.reached(tx)}
            fresh = list(beyond(chunks, known))
            if not fresh:
                return
            if fresh != chunks:
                said = stretch.read(map(_stretch, fresh))
            steps = _steps(fresh, known)
            if await queries_log.move(tx, steps) != len(steps):
                raise PositionLost(f"one of {[step['stream'] for step in steps]} was moved by somebody else")
            now_ms, rate = round(time.time() * 1000), self._media_rate
            await fetches.bill(tx, self._currency, _cause(fresh), said, now_ms, media_rate=rate)
        log.debug("meter.billed", bytes=sum(len(c.payload) for c in fresh), ms=_ms_since(started))

    async def idle(self) -> None:
        self.news.set()


def _steps(fresh: Iterable[Chunk], known: dict[str, Position]) -> list[dict[str, object]]:
    """From where to where each stream moves."""
    ends = {chunk.stream: chunk.end for chunk in fresh}
    return [
        {
            "stream": stream,
            "generation": end.generation,
            "byte_offset": end.offset,
            "from_generation": known[stream].generation if stream in known else None,
            "from_offset": known[stream].offset if stream in known else None,
        }
        for stream, end in ends.items()
    ]


def _cause(fresh: Iterable[Chunk]) -> str:
    """The part of the log that is billed, as a unique name: `fetches:origin 3-20480..3-40960`."""
    firsts: dict[str, Chunk] = {}
    lasts: dict[str, Chunk] = {}
    for chunk in fresh:
        firsts.setdefault(chunk.stream, chunk)
        lasts[chunk.stream] = chunk
    return ", ".join(
        f"{stream} {first.generation}-{first.start}..{lasts[stream].end.generation}-{lasts[stream].end.offset}"
        for stream, first in sorted(firsts.items())
    )


def _stretch(chunk: Chunk) -> Stretch:
    return Stretch(chunk.stream, chunk.generation, chunk.start, chunk.payload)


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


async def tell(db: Database, clients: Clients, news: asyncio.Event) -> None:
    """Tell streaming and analytics what is new, whenever there may be something; for ever.

    Side by side: a film must stop when its money is gone, however slowly analytics listens.
    """
    facts = asyncio.Event()

    async def hurry() -> None:
        facts.set()
        await outbox.tell_spent(db, clients)

    async with asyncio.TaskGroup() as group:
        group.create_task(_always(news, hurry))
        group.create_task(_always(facts, lambda: outbox.relay(db, clients)))


async def _always(news: asyncio.Event, act: Callable[[], Awaitable[object]]) -> None:
    while True:
        await news.wait()
        news.clear()
        try:
            await act()
        except Exception:
            log.exception("meter.untold")


async def run(settings: Settings) -> None:
    """`streamify meter`: until SIGTERM."""
    # A batch makes a million objects that all live until its end; looking for garbage among them took a third of the
    # meter's time.
    gc.freeze()
    gc.set_threshold(500_000, 20, 100)
    stop = stop_event()
    db = await open_database(settings.database_url("billing"), size=3)
    try:
        await migrate(db, Path(fetches.__file__).parent / "migrations")
        async with Clients(settings, caller="meter") as clients:
            meter = Meter(db, currency_of(settings), settings.number("MEDIA_RATE"))
            teller = asyncio.create_task(tell(db, clients, meter.news))
            await follow(settings, meter, stop)
            teller.cancel()
            await asyncio.wait([teller])
    finally:
        await db.close()
