"""Generations that every consumer has read: compressed, checked, kept, and one day deleted.

The compressed file appears by rename, then the note that vouches for it, then the original goes: killed anywhere, this
is simply done again.
"""

import gzip
import hashlib
import os
import threading
import time
from collections.abc import Iterator, Set
from pathlib import Path
from typing import IO

import msgspec
import structlog

from media import fetch_log
from media.fetch_log import Archived
from workers.follow import Position

log = structlog.get_logger()

BLOCK_BYTES = 1024 * 1024
LEVEL = 6
DAY_S = 86_400


class Stopped(RuntimeError):
    """The process is asked to end; the next one does it again."""


def ready(files: dict[int, Path], closed: Set[int], done: Position) -> list[int]:
    """The closed generations that everybody has left behind, oldest first."""
    return [g for g in sorted(closed & files.keys()) if g < done.generation]


def put_away(root: Path, edge: str, generation: int, stop: threading.Event) -> Archived:
    """Archive a closed generation. Raises Damaged when what was written is not what was read, OSError, Stopped."""
    original = root / fetch_log.file_name(edge, generation)
    packed, vouching = fetch_log.archive_paths(root, edge, generation)
    packed.parent.mkdir(exist_ok=True)
    fresh = packed.with_name(f".{packed.name}")
    try:
        with original.open("rb") as file, gzip.open(fresh, "wb", LEVEL) as out:
            holds = _counted(_copied(_blocks(file, stop), out))
        with gzip.open(fresh) as again:
            if _counted(_blocks(again, stop)) != holds or original.stat().st_size != holds.bytes:
                raise fetch_log.Damaged(f"{original.name} does not come back as it went into the archive")
        _keep(fresh, packed)
        noted = vouching.with_name(f".{vouching.name}")
        noted.write_bytes(msgspec.json.encode(holds) + b"\n")
        _keep(noted, vouching)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    original.unlink()
    fetch_log.sync(root)
    log.info("fetch_log.archived", edge=edge, generation=generation, bytes=holds.bytes, lines=holds.lines)
    return holds


def _blocks(file: IO[bytes] | gzip.GzipFile, stop: threading.Event) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        if stop.is_set():
            raise Stopped
        yield block


def _copied(blocks: Iterator[bytes], out: gzip.GzipFile) -> Iterator[bytes]:
    for block in blocks:
        out.write(block)
        yield block


def _counted(blocks: Iterator[bytes]) -> Archived:
    size, lines, digest, last = 0, 0, hashlib.sha256(), b"\n"
    for block in blocks:
        size += len(block)
        lines += block.count(b"\n")
        digest.update(block)
        last = block[-1:]
    return Archived(size, lines + (last != b"\n"), digest.hexdigest())


def _keep(fresh: Path, final: Path) -> None:
    """Give a written file its name once its bytes are on the disk."""
    handle = os.open(fresh, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.rename(final)
    fetch_log.sync(final.parent)


def forget(root: Path, edge: str, keep_days: int, done: Position) -> list[int]:
    """Delete what was archived longer than `keep_days` ago (0: nothing) and lies behind all consumers.

    The newest stays: it says where the log ended before the oldest live generation.
    """
    gone = []
    kept = fetch_log.archived(root, edge)
    for generation in kept[:-1] if keep_days else []:
        packed, vouching = fetch_log.archive_paths(root, edge, generation)
        if generation < done.generation and time.time() - vouching.stat().st_mtime > keep_days * DAY_S:
            packed.unlink(missing_ok=True)
            vouching.unlink()
            gone.append(generation)
            log.info("fetch_log.forgotten", edge=edge, generation=generation)
    return gone
