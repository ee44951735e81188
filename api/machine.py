"""Brings the stack of a single machine up and down: folders, secrets, a database cluster, one supervisor.

Used by `up` and `down`; everything is repeatable, so a start that was cut short is simply started again.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

from api import binaries, memory
from api.settings import DATABASES, SECRETS, Settings, load
from api.stack import Account, account, control_port, environment, ports, supervisor_conf

# What root writes lies in folders that the programs' account cannot touch; the rest is the account's.
OUR_FOLDERS = ("", "control", "log")
THEIR_FOLDERS = ("run", "log/fetch", "log/nginx", "media", "sources", "redis")
ENOUGH_BYTES = 512 * 1024 * 1024


class CannotStart(RuntimeError):
    """One clear sentence about what is in the way, and what to do."""


def prepare(settings: Settings) -> Settings:
    """Make or mend everything that must exist before the programs start; gives the settings with their secrets."""
    who = account(settings)
    try:
        for folder in (*OUR_FOLDERS, *THEIR_FOLDERS):
            (settings.home / folder).mkdir(parents=True, exist_ok=True)
        for folder in THEIR_FOLDERS:
            who.own(settings.home / folder)
        settings = with_secrets(settings, who)
        check_reach(settings.home, who)
        check_space(settings.home)
        write(settings.home / "run/redis.conf", redis_conf(settings), who)
        make_cluster(settings, who)
        write(settings.home / "control/supervisor.conf", supervisor_conf(settings, who), Account("us"))
    except PermissionError as error:
        raise CannotStart(
            f"{error.filename or settings.home} cannot be written: make {settings.home} yours, "
            "or set STREAMIFY_HOME to a folder that is."
        ) from error
    except OSError as error:
        raise CannotStart(f"{settings.home} cannot be prepared: {error.strerror} ({error.filename}).") from error
    return settings


def with_secrets(settings: Settings, who: Account) -> Settings:
    """Generate what is missing of the secrets, once; the programs may read the file, but the next start obeys it."""
    path = settings.home / "secrets.env"
    lines = (
        path.read_text().splitlines() if path.exists() else ["# Made by the first start. Keep it, and keep it secret."]
    )
    known = {line.split("=", 1)[0] for line in lines}
    missing = [f"{name}={secrets.token_hex(32)}" for name in SECRETS if name not in known]
    if missing:
        write(path, "\n".join([*lines, *missing]) + "\n", Account("us"))
    who.let_read(path)
    return load({**os.environ, "STREAMIFY_HOME": str(settings.home)})


def write(path: Path, text: str, who: Account) -> None:
    """A private file that appears whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        who.own(file.fileno())
    fresh.rename(path)


def check_reach(home: Path, who: Account) -> None:
    """The programs' account must be able to use the home and our Python."""
    test = ["test", "-w", str(home / "run"), "-a", "-x", sys.executable]
    if subprocess.run(test, check=False, **who.popen()).returncode:  # type: ignore[call-overload]
        raise CannotStart(
            f"The account {who.name} cannot use {home}: every folder above it must be open to it. "
            "Set STREAMIFY_HOME to a folder outside private ones, for example /var/lib/streamify/home."
        )


def check_space(home: Path) -> None:
    """Half a gigabyte is the least that makes sense to start with."""
    free = shutil.disk_usage(home).free
    if free < ENOUGH_BYTES:
        raise CannotStart(f"The disk of {home} is full ({free // 2**20} MB free): free at least 512 MB first.")


def redis_conf(settings: Settings) -> str:
    """Neither evicts nor forgets: the fetch stream and the broker live here.

    `everysec` may lose the last second with the machine, not with the process. The broker's bells are rung again by the
    sweeper, and the shipper sends again what the stream lost; `always` would buy nothing for a disk write per command.
    """
    lines = {
        "bind": "127.0.0.1",
        "port": settings.number("PORT_BASE") + 6,
        "dir": f'"{settings.home}/redis"',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
    }
    users = redis_users(settings.secret("REDIS_PASSWORD"))
    return "".join(f"{name} {value}\n" for name, value in lines.items()) + "".join(f"user {u}\n" for u in users)


def redis_users(password: str) -> list[str]:
    """Who may do what: `default` is all our programs, `admin` the operator, for repairs.

    A stream that is deleted accepts old ids again, which consumers would never see. So `fetches…` can be appended to,
    read and trimmed, nothing else. Celery and the rate limits need every command on keys of their own, under names that
    change with their versions; ACLs know no "all keys but", so that is spelt out letter by letter. Both have the same
    password: this is a guard against mistakes, libraries' and ours.
    """
    stream = "fetches"
    others = " ".join(f"~{stream[:i]}[^{letter}]*" for i, letter in enumerate(stream))
    denied = "flushall flushdb swapdb config debug shutdown acl module replicaof failover"
    allowed = "eval evalsha exists xadd xtrim xread xrange xrevrange xlen xinfo|stream sadd smembers hset hmget hgetall"
    own = " ".join(f"+{name}" for name in allowed.split())
    but = " ".join(f"-{name}" for name in denied.split())
    return [
        f"default on >{password} {others} &* +@all {but} (~{stream}* {own})",
        f"admin on >{password} ~* &* +@all",
    ]


def make_cluster(settings: Settings, who: Account) -> None:
    """initdb, a role and a database per service; the finished folder takes its place by rename."""
    final, fresh = settings.home / "postgres", settings.home / "postgres.new"
    if final.exists():
        return
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    who.own(fresh)
    bin_dir, password = binaries.postgres_bin(), settings.secret("POSTGRES_PASSWORD")
    secret = settings.home / "run/postgres-password"
    write(secret, password, who)
    init = [f"{bin_dir}/initdb", "-D", str(fresh), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}"]
    _run([*init, "--encoding=UTF8", "--locale=C", "--no-sync"], who, settings.home)
    secret.unlink()
    sql = []
    for name in DATABASES.values():
        sql.append(f"create role {name} login password '{password}'")
        sql.append(f"create database {name} owner {name}")
    single = [f"{bin_dir}/postgres", "--single", "-D", str(fresh), "postgres"]
    _run(single, who, settings.home, "\n".join(sql) + "\n")
    fresh.rename(final)


def _run(command: list[str], who: Account, cwd: Path, text: str = "") -> None:
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(cwd)}
    done = subprocess.run(  # type: ignore[call-overload]
        command, input=text, cwd=cwd, env=env, check=False, capture_output=True, text=True, **who.popen()
    )
    if done.returncode:
        raise CannotStart(f"{Path(command[0]).name} failed: {done.stderr.strip()[-400:]}")


def check_ports(settings: Settings) -> None:
    """Every port must be free, or the sentence says which is not and who wanted it."""
    for program, port in ports(settings).items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            setting = {"gateway": "GATEWAY_PORT", "edge": "EDGE_PORT"}.get(program, "PORT_BASE")
            address = "127.0.0.1" if setting == "PORT_BASE" else settings.text("GATEWAY_BIND")
            try:
                probe.bind((address, port))
            except PermissionError:
                raise CannotStart(f"Port {port} needs more rights than this account has: set {setting}.") from None
            except OSError:
                raise CannotStart(
                    f"Port {port} ({program}) is taken by another program: stop that, or set {setting} to a free port."
                ) from None


def start(settings: Settings) -> None:
    """Start the supervisor in a session of its own; it starts the rest."""
    if supervisor(settings) is not None:
        raise CannotStart(
            "This stack is already running: see `./streamify status`, or stop it with `./streamify down`."
        )
    kill_leftovers(settings)
    check_ports(settings)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(settings.home / "control/supervisor.conf")]
    with (settings.home / "log/supervisor.out").open("ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=settings.home,
            start_new_session=True,
            env=environment(settings),
        )
    kept = {"leader": child.pid, "started": _started(child.pid), "boot": _boot()}
    write(session_file(settings), json.dumps(kept), Account("us"))


def supervisor(settings: Settings) -> Any:
    """The supervisor's control interface, or None when it does not run."""
    password = settings.text("SUPERVISOR_PASSWORD")
    proxy = xmlrpc.client.ServerProxy(f"http://streamify:{password}@127.0.0.1:{control_port(settings)}/RPC2")
    try:
        proxy.supervisor.getState()
    except (OSError, xmlrpc.client.Error):
        return None
    return proxy.supervisor


def stop(settings: Settings, patience_s: float = 40) -> bool:
    """Stop everything in order; true when something ran. No process is left behind, whatever state it was in."""
    control = supervisor(settings)
    if control is not None:
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            control.shutdown()
        deadline = time.monotonic() + patience_s
        while supervised(settings) and time.monotonic() < deadline:
            time.sleep(0.05)
    ran = kill_leftovers(settings) or control is not None
    for nginx in ("nginx", "edge"):
        memory.drop(settings.home / f"run/{nginx}/verdicts")
    return ran


def session_file(settings: Settings) -> Path:
    return settings.home / "control/session.json"


def supervised(settings: Settings) -> list[int]:
    """Living processes of the session the supervisor opened, whatever became of itself; empty where /proc is absent."""
    try:
        kept = json.loads(session_file(settings).read_text())
    except (OSError, ValueError):
        return []
    if kept["boot"] != _boot() or _started(kept["leader"]) not in (None, kept["started"]):
        return []  # the machine was restarted, or the number belongs to somebody else by now
    numbers = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
    return [pid for pid in numbers if _session(pid) == kept["leader"]]


def _session(pid: int) -> int | None:
    try:
        return None if _stat(pid)[0] == "Z" else os.getsid(pid)
    except OSError:
        return None


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third (state) on; the name before them may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _started(pid: int) -> str | None:
    try:
        return _stat(pid)[19]
    except OSError:
        return None


def _boot() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""


def kill_leftovers(settings: Settings) -> bool:
    """Kill what a supervisor that died left running; true when there was something."""
    found = supervised(settings)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while supervised(settings) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(found)
