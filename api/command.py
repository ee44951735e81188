"""The command line of Streamify: one row per command, one function each; heavy imports wait until they are needed."""

import argparse
import asyncio
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from api import logs
from api.settings import DATABASES, ROOT, SERVICES, Settings, SettingsError, load

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


def bench(settings: Settings, args: argparse.Namespace) -> int:
    """Become `python -m tests.bench.NAME`, with the arguments that follow the name; without a name, list them."""
    names = benches()
    if args.name in names:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", f"tests.bench.{args.name}", *args.arguments])
    if args.name is None:
        print("\n".join(names) or "There are no benches here.")
        return 0
    known = ", ".join(names) or "none in this installation"
    print(f"streamify: there is no bench {args.name!r}. Benches: {known}.", file=sys.stderr)
    return 2


def benches() -> list[str]:
    """The modules of tests/bench that run by themselves; installations without tests have none."""
    files = sorted((ROOT / "tests/bench").glob("*.py"))
    return [path.stem for path in files if 'if __name__ == "__main__":' in path.read_text()]


def lazy(module: str, name: str) -> Command:
    """A command whose module is imported when it runs: `serve auth` has no use for the rest."""

    def run(settings: Settings, args: argparse.Namespace) -> int:
        found: Command = getattr(importlib.import_module(module), name)
        return found(settings, args)

    return run


FOLLOWERS = {
    "ship": "fetch log to Redis stream",
    "meter": "Redis stream to money",
    "audience": "Redis stream to analytics",
    "sweep": "expired leases, silent sessions, old holds",
}


def parser() -> argparse.ArgumentParser:
    """Every command and its arguments."""
    top = argparse.ArgumentParser(
        prog="streamify",
        description="A self-hosted video platform.",
        epilog="Also: `./streamify test [pytest arguments]` sets up and runs every test.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, help_text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_text, description=help_text)
        sub.set_defaults(run=run)
        return sub

    sub = add("up", lazy("api.operate", "up"), "set up and start everything on this machine")
    sub.add_argument("--demo", action="store_true", help="add two accounts, funds and a generated film")
    sub.add_argument("--edge", action="store_true", help="start a CDN edge too; players then fetch from it")
    sub.add_argument("--detach", action="store_true", help="return when healthy; stop it later with 'down'")
    add("down", lazy("api.operate", "down"), "stop everything")
    add("status", lazy("api.operate", "status"), "what runs where, with health").add_argument(
        "--json", action="store_true"
    )
    sub = add("logs", lazy("api.operate", "logs"), "follow the logs")
    sub.add_argument("program", nargs="?", help="one program, for example auth")
    sub.add_argument("--no-follow", dest="follow", action="store_false", help="print the last lines and return")
    add("doctor", lazy("api.doctor", "doctor"), "say in plain words what is wrong with this machine or stack")
    add("operator", lazy("api.operate", "operator"), "make a user an operator").add_argument("email")
    add("secrets", lazy("api.operate", "print_secrets"), "print fresh secrets for docker-compose's .env")
    add("gateway", lazy("api.gateway", "run"), "run the gateway's nginx")
    add("edge", lazy("api.edge", "run"), "run an edge's nginx")
    add("serve", serve, "run one service").add_argument("name", choices=SERVICES)
    add("migrate", migrate, "migrate the databases").add_argument("name", nargs="?", choices=SERVICES)
    for name, what in FOLLOWERS.items():
        add(name, follow, what)
    _checks(add)
    add("work", work, "run a transcode worker").add_argument("queue", choices=("interactive", "batch"))
    return top


def _checks(add: Callable[[str, Command, str], argparse.ArgumentParser]) -> None:
    """What looks at the machine and the books, by hand."""
    sub = add(
        "reconcile", lazy("workers.reconcile.command", "reconcile"), "derive every charge again from the fetch logs"
    )
    sub.add_argument("day", nargs="?", metavar="DAY", help="only what began on that day (UTC), for example 2026-01-31")
    sub.add_argument("--nightly", action="store_true", help="of the day that is over, once; the sweeper's way")
    sub = add("bench", bench, "measure one area of this machine against a reference")
    sub.add_argument("name", nargs="?", help="one of those that `bench` alone lists")
    sub.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on, for example --quick")


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
