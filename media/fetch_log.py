"""The files of a fetch log: their names, their generations, and every line of an edge in order, archived or not.

    <root>/<edge>.log                            link to the newest generation; nginx opens this path
    <root>/<edge>-<generation>.log               a generation; only the newest is written
    <root>/archive/<edge>-<generation>.log.gz    one that every consumer has read
    <root>/archive/<edge>-<generation>.json      what is in it; appears last, so it vouches for the other

Read by the shipper, and by whoever must see all lines again.
"""

import gzip
import hashlib
import os
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

EDGE = "[a-z0-9][a-z0-9-]*"
FILE = re.compile(rf"(?P<edge>{EDGE})-(?P<generation>[1-9][0-9]{{0,9}})\.log")
ARCHIVE = "archive"


class Archived(msgspec.Struct, frozen=True):
    """What an archived generation holds, uncompressed; `lines` counts a last one without an end."""

    bytes: int
    lines: int = 0
    sha256: str = ""


class Damaged(RuntimeError):
    """An archived generation is not what it was."""


class Logged(NamedTuple):
    """A line without its newline, and the generation and byte where it begins."""

    generation: int
    offset: int
    line: bytes


def file_name(edge: str, generation: int) -> str:
    return f"{edge}-{generation}.log"


def live(root: Path) -> dict[str, dict[int, Path]]:
    """The generations of each edge that are not archived."""
    found: dict[str, dict[int, Path]] = defaultdict(dict)
    for path in root.iterdir() if root.is_dir() else ():
        if match := FILE.fullmatch(path.name):
            found[match["edge"]][int(match["generation"])] = path
    return found


def archive_paths(root: Path, edge: str, generation: int) -> tuple[Path, Path]:
    """The compressed file, and the one that says what is in it."""
    folder = root / ARCHIVE
    return folder / f"{file_name(edge, generation)}.gz", folder / f"{edge}-{generation}.json"


def archived(root: Path, edge: str) -> list[int]:
    """The generations of an edge that the archive vouches for, oldest first."""
    name = re.compile(rf"{re.escape(edge)}-([1-9][0-9]{{0,9}})\.json")
    folder = root / ARCHIVE
    matches = (name.fullmatch(path.name) for path in (folder.iterdir() if folder.is_dir() else ()))
    return sorted(int(match[1]) for match in matches if match)


def note(root: Path, edge: str, generation: int) -> Archived:
    """What an archived generation holds; raises Damaged when it cannot be read, FileNotFoundError if nobody says."""
    path = archive_paths(root, edge, generation)[1]
    try:
        return msgspec.json.decode(path.read_bytes(), type=Archived)
    except msgspec.MsgspecError as error:
        raise Damaged(f"{path.name}: {error}") from error


def linked(root: Path, edge: str) -> int | None:
    """The generation nginx shall write; None without a link."""
    try:
        match = FILE.fullmatch(str((root / f"{edge}.log").readlink()))
    except OSError:
        return None
    return int(match["generation"]) if match and match["edge"] == edge else None


def link(root: Path, edge: str, generation: int) -> None:
    """Let nginx's path lead to a generation, from one moment to the next."""
    fresh = root / f".{edge}.link"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(file_name(edge, generation))
    fresh.rename(root / f"{edge}.log")
    sync(root)


def sync(folder: Path) -> None:
    """Let a rename or removal in a folder outlive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def folder(root: Path, edge: str) -> Path:
    """Where a reader finds an edge's log: in the root, or in a folder of it, where each machine's has its own."""
    beside = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return next((place for place in (root, *beside) if edge in live(place) or archived(place, edge)), root)


def end_before(root: Path, edge: str, generation: int) -> tuple[int, int] | None:
    """The last generation before one that is not empty, and its size; None if unknown."""
    files = live(root).get(edge, {})
    for earlier in sorted({*files, *archived(root, edge)}, reverse=True):
        if earlier < generation and (size := _size(root, edge, earlier)) > 0:
            return earlier, size
    return None


def _size(root: Path, edge: str, generation: int) -> int:
    try:
        return (root / file_name(edge, generation)).stat().st_size
    except FileNotFoundError:
        return note(root, edge, generation).bytes


def read(root: Path, edge: str, since: tuple[int, int] = (0, 0)) -> Iterator[Logged]:
    """Every line of an edge from a position (generation, byte) on; an end being written now is left out.

    Raises Damaged at the end of an archived generation that is not what was put there.
    """
    generations = sorted({*live(root).get(edge, {}), *archived(root, edge)})
    for generation in generations:
        if generation >= since[0]:
            start = since[1] if generation == since[0] else 0
            for offset, line in _generation(root, edge, generation):
                if offset >= start and (line.endswith(b"\n") or generation != generations[-1]):
                    yield Logged(generation, offset, line.removesuffix(b"\n"))


def _generation(root: Path, edge: str, generation: int) -> Iterator[tuple[int, bytes]]:
    try:
        file: IO[bytes] = (root / file_name(edge, generation)).open("rb")
    except FileNotFoundError:
        yield from _archived(root, edge, generation)
        return
    with file:
        yield from _numbered(file)


def _archived(root: Path, edge: str, generation: int) -> Iterator[tuple[int, bytes]]:
    expected, digest, end = note(root, edge, generation), hashlib.sha256(), 0
    try:
        with gzip.open(archive_paths(root, edge, generation)[0]) as file:
            for offset, line in _numbered(file):
                digest.update(line)
                end = offset + len(line)
                yield offset, line
    except (gzip.BadGzipFile, zlib.error, EOFError, FileNotFoundError) as error:
        raise Damaged(f"{file_name(edge, generation)}.gz: {error}") from error
    if (end, digest.hexdigest()) != (expected.bytes, expected.sha256):
        raise Damaged(f"{file_name(edge, generation)}.gz holds {end} bytes that are not those that were archived")


def _numbered(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    offset = 0
    for line in file:
        yield offset, line
        offset += len(line)
