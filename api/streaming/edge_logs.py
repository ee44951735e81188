"""Fetch lines of edges whose log is not written here, a CDN's above all: each batch continues that edge's file.

The file is the durable truth, as for every nginx of ours, and the shipper takes it from there. Its bytes are the
sender's, so its end is the only position: a batch that begins elsewhere is refused with the place where the next must
begin, and one that is sent again changes nothing.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api.edge import NAME
from api.gateway import EDGE as ORIGIN
from api.problems import InvalidRequest, Problem
from media import fetch_log
from media.fetch import Refused, parse_line


class EdgeIsLocal(Problem):
    code, status = "edge_is_local", 409
    detail = "An nginx on this machine writes that edge's log. Give yours another name."


class WrongPosition(Problem):
    """Carries `generation` and `position`."""

    code, status = "wrong_position", 409
    detail = "The batch does not begin where the log ends. Go on from the position given here."


class LogUnwritable(Problem):
    code, status = "log_unwritable", 507
    detail = "The log cannot be written, as when the disk is full. Ask for the position and send the rest again."


@dataclass(frozen=True)
class Batch:
    """Bytes from `start` on of a generation of an edge's log."""

    edge: str
    generation: int
    start: int
    lines: bytes


@dataclass(frozen=True)
class Kept:
    """Where the log now ends, on the disk; `refused` lines of the batch are no fetches, and will bill nothing."""

    edge: str
    generation: int
    position: int
    refused: int


def append(root: Path, local: str, batch: Batch) -> Kept:
    """Add a batch; `local` is the edge of this machine.

    Raises EdgeIsLocal, WrongPosition, LogUnwritable, and InvalidRequest for names and lines that cannot be meant.
    """
    if not NAME.fullmatch(batch.edge):
        message = "must be small letters, digits and dashes, and end in no '-<number>'"
        raise InvalidRequest(errors=[{"field": "edge", "message": message}])
    if batch.edge in (ORIGIN, local) or (root / f"{batch.edge}.log").is_symlink():
        raise EdgeIsLocal
    refused = _refused(batch)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root, batch.edge):
            _expect(root, batch)
            path = root / fetch_log.file_name(batch.edge, batch.generation)
            _write(path, batch.lines)
            return Kept(batch.edge, batch.generation, path.stat().st_size, refused)
    except OSError as error:
        raise LogUnwritable(reason=error.strerror) from error


def _refused(batch: Batch) -> int:
    """How many lines are no fetches. They are kept all the same: the log goes on, and the meter notes the reason."""
    refused = 0
    for number, line in enumerate(batch.lines.removesuffix(b"\n").split(b"\n"), 1):
        try:
            fetch = parse_line(line)
        except Refused:
            refused += 1
            continue
        if fetch.edge != batch.edge:
            message = f"line {number} is of edge {fetch.edge[:32]!r}, the batch of {batch.edge!r}"
            raise InvalidRequest(errors=[{"field": "lines", "message": message}])
    return refused


@contextlib.contextmanager
def _alone(root: Path, edge: str) -> Iterator[None]:
    """One batch of an edge at a time, whichever process has it."""
    handle = os.open(root / f".{edge}.append", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _expect(root: Path, batch: Batch) -> None:
    """A batch continues the newest generation or begins a newer one: what comes before is closed."""
    newest, end = _end(root, batch.edge)
    continues = (batch.generation, batch.start) == (newest, end)
    if not continues and not (batch.generation > newest and batch.start == 0):
        raise WrongPosition(generation=newest, position=end)


def _end(root: Path, edge: str) -> tuple[int, int]:
    """The newest generation and its size; (1, 0) before there is any. What is said here is on the disk."""
    files, archived = fetch_log.live(root).get(edge, {}), fetch_log.archived(root, edge)
    newest = max([*files, *archived], default=1)
    if newest not in files:
        return newest, fetch_log.note(root, edge, newest).bytes if newest in archived else 0
    handle = os.open(files[newest], os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(handle)
        return newest, os.fstat(handle).st_size
    finally:
        os.close(handle)


def _write(path: Path, lines: bytes) -> None:
    """What a full disk cuts off stays cut: its beginning may already be on its way to the meter."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        written = 0
        while written < len(lines):
            written += os.write(handle, lines[written:])
        os.fsync(handle)
    finally:
        os.close(handle)
    fetch_log.sync(path.parent)
