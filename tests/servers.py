"""Real PostgreSQL and Valkey for the tests: one of each per test process, under an unprivileged account when root."""

import contextlib
import os
import pwd
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api import binaries


@dataclass(frozen=True)
class Server:
    port: int
    password: str


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(count: int = 8) -> tuple[int, int]:
    """A free port for a gateway, and the first of `count` free ones in a row for its stack."""
    while True:
        base = random.randrange(20000, 32000, 10)  # below the range from which clients' own ports are taken
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + count + 1):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
        return base + count, base


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Return once something listens; fail when the process ends first."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not open port {port}")
        time.sleep(0.02)


def drop() -> dict[str, object]:
    """Popen arguments that run a program as `nobody` when we are root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


MEMORY, ROOM_KB = Path("/dev/shm"), 6 << 20


def in_memory() -> Path | None:
    """A file system in memory with room enough for the databases of two test processes; None: the disk it is."""
    with contextlib.suppress(OSError):
        available = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())["MemAvailable"]
        if min(shutil.disk_usage(MEMORY).free >> 10, int(available.split()[0])) > ROOM_KB:
            return MEMORY
    return None


@contextlib.contextmanager
def scratch(place: Path | None = None) -> Iterator[Path]:
    """A short-named folder that the unprivileged account owns; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sf-", dir=place))
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def stopped(process: subprocess.Popen[bytes], signal_number: int) -> Iterator[None]:
    """Stop a program at the end, by force if it does not listen."""
    try:
        yield
    finally:
        process.send_signal(signal_number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def postgres() -> Iterator[Server]:
    """A throw-away cluster: durability off, superuser `postgres`.

    A new database is 300 files: 33 ms in memory, 119 on a disk.
    """
    with scratch(in_memory()) as folder:
        password, port, bin_dir = secrets.token_hex(16), free_port(), binaries.postgres_bin()
        secret = folder / "pw"
        secret.write_text(password)
        secret.chmod(0o644)
        data = str(folder / "data")
        init = [f"{bin_dir}/initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}"]
        init += ["--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run(init, check=True, capture_output=True, cwd=folder, **drop())  # type: ignore[call-overload]
        options = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
        options |= {"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "256MB"}
        command = [f"{bin_dir}/postgres", "-D", data, *[f"-c{k}={v}" for k, v in options.items()]]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **drop())  # type: ignore[call-overload]
        with stopped(process, 2):
            wait_for_port(port, process)
            yield Server(port, password)


@contextlib.contextmanager
def redis() -> Iterator[Server]:
    """A throw-away Valkey with append-only file, as the stack runs it."""
    with scratch() as folder:
        password, port = secrets.token_hex(16), free_port()
        command = [binaries.redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        command += ["--requirepass", password, "--appendonly", "yes", "--save", "", "--databases", "64"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **drop())  # type: ignore[call-overload]
        with stopped(process, 15):
            wait_for_port(port, process)
            yield Server(port, password)
