"""The command line of Streamify: one row per command, one function each; heavy imports wait until they are needed."""

import argparse
import asyncio
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from api import logs
from api.settings import DATABASES, SERVICES, Settings, SettingsError, load

Command = Callable[[Settings, argparse.Namespace], int]


def serve(settings: Settings, args: argparse.Namespace) -> int:
    """Run one service until SIGTERM."""
    from api.service import serve as run  # noqa: PLC0415

    app = importlib.import_module(f"api.{args.name}.app").make_app(settings)
    run(app, settings, int(settings.text("PORT") or settings.port(args.name)))
    return 0


def migrate(settings: Settings, args: argparse.Namespace) -> int:
    """Bring the databases up to date (each service also does so at its start)."""
    from api.database import open_database  # noqa: PLC0415
    from api.migrate import migrate as apply  # noqa: PLC0415

    async def one(name: str) -> None:
        db = await open_database(settings.database_url(name), size=1)
        try:
            applied = await apply(db, Path(__file__).parent / name / "migrations")
        finally:
            await db.close()
        print(f"{DATABASES[name]}: {', '.join(applied) or 'up to date'}")

    async def every() -> None:
        for name in [args.name] if args.name else SERVICES:
            await one(name)

    asyncio.run(every())
    return 0


def follow(settings: Settings, args: argparse.Namespace) -> int:
    """Run one of the processes without a port: ship, meter, audience or sweep."""
    asyncio.run(importlib.import_module(f"workers.{args.command}").run(settings))
    return 0


def work(settings: Settings, args: argparse.Namespace) -> int:
    """Run one Celery worker of a queue: one process, one unit at a time."""
    from workers.tasks import start_worker  # noqa: PLC0415

    if args.queue == "batch":
        os.nice(10)
    start_worker(settings, args.queue)
    return 0


def parser() -> argparse.ArgumentParser:
    """Every command and its arguments."""
    top = argparse.ArgumentParser(prog="streamify", description="A self-hosted video platform.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, help_text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_text, description=help_text)
        sub.set_defaults(run=run)
        return sub

    add("serve", serve, "run one service").add_argument("name", choices=SERVICES)
    add("migrate", migrate, "migrate the databases").add_argument("name", nargs="?", choices=SERVICES)
    for name, what in (
        ("ship", "fetch log to Redis stream"),
        ("meter", "Redis stream to money"),
        ("audience", "Redis stream to analytics"),
        ("sweep", "expired leases, silent sessions, old holds"),
    ):
        add(name, follow, what)
    add("work", work, "run a transcode worker").add_argument("queue", choices=("interactive", "batch"))
    return top


def main(arguments: Sequence[str]) -> int:
    """Run a command; a settings mistake is one sentence, not a traceback."""
    args = parser().parse_args(arguments)
    try:
        settings = load()
        logs.configure(settings.text("LOG_LEVEL"), _process_name(args))
        run: Command = args.run
        return run(settings, args)
    except SettingsError as error:
        print(f"streamify: {error}", file=sys.stderr)
        return 2


def _process_name(args: argparse.Namespace) -> str:
    return str(getattr(args, "name", None) or getattr(args, "queue", None) or args.command)
