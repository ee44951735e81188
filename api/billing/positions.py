"""Where in the fetch logs a charge comes from: stretches of files, and the checksums of those files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from media import fetch_log

STRETCH = re.compile(
    rf"fetches:(?P<edge>{fetch_log.EDGE}) (?P<generation>\d{{1,10}})-(?P<start>\d{{1,19}})"
    r"\.\.(?P<last>\d{1,10})-(?P<end>\d{1,19})"
)


@dataclass(frozen=True)
class Stretch:
    """A part of an edge's fetch log, from one byte to another; the session's lines are in it, among others'."""

    edge: str
    from_generation: int
    from_byte: int
    to_generation: int
    to_byte: int


@dataclass(frozen=True)
class LogFile:
    """A generation of a fetch log, with the checksum its archive has; without one, the reason why."""

    edge: str
    generation: int
    sha256: str | None
    bytes: int | None
    lines: int | None
    reason: str | None


def named(cause: str) -> list[Stretch]:
    """The stretches a cause such as `fetches:origin 3-20480..3-40960` names."""
    return [
        Stretch(m["edge"], int(m["generation"]), int(m["start"]), int(m["last"]), int(m["end"]))
        for m in STRETCH.finditer(cause)
    ]


def files(root: Path, stretches: Iterable[Stretch]) -> list[LogFile]:
    """The generations that stretches lie in, each with its checksum where this machine has the archive's note."""
    wanted = {(s.edge, g) for s in stretches for g in {s.from_generation, s.to_generation}}
    return [_file(fetch_log.folder(root, edge), edge, generation) for edge, generation in sorted(wanted)]


def _file(root: Path, edge: str, generation: int) -> LogFile:
    try:
        note = fetch_log.note(root, edge, generation)
    except OSError:
        live = (root / fetch_log.file_name(edge, generation)).is_file()
        return LogFile(edge, generation, None, None, None, "not_closed" if live else "not_here")
    except fetch_log.Damaged:
        return LogFile(edge, generation, None, None, None, "damaged")
    return LogFile(edge, generation, note.sha256, note.bytes, note.lines, None)
