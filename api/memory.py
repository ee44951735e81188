"""Folders in memory, for files that are made anew every few seconds and that a restart may lose: nginx's verdicts.

Each verdict is a file, and making one on a disk with a journal keeps an nginx worker, and all its viewers, waiting for
up to a millisecond: many times what the request itself costs. Systems without /dev/shm go on using the disk.
"""

import contextlib
import hashlib
import os
import shutil
import stat
from pathlib import Path

PLACE = Path("/dev/shm")  # noqa: S108 - a name in it is ours only when we own what it leads to, see _made
# Twice what limits.conf allows the verdicts of one nginx; Docker gives a container 64 MiB unless told otherwise.
ENOUGH_BYTES = 512 * 1024 * 1024


def folder(wanted: Path) -> Path:
    """The folder in memory that stands for `wanted`; the same after a restart, so that nothing is left behind twice."""
    return PLACE / f"streamify-{hashlib.sha256(os.fsencode(wanted.absolute())).hexdigest()[:24]}"


def keep(wanted: Path) -> bool:
    """Make `wanted` a link to its folder in memory, readable by us alone; False where there is no such place."""
    usable = _made(folder(wanted))
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if wanted.is_symlink():
        wanted.unlink()
    if usable:
        shutil.rmtree(wanted, ignore_errors=True)
        wanted.symlink_to(folder(wanted))
    return usable


def drop(wanted: Path) -> None:
    """Give the memory back."""
    shutil.rmtree(folder(wanted), ignore_errors=True)


def _made(target: Path) -> bool:
    """Anybody may make names there: what lies under ours already must be a folder that only we can have filled."""
    try:
        room = os.statvfs(PLACE)
        with contextlib.suppress(FileExistsError):
            target.mkdir(mode=0o700)
        found = target.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return ours and room.f_bavail * room.f_frsize >= ENOUGH_BYTES
