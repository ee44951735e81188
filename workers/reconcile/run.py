"""One reconciliation, from beginning to end: a snapshot of the books, the logs up to it, every comparison."""

from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from api.clients import Clients
from api.database import Database
from api.settings import Settings
from workers.reconcile import ledger, queries, watches
from workers.reconcile.arithmetic import DAY_MS
from workers.reconcile.difference import Counts, Difference
from workers.reconcile.logs import STREAM, Log
from workers.reconcile.reading import Reading
from workers.reconcile.watches import Scope

TOLD_AT_ONCE = 100
FOR_EVER_MS = 2**62
Show = Callable[[Difference], None]


@dataclass(frozen=True)
class Report:
    """What was compared, and what came out. `settled`: differences that were dealt with before."""

    day: date | None
    since_ms: int
    through: datetime
    positions: dict[str, str]
    counts: Counts
    differences: int
    settled: int


@dataclass
class Told:
    """What billing said of the differences it was told."""

    clients: Clients
    reconciliation_id: int
    show: Show
    differences: int = 0
    settled: int = 0

    async def tell(self, found: AsyncIterator[Difference]) -> None:
        """Report page by page: there may be many."""
        page: list[Difference] = []
        async for each in found:
            self.show(each)
            page.append(each)
            if len(page) == TOLD_AT_ONCE:
                await self._tell(page)
                page = []
        if page:
            await self._tell(page)

    async def _tell(self, page: list[Difference]) -> None:
        noted = await self.clients.billing_differences(self.reconciliation_id, [asdict(each) for each in page])
        self.differences += noted.differences
        self.settled += noted.settled


async def reconcile(
    settings: Settings, db: Database, clients: Clients, show: Show, *, day: date | None, nightly: bool
) -> Report | None:
    """Check the books; None when the nightly check of that day is done."""
    begun = await clients.billing_reconcile(day.isoformat() if day else None, nightly=nightly)
    if begun is None:
        return None
    told = Told(clients, begun["id"], show)
    try:
        async with db.snapshot() as books:
            now_ms = await queries.now_ms(books)
            root, keep_days = settings.path("FETCH_LOG_ROOT"), settings.number("FETCH_LOG_KEEP_DAYS")
            logs = [Log.of(root, reached) for reached in await queries.reached(books)]
            since_ms = max([log.begin(begun["since_ms"], now_ms, keep_days) for log in logs], default=begun["since_ms"])
            reading, counts = Reading(books), Counts()
            for log in logs:
                await reading.read(log)
            counts.lines = reading.lines
            one_day = day is not None and not nightly
            until_ms = begun["since_ms"] + DAY_MS if one_day else FOR_EVER_MS
            trouble = [each for log in logs for each in log.trouble]
            scope = Scope(since_ms, until_ms, whole=not trouble)
            await told.tell(_all(books, reading, scope, counts, trouble))
        positions = {log.reached.stream.removeprefix(STREAM): "{}-{}".format(*log.end) for log in logs}
        done = _done(now_ms, since_ms, positions, counts, told.differences, everything=not one_day)
        await clients.billing_reconciled(told.reconciliation_id, done)
    except BaseException:
        await clients.billing_not_reconciled(told.reconciliation_id)
        raise
    through = datetime.fromtimestamp(now_ms / 1000, UTC)
    return Report(day, since_ms, through, positions, counts, told.differences, told.settled)


async def _all(
    books: Any, reading: Reading, scope: Scope, counts: Counts, trouble: list[Difference]
) -> AsyncIterator[Difference]:
    for each in (*reading.differences, *watches.overlapping(reading)):
        yield each
    for part in (watches.compare(books, reading, scope, counts), ledger.compare(books, reading, scope, counts)):
        async for found in part:
            yield found
    for missing in trouble:
        missing.derived["unproven"] = counts.unproven
        yield missing


def _done(
    now_ms: int, since_ms: int, positions: dict[str, str], counts: Counts, differences: int, *, everything: bool
) -> dict[str, Any]:
    compared = asdict(counts)
    del compared["unproven"]
    return {
        "through_ms": now_ms,
        "since_ms": since_ms,
        "positions": positions,
        "counts": compared,
        "differences": differences,
        "everything": everything,
    }
