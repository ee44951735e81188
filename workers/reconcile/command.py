"""`streamify reconcile [DAY]`: run a reconciliation, print what was compared, end with the number of differences."""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from datetime import UTC, date, datetime, timedelta

from api.clients import Clients
from api.database import Database, open_database
from api.problems import Problem
from api.settings import Settings
from media.fetch_log import Damaged
from workers.reconcile import audience
from workers.reconcile import run as whole
from workers.reconcile.audience import Compared
from workers.reconcile.difference import Difference
from workers.reconcile.run import Report

SHOWN = 50


def reconcile(settings: Settings, args: argparse.Namespace) -> int:
    """0: everything agrees; 1: differences; 2: it could not be done."""
    try:
        day = date.fromisoformat(args.day) if args.day else None
    except ValueError:
        print(f"streamify: {args.day!r} is not a day such as 2026-01-31", file=sys.stderr)
        return 2
    if args.nightly:
        os.nice(10)
        day = datetime.now(UTC).date() - timedelta(days=1)
    try:
        report = asyncio.run(run(settings, day, nightly=args.nightly))
    except asyncio.CancelledError:
        return 2
    except Problem as problem:
        print(f"streamify: {problem.detail}", file=sys.stderr)
        return 2
    if report is None:
        print(f"{day} has been reconciled")
        return 0
    print(table(*report))
    return 1 if report[0].differences or (report[1] is not None and report[1].differences) else 0


async def run(settings: Settings, day: date | None, *, nightly: bool) -> tuple[Report, Compared | None] | None:
    """Check against the running stack's database and logs; differences are printed as they are found."""
    task = asyncio.current_task()
    if task is not None:
        # A SIGTERM by itself would leave the day to a process that is no more.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    db = await open_database(settings.database_url("billing"), size=1)
    try:
        async with Clients(settings, caller="reconciliation") as clients:
            printer = _Printer()
            report = await whole.reconcile(settings, db, clients, printer.show, day=day, nightly=nightly)
            return None if report is None else (report, await _compared(settings, db, clients, printer, day))
    finally:
        await db.close()


async def _compared(
    settings: Settings, db: Database, clients: Clients, printer: "_Printer", day: date | None
) -> Compared | None:
    """Analytics against the books; None while it is away: that says nothing about money."""
    try:
        root, now_ms = settings.path("FETCH_LOG_ROOT"), round(time.time() * 1000)
        found = await audience.compare(root, db, clients, day, now_ms)
    except (Problem, Damaged) as problem:
        print(f"streamify: analytics was not compared: {problem}", file=sys.stderr)
        return None
    for each in found.differences:
        printer.show(each)
    return found


class _Printer:
    """Prints the first differences, one a line; the rest is in the list of incidents."""

    def __init__(self) -> None:
        self._left = SHOWN

    def show(self, found: Difference) -> None:
        self._left -= 1
        if self._left >= 0:
            has, should = json.dumps(found.recorded), json.dumps(found.derived)
            print(f"{found.kind} {found.subject}: has {has}, should have {should}")


def table(report: Report, compared: Compared | None = None) -> str:
    """The whole report; its last line is the number of differences."""
    counts = report.counts
    rows: list[tuple[str, object]] = [
        ("day", report.day or "all"),
        ("since", datetime.fromtimestamp(report.since_ms / 1000, UTC).isoformat(timespec="seconds")),
        ("through", report.through.isoformat(timespec="seconds")),
        *((f"log {edge}", f"up to {position}") for edge, position in report.positions.items()),
        ("lines", counts.lines),
        ("sessions", counts.sessions),
        ("watches", counts.watches),
        ("charges", counts.charges),
        ("journals", counts.journals),
        ("wallets", counts.wallets),
        ("settled before", report.settled),
        ("differences", report.differences),
    ]
    if compared is not None:
        rows[-1:-1] = [("analytics days", compared.days), ("analytics wrong", len(compared.differences))]
    return "\n".join(f"{name:<16}{value}" for name, value in rows)
