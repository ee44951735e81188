"""The commands of a single machine: up, down, status, logs, operator. Words for people; `--json` for programs."""

import argparse
import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from typing import Any
from urllib.error import URLError

from api import binaries, machine
from api.clients import Clients, MadeOperator
from api.problems import Problem
from api.settings import SECRETS, SERVICES, Settings, load
from api.stack import NoSuchAccount, ports

READY_S = 60.0


def up(settings: Settings, args: argparse.Namespace) -> int:
    """Start everything, wait until healthy, print the address; stays in the foreground unless --detach."""
    began = time.monotonic()
    if args.edge:
        os.environ["WITH_EDGE"] = "yes"  # as if it had been set: every program hears of it
        settings = load()
    try:
        settings = machine.prepare(settings)
        first = not machine.session_file(settings).exists()
        machine.start(settings)
    except (machine.CannotStart, NoSuchAccount, binaries.MissingProgram) as error:
        return say(f"streamify: {error}", 1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        wait_until_healthy(settings)
        print(f"Streamify is ready at {settings.text('PUBLIC_URL')} ({time.monotonic() - began:.1f} s)", flush=True)
        if first:
            print("Sign up there; make yourself an operator with: ./streamify operator YOUR@EMAIL", flush=True)
        if args.demo:
            from api import demo  # noqa: PLC0415

            asyncio.run(demo.fill(settings))
        if args.detach:
            return 0
        print("Ctrl-C stops it.", flush=True)
        while machine.supervisor(settings) is not None:
            time.sleep(1)
        return say("streamify: the supervisor ended; see log/supervisor.log in STREAMIFY_HOME.", 1)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("\nStopping …", flush=True)
        machine.stop(settings)
        return 0
    except machine.CannotStart as error:
        machine.stop(settings)
        return say(f"streamify: {error}", 1)


def wait_until_healthy(settings: Settings) -> None:
    """Return when the gateway says that every service is well; CannotStart names what is not, with its last words.

    An edge is well when its gateway answers it.
    """
    deadline = time.monotonic() + READY_S
    doors = [port for name, port in ports(settings).items() if name in ("gateway", "edge")]
    while time.monotonic() < deadline:
        if all(fetch_json(f"http://127.0.0.1:{port}/health").get("status") == "ok" for port in doors):
            return
        if machine.supervisor(settings) is None and time.monotonic() > deadline - READY_S + 5:
            break
        time.sleep(0.05)
    sick = [row["name"] for row in rows(settings) if not row["well"]]
    words = "\n".join(f"--- {name}\n{tail(settings, name)}" for name in sick[:3])
    raise machine.CannotStart(f"these did not come up: {', '.join(sick) or 'the supervisor'}\n{words}")


def down(settings: Settings, _: argparse.Namespace) -> int:
    """Stop everything in order."""
    was = machine.stop(settings)
    return say("Stopped." if was else "Nothing was running.", 0, sys.stdout)


def status(settings: Settings, args: argparse.Namespace) -> int:
    """What runs where, with health; exit code 0 when all is well, 3 when not."""
    found = rows(settings)
    well = bool(found) and all(row["well"] for row in found)
    if args.json:
        body = {"running": bool(found), "well": well, "url": settings.text("PUBLIC_URL"), "programs": found}
        print(json.dumps(body, indent=2))
        return 0 if well else 3
    if not found:
        return say("Not running. Start it with ./streamify up", 3, sys.stdout)
    for row in found:
        mark = "ok " if row["well"] else "-- "
        print(f"{mark} {row['name']:<20} {row['state']:<9} port {row['port'] or '-':<6} {row['detail']}")
    print(f"\n{settings.text('PUBLIC_URL')}")
    return 0 if well else 3


def rows(settings: Settings) -> list[dict[str, Any]]:
    """One row per program: supervisor's view, and for services their own /health."""
    control = machine.supervisor(settings)
    if control is None:
        return []
    where = {**ports(settings), "edge": settings.number("EDGE_PORT")}
    return [_row(info, where.get(info["group"])) for info in control.getAllProcessInfo()]


def _row(info: dict[str, Any], port: int | None) -> dict[str, Any]:
    name, state = str(info["name"]), str(info["statename"]).lower()
    health: dict[str, Any] = {"status": "ok"}
    if name in (*SERVICES, "gateway", "edge"):
        health = fetch_json(f"http://127.0.0.1:{port}/health")
    detail = str(info["description"])
    if health.get("status") != "ok":
        sick = [f"{k}: {v}" for k, v in health.get("checks", {}).items() if v != "ok"]
        detail = "; ".join(sick) or "does not answer"
    well = state == "running" and health.get("status") == "ok"
    return {"name": name, "state": state, "port": port, "pid": info["pid"], "well": well, "detail": detail}


def fetch_json(url: str) -> dict[str, Any]:
    """A JSON answer of ours whatever its status, or {} when there is none."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - our own loopback address
            return dict(json.load(answer))
    except URLError as error:
        body = getattr(error, "read", lambda: b"")()
    except (OSError, ValueError):
        return {}
    try:
        return dict(json.loads(body))
    except ValueError:
        return {}


def logs(settings: Settings, args: argparse.Namespace) -> int:
    """Follow the logs of all programs, or of one."""
    folder = settings.home / "log"
    files = sorted(folder.glob(f"{args.program}*.log" if args.program else "*.log"))
    if not files:
        known = ", ".join(sorted(p.stem for p in folder.glob("*.log"))) or "none yet"
        return say(f"streamify: there is no log of {args.program or 'anything'}. Logs: {known}.", 1)
    command = ["tail", "-n", "50", *(["-F"] if args.follow else []), *map(str, files)]
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0


def tail(settings: Settings, name: str, lines: int = 8) -> str:
    """The last lines of a program's log."""
    path = settings.home / f"log/{name}.log"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "(no log)"


def operator(settings: Settings, args: argparse.Namespace) -> int:
    """Make that user an operator; creates the account with a printed random password if it is unknown."""

    async def ask() -> MadeOperator:
        async with Clients(settings, "command") as clients:
            return await clients.auth_make_operator(args.email)

    try:
        made = asyncio.run(ask())
    except Problem as error:
        return say(f"streamify: {error.detail}", 1)
    if made.password:
        print(f"Created {made.email} as operator. Password: {made.password}")
    else:
        print(f"{made.email} is an operator now: {made.name}, account of {made.since:%Y-%m-%d %H:%M} UTC.")
        print("They sign in again to use it. Addresses are not verified: make sure whose account this is.")
    return 0


def print_secrets(_settings: Settings, _args: argparse.Namespace) -> int:
    """Fresh secrets as NAME=value lines, for docker-compose's .env file."""
    print("\n".join(f"{name}={secrets.token_hex(32)}" for name in SECRETS if name != "SUPERVISOR_PASSWORD"))
    return 0


def say(text: str, code: int, stream: Any = None) -> int:
    print(text, file=stream or sys.stderr, flush=True)
    return code
