"""Who has a log file open for writing: nginx goes on with the old generation until each worker has heard the signal.

A generation may be left behind only when nobody can write it any more. Linux says so in /proc; where that cannot be
seen (another system, another container, another account), only time can tell.
"""

import os
import signal
import stat
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
NGINX = "nginx"


@dataclass(frozen=True)
class Writers:
    """Process ids by file. `complete` is false when there may be others that cannot be seen."""

    pids: dict[Path, set[int]]
    complete: bool


def writers(paths: Iterable[Path], proc: Path = PROC) -> Writers:
    """Look at every process once."""
    wanted = {key: path for path in paths if (key := _identity(path))}
    found: dict[Path, set[int]] = defaultdict(set)
    complete = proc.is_dir()
    for entry in proc.glob("[0-9]*"):
        try:
            for handle in os.scandir(entry / "fd"):
                key = _identity(Path(handle.path))
                if key in wanted and _writes(entry / "fdinfo" / handle.name):
                    found[wanted[key]].add(int(entry.name))
        except PermissionError:
            complete = complete and not is_nginx(int(entry.name), proc)
        except OSError:  # it has ended meanwhile
            continue
    return Writers(found, complete)


def is_nginx(pid: int, proc: Path = PROC) -> bool:
    """Whether the process is an nginx: a number in a file may be somebody else's by now."""
    if not proc.is_dir():
        shown = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return Path(shown.stdout.strip()).name.startswith(NGINX)
    try:
        name, _, rest = (proc / str(pid) / "stat").read_text().partition("(")[2].rpartition(") ")
    except OSError:
        return False
    return name.startswith(NGINX) and not rest.startswith("Z")  # the dead keep their name until somebody asks


def reopen(pid: int) -> bool:
    """Tell an nginx to open its logs anew, master or worker; False when there is none. Raises PermissionError."""
    if not is_nginx(pid):
        return False
    try:
        os.kill(pid, signal.SIGUSR1)
    except ProcessLookupError:
        return False
    return True


def master(pid_file: Path) -> int | None:
    """The running nginx of a pid file."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return None
    return pid if is_nginx(pid) else None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def _writes(fdinfo: Path) -> bool:
    for line in fdinfo.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "flags":
            return int(value, 8) & os.O_ACCMODE != os.O_RDONLY
    return False
