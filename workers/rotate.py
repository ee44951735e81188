"""Begins new generations of a fetch log, and says when an old one is closed: read to its end it may be left behind.

The link moves first, then nginx hears the reopen signal and makes the file. A shipper killed in between finds a link to
a file that does not exist, and signals again; so does one whose nginx did not listen.
"""

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from api.settings import Settings
from media import fetch_log
from workers.writers import Writers, is_nginx, master, reopen, writers

log = structlog.get_logger()

LOOK_S = 1.0
SIGNAL_S = 2.0
HELD_S = 60.0  # an old generation that is open for longer is worth a word: everything after it waits
BLIND_S = 60.0  # how long an old generation must be unchanged where its writers cannot be seen
LOOKS = 2  # one look may miss a process that is being born


@dataclass(frozen=True)
class Rules:
    """When a generation is full, and how nginx is told."""

    root: Path
    rotate_bytes: int
    rotate_s: int
    origin_pid: Path
    edge_pid: Path
    blind_s: float = BLIND_S

    def pid_file(self, edge: str) -> Path:
        return self.origin_pid if edge == "origin" else self.edge_pid


def rules(settings: Settings, blind_s: float | None = None) -> Rules:
    """The rules of this machine; tests shorten the time for which files must rest."""
    run = settings.home / "run"
    return Rules(
        settings.path("FETCH_LOG_ROOT"),
        settings.number("FETCH_LOG_ROTATE_BYTES"),
        settings.number("FETCH_LOG_ROTATE_S"),
        run / "nginx/nginx.pid",
        run / "edge/nginx.pid",
        BLIND_S if blind_s is None else blind_s,
    )


@dataclass
class Quiet:
    """What was seen of an old generation: its size, since when, and for how many looks nobody had it open."""

    size: int
    since: float
    looks: int = 0


@dataclass
class Rotation:
    """The generations of one edge."""

    rules: Rules
    edge: str
    closed: dict[int, int] = field(default_factory=dict)  # with the size each had then
    held: str = ""  # why an old generation is still open, when it is for long
    late: str = ""  # what was written to a generation that had been left
    _quiet: dict[int, Quiet] = field(default_factory=dict)
    _looked: float = 0.0
    _signalled: float = 0.0
    _lock: int | None = None

    def look(self, files: dict[int, Path], *, now: bool = False) -> None:
        """Do what is due, about once a second."""
        if not now and time.monotonic() - self._looked < LOOK_S:
            return
        self._looked = time.monotonic()
        self.closed = {g: size for g, size in self.closed.items() if g in files}
        self.held = ""
        generation = fetch_log.linked(self.rules.root, self.edge)
        if generation is not None and self.tends():
            self._rotate(files, generation)
        self._close(files, generation)
        with suppress(FileNotFoundError):  # archived meanwhile
            grown = [files[g].name for g, size in self.closed.items() if files[g].stat().st_size != size]
            self.late = f"{grown} grew when nobody seemed to write: those lines may not be billed" if grown else ""

    def tends(self) -> bool:
        """Whether this process is the one that may move and remove files; others of the same folder only read."""
        if self._lock is None:
            handle = os.open(self.rules.root / f".{self.edge}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                return False
            self._lock = handle
        return True

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _rotate(self, files: dict[int, Path], generation: int) -> None:
        if generation in files:
            if not self._full(files[generation]):
                return
            following = max(generation, *files, *fetch_log.archived(self.rules.root, self.edge)) + 1
            fetch_log.link(self.rules.root, self.edge, following)
            log.info("fetch_log.rotated", edge=self.edge, generation=following)
            self._signalled = 0.0
        if time.monotonic() - self._signalled >= SIGNAL_S:
            newest = files[max(files)]
            pid = master(self.rules.pid_file(self.edge))
            # Workers outlive a killed master, and listen themselves.
            self._signal({pid} if pid else writers([newest]).pids.get(newest, set()))
        self.held = self._unheard(files)

    def _unheard(self, files: dict[int, Path]) -> str:
        """Words about an nginx that goes on with what the link has long left."""
        newest = files[max(files)]
        late_s = newest.stat().st_mtime - (self.rules.root / f"{self.edge}.log").lstat().st_mtime
        return f"{newest.name} is still written: nginx was not told to open its logs anew" if late_s > HELD_S else ""

    def _full(self, path: Path) -> bool:
        size, began = path.stat().st_size, (self.rules.root / f"{self.edge}.log").lstat().st_mtime
        aged = time.time() - began >= self.rules.rotate_s
        return size > 0 and (size >= self.rules.rotate_bytes or aged)

    def _signal(self, pids: set[int]) -> None:
        self._signalled = time.monotonic()
        for pid in pids:
            try:
                reopen(pid)
            except PermissionError:
                log.error("fetch_log.cannot_signal", edge=self.edge, pid=pid)

    def _close(self, files: dict[int, Path], generation: int | None) -> None:
        newest = max(files) if generation is None else min(max(files), generation)
        old = [g for g in files if g < newest and g not in self.closed]
        self._quiet = {g: self._quiet[g] for g in old if g in self._quiet}
        if not old:
            return
        seen = writers(files[g] for g in [newest, *old])
        # Who sees that the newest is written sees them all. Nothing is seen while nginx is down or out of sight.
        sighted = seen.complete and bool(seen.pids.get(files[newest]))
        for g in old:
            with suppress(FileNotFoundError):  # archived by another process
                self._judge(g, files[g], seen, sighted=sighted)
        self.held = self._holders(old, files, seen) or self.held

    def _judge(self, generation: int, path: Path, seen: Writers, *, sighted: bool) -> None:
        now, size = time.monotonic(), path.stat().st_size
        quiet = self._quiet.setdefault(generation, Quiet(size, now))
        if seen.pids.get(path):
            quiet.looks = 0
        elif quiet.size != size:
            self._quiet[generation] = Quiet(size, now)
        else:
            quiet.looks += 1
            if quiet.looks >= LOOKS and (sighted or now - quiet.since >= self.rules.blind_s):
                self.closed[generation] = size

    def _holders(self, old: list[int], files: dict[int, Path], seen: Writers) -> str:
        """Wake who still writes old generations; words about it when it takes long."""
        pids = {pid for g in old for pid in seen.pids.get(files[g], ())}
        late = {pid for pid in pids if is_nginx(pid)}
        if late and self.tends() and time.monotonic() - self._signalled >= SIGNAL_S:
            self._signal(late)
        return self._late(min(old), files, pids)

    def _late(self, first: int, files: dict[int, Path], pids: set[int]) -> str:
        waiting = time.monotonic() - self._quiet[first].since if first in self._quiet else 0.0
        if not pids or waiting < HELD_S:
            return ""
        return f"{files[first].name} is still open in {sorted(pids)}, everything after it waits"
