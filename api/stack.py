"""The table of programs of a single machine, and the supervisor configuration made from it.

`up` starts what docker-compose.yml starts, by the same commands; `tests/test_stack.py` compares the two.
"""

import os
import pwd
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from api import binaries
from api.settings import ROOT, SERVICES, TABLE, Settings

FIRST, THEN, LAST = 10, 20, 30


@dataclass(frozen=True)
class Program:
    """One supervised program. Lower `order` starts earlier and stops later; `stop` is the signal that ends it well."""

    name: str
    command: tuple[str, ...]
    order: int = THEN
    instances: int = 1
    stop: str = "TERM"
    stop_wait_s: int = 15


@dataclass(frozen=True)
class Account:
    """Whom the programs run as; None of both ids when that is simply us."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def popen(self) -> dict[str, object]:
        """Arguments for subprocess that give up our rights."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, place: Path | int) -> None:
        """Give a path to the account; an open file in folders it can write to, where a path may become a link."""
        if self.uid is not None:
            os.chown(place, self.uid, self.gid or -1)

    def let_read(self, path: Path) -> None:
        """Ours to change, the account's to read."""
        if self.uid is not None:
            os.chown(path, 0, self.gid or -1)
            path.chmod(0o640)


class NoSuchAccount(RuntimeError):
    """STREAMIFY_USER names nobody; the message says what to do."""


def account(settings: Settings) -> Account:
    """The account of the programs: ours, or as root the one STREAMIFY_USER names."""
    if os.geteuid() != 0:
        return Account(pwd.getpwuid(os.geteuid()).pw_name)
    name = settings.text("STREAMIFY_USER")
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise NoSuchAccount(f"There is no account {name!r}: create it or set STREAMIFY_USER to another.") from None
    if found.pw_uid == 0:
        raise NoSuchAccount("STREAMIFY_USER must not be root: PostgreSQL refuses it, and uploads are strangers' bytes.")
    return Account(name, found.pw_uid, found.pw_gid)


def programs(settings: Settings) -> list[Program]:
    """Everything that runs, in the order it starts."""
    home, run = settings.home, settings.home / "run"
    postgres = (f"{binaries.postgres_bin()}/postgres", "-D", f"{home}/postgres", *_postgres_options(settings))
    return [
        Program("postgres", postgres, FIRST, stop="INT"),
        Program("redis", (binaries.redis_server(), f"{run}/redis.conf"), FIRST),
        *(Program(name, ours("serve", name)) for name in SERVICES),
        Program("worker-interactive", ours("work", "interactive"), instances=settings.number("INTERACTIVE_WORKERS")),
        Program("worker-batch", ours("work", "batch"), instances=settings.number("BATCH_WORKERS")),
        Program("ship", ours("ship")),
        Program("meter", ours("meter")),
        Program("audience", ours("audience")),
        Program("sweep", ours("sweep")),
        Program("gateway", ours("gateway"), LAST, stop="QUIT", stop_wait_s=5),
        *([Program("edge", ours("edge"), LAST, stop="QUIT", stop_wait_s=5)] if settings.with_edge else []),
    ]


def _postgres_options(settings: Settings) -> list[str]:
    options = {
        "port": settings.number("PORT_BASE") + 5,
        "listen_addresses": "127.0.0.1",
        # A socket's path may be longer than the 107 bytes the system allows; TCP on loopback has no such edge.
        "unix_socket_directories": "",
        "max_connections": 200,
        "shared_buffers": "64MB",
    }
    return [f"--{name}={value}" for name, value in options.items()]


def ours(*arguments: str) -> tuple[str, ...]:
    """One of our own processes: the same words as `./streamify …`."""
    return (sys.executable, "-m", "api", *arguments)


def environment(settings: Settings) -> dict[str, str]:
    """What every program sees: the settings that differ from their defaults, and little else."""
    given = {s.name: os.environ[s.name] for s in TABLE if os.environ.get(s.name)}
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(settings.home / "run"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **given,
        "STREAMIFY_HOME": str(settings.home),
    }


def supervisor_conf(settings: Settings, who: Account) -> str:
    """The configuration of supervisord: restart on crash, ordered stop, a log per program."""
    home = settings.home
    sections = [
        (
            "supervisord",
            {
                "nodaemon": "true",
                "silent": "true",
                "logfile": f"{home}/log/supervisor.log",
                "pidfile": f"{home}/control/supervisor.pid",
                "childlogdir": f"{home}/log",
                "identifier": "streamify",
                # Starting as root is meant: only the programs give up their rights.
                **({"user": "root"} if who.uid is not None else {}),
            },
        ),
        (
            "inet_http_server",
            {
                "port": f"127.0.0.1:{control_port(settings)}",
                "username": "streamify",
                "password": settings.secret("SUPERVISOR_PASSWORD"),
            },
        ),
        ("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": _RPC}),
        *((f"program:{p.name}", _program(p, settings, who)) for p in programs(settings)),
    ]
    return "\n".join(f"[{title}]\n{_lines(values)}" for title, values in sections)


_RPC = "supervisor.rpcinterface:make_main_rpcinterface"


def control_port(settings: Settings) -> int:
    """Where supervisord listens, on loopback only."""
    return settings.number("PORT_BASE") + 7


def ports(settings: Settings) -> dict[str, int]:
    """Every port the stack takes, by program."""
    base = settings.number("PORT_BASE")
    names = (*SERVICES, "postgres", "redis", "supervisor")
    outside = {"gateway": settings.number("GATEWAY_PORT")}
    if settings.with_edge:
        outside["edge"] = settings.number("EDGE_PORT")
    return outside | {name: base + i for i, name in enumerate(names)}


def _program(program: Program, settings: Settings, who: Account) -> Mapping[str, str]:
    process = program.name if program.instances == 1 else f"{program.name}-%(process_num)d"
    return {
        "command": " ".join(_quoted(part) for part in program.command),
        "directory": str(settings.home / "run"),
        "priority": str(program.order),
        "numprocs": str(program.instances),
        "process_name": process,
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "1000000",
        "stopsignal": program.stop,
        "stopwaitsecs": str(program.stop_wait_s),
        # What outlives its program's stop is killed with its group: FFmpeg, nginx workers.
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"{settings.home}/log/".replace("%", "%%") + f"{process}.log",
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": "3",
        **({"user": who.name} if who.uid is not None else {}),
    }


def _quoted(part: str) -> str:
    """supervisord splits like a shell and expands %."""
    escaped = part.replace("%", "%%").replace('"', '\\"')
    return f'"{escaped}"' if any(c in part for c in " ;'\"") else escaped


def _lines(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())
