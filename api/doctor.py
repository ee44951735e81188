"""`doctor`: what is wrong with this machine or stack, in plain words, one line per finding."""

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from api import binaries, machine, operate
from api.settings import Settings
from api.stack import NoSuchAccount, account, ports
from media import sandbox

Mark = Literal["ok", "note", "wrong"]
WALLS = ("landlock", "seccomp", "network namespace", "no new privileges", "dies with its parent")
COMFORTABLE_BYTES = 10 * 2**30
SETTLE_S = 15.0
SHIPPER_S = 60.0


@dataclass(frozen=True)
class Finding:
    mark: Mark
    text: str


def doctor(settings: Settings, _: argparse.Namespace) -> int:
    """Print every finding; exit code 1 when something is wrong."""
    wrong = False
    for look in (look_at_machine, look_at_home, look_at_programs, look_at_sandbox, look_at_stack, look_at_fetch_log):
        for finding in look(settings):
            print(f"{finding.mark:<6} {finding.text}")
            wrong = wrong or finding.mark == "wrong"
    print("\nSomething is wrong; see above." if wrong else "\nAll is well.")
    return 1 if wrong else 0


def look_at_machine(settings: Settings) -> Iterator[Finding]:
    yield Finding(
        "ok", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    )
    try:
        who = account(settings)
    except NoSuchAccount as error:
        yield Finding("wrong", str(error))
        return
    root = os.geteuid() == 0
    yield Finding("ok", f"programs run as {who.name}" + (" (started as root, rights given up)" if root else ""))


def look_at_home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    place = next(p for p in (home, *home.parents) if p.exists())
    free = shutil.disk_usage(place).free
    mark: Mark = "ok" if free > COMFORTABLE_BYTES else "note" if free > machine.ENOUGH_BYTES else "wrong"
    yield Finding(mark, f"home {home}: {free / 2**30:.1f} GB free" + ("" if mark == "ok" else ", make room soon"))
    if not home.exists():
        yield Finding("note", "the home does not exist yet; `./streamify up` makes it")
        return
    try:
        machine.check_reach(home, account(settings))
    except (machine.CannotStart, NoSuchAccount) as error:
        yield Finding("wrong", str(error))


def look_at_programs(_: Settings) -> Iterator[Finding]:
    looks: list[tuple[str, Callable[[], str], str]] = [
        ("PostgreSQL", lambda: f"{binaries.postgres_bin()}/postgres", "--version"),
        ("Redis", binaries.redis_server, "--version"),
        ("nginx", binaries.nginx, "-v"),
        ("FFmpeg", binaries.ffmpeg, "-version"),
    ]
    for name, find, flag in looks:
        try:
            path = find()
            done = subprocess.run([path, flag], capture_output=True, text=True, timeout=20, check=False)
        except (binaries.MissingProgram, OSError, subprocess.TimeoutExpired) as error:
            yield Finding("wrong", f"{name}: {error}")
            continue
        words = (done.stdout or done.stderr).splitlines()
        first = words[0][:90] if words else f"exit code {done.returncode}"
        yield Finding("ok" if done.returncode == 0 else "wrong", f"{name}: {first} ({Path(path).parent})")


def look_at_sandbox(_: Settings) -> Iterator[Finding]:
    present = sandbox.features()
    for wall in WALLS:
        words = "" if wall in present else " is missing here: strangers' files are decoded behind the remaining walls"
        yield Finding("ok" if wall in present else "note", f"sandbox: {wall}{words}")


def look_at_stack(settings: Settings) -> Iterator[Finding]:
    rows = _settled_rows(settings)
    if rows:
        for row in rows:
            words = f"{row['name']}: {row['state']}, {row['detail']}"
            if not row["well"]:
                words += f"; its last words: {operate.tail(settings, str(row['name']), 2)}"
            yield Finding("ok" if row["well"] else "wrong", words)
        return
    left = machine.supervised(settings)
    if left:
        yield Finding("wrong", f"{len(left)} programs run without their supervisor: `./streamify down` ends them")
        return
    yield Finding("note", "the stack is not running")
    for program, port in ports(settings).items():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                yield Finding("wrong", f"port {port} ({program}) is taken by another program")


def look_at_fetch_log(settings: Settings) -> Iterator[Finding]:
    """What the shipper wrote down: its alarms, and that it is there at all."""
    path = settings.path("FETCH_LOG_ROOT") / "ship.json"
    try:
        said = json.loads(path.read_bytes())
        alarms, silent_s = dict(said["alarms"]), time.time() - said["at"]
    except (OSError, ValueError, KeyError):
        alarms, silent_s = {}, time.time() - path.parent.stat().st_mtime if path.parent.is_dir() else 0.0
    for name, text in alarms.items():
        yield Finding("note" if name == "disk_low" else "wrong", f"fetch log: {name}: {text}")
    if silent_s > SHIPPER_S and machine.supervised(settings):
        yield Finding("wrong", f"fetch log: the shipper has said nothing for {silent_s:.0f} s: `./streamify logs ship`")
    elif not alarms:
        yield Finding("ok", f"fetch log in {path.parent}: no alarm")


def _settled_rows(settings: Settings) -> list[dict[str, Any]]:
    """Programs that are just starting get a moment: a diagnosis one second after a restart would be a false alarm."""
    deadline = time.monotonic() + SETTLE_S
    rows = operate.rows(settings)
    while any(not row["well"] for row in rows) and time.monotonic() < deadline:
        time.sleep(0.2)
        rows = operate.rows(settings)
    return rows
