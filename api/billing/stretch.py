"""What stretches of the fetch log say: who fetched which part of which film, and which lines are none. No money here.

Made for many lines: a fetch is kept as a few numbers, and its text is looked up again only when it is refused later.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Literal, NamedTuple

from media.credit import delivered, is_sound
from media.fetch import MAX_LINE, Fetch, Refused, parse_line, parse_lines
from media.segment import is_video

# Where a line is: number of the stretch, shifted, plus the number of the line within it.
SHIFT = 40
# Of so many refused lines a batch keeps the text: an endless log of them shall not fill memory and disk.
TEXTS = 1000

Kind = Literal["pictures", "sound", "nothing"]
Viewer = tuple[str, int, int]  # session, user, video
Fetched = tuple[int, int, int, int]  # when (ms), [start_ms, end_ms) of the film, and where the line is


class Stretch(NamedTuple):
    """Whole lines of one log, from byte `start` on."""

    stream: str
    generation: int
    start: int
    payload: bytes


@dataclass(slots=True)
class Run:
    """Lines one behind the other that are refused for the same reason; `where` is the first."""

    where: int
    reason: str
    lines: int = 1


@dataclass
class Said:
    """Fetches by what they delivered and to whom, in the order of the log, and what was refused so far."""

    stretches: Sequence[Stretch]
    pictures: defaultdict[Viewer, list[Fetched]] = field(default_factory=lambda: defaultdict(list))
    sound: defaultdict[Viewer, list[Fetched]] = field(default_factory=lambda: defaultdict(list))
    nothing: defaultdict[Viewer, list[Fetched]] = field(default_factory=lambda: defaultdict(list))
    runs: list[Run] = field(default_factory=list)

    @property
    def session_ids(self) -> set[str]:
        return {viewer[0] for fetches in (self.pictures, self.sound, self.nothing) for viewer in fetches}

    def reject(self, where: int, reason: str) -> None:
        """Keep a line that cannot be billed, with the reason."""
        _append(self.runs, Run(where, reason))

    def rejected(self) -> Iterator[dict[str, object]]:
        """The refused lines in the order of the log: where each run of them begins, and how many they are."""
        runs: list[Run] = []
        for run in sorted(self.runs, key=lambda run: run.where):
            _append(runs, run)
        known, starts = -1, list[int]()
        for number, run in enumerate(runs):
            stretch = self.stretches[run.where >> SHIFT]
            if run.where >> SHIFT != known:
                known = run.where >> SHIFT
                starts = [0, *accumulate(len(line) + 1 for line in stretch.payload.split(b"\n"))]
            first = run.where & ((1 << SHIFT) - 1)
            line = stretch.payload[starts[first] : min(starts[first] + MAX_LINE, starts[first + 1] - 1)]
            text = line.decode("ascii", "backslashreplace").replace("\0", "\\0") if number < TEXTS else ""
            place = {"stream": stretch.stream, "generation": stretch.generation}
            place |= {"byte_offset": stretch.start + starts[first]}
            yield {**place, "reason": run.reason, "line": text, "lines": run.lines}

    def read(self, number: int) -> None:
        """Read every line of one of the stretches; those that are no fetches are rejected."""
        where = number << SHIFT
        pictures, sound, nothing = self.pictures, self.sound, self.nothing
        for fetch in self._fetches(number):
            if fetch is not None:
                end_ms = delivered(fetch)
                kind = _kind(fetch.rendition) if end_ms else "nothing"
                fetches = pictures if kind == "pictures" else sound if kind == "sound" else nothing
                viewer = fetch.session_id, fetch.user_id, fetch.video
                fetches[viewer].append((fetch.t_ms, fetch.start_ms, end_ms, where))
            where += 1

    def _fetches(self, number: int) -> Sequence[Fetch | None]:
        """One for every line; None for those that were refused."""
        payload = self.stretches[number].payload
        # What PostgreSQL cannot store would stop the whole stream: a NUL, which comes in as an escape only.
        found = parse_lines(payload) if b"\\" not in payload else None
        return self._one_by_one(number, payload) if found is None else found

    def _one_by_one(self, number: int, payload: bytes) -> list[Fetch | None]:
        found: list[Fetch | None] = []
        for index, line in enumerate(payload.removesuffix(b"\n").split(b"\n")):
            try:
                fetch = parse_line(line)
                if "\0" in fetch.session_id:
                    raise Refused("bad_field")
                found.append(fetch)
            except Refused as refused:
                self.reject((number << SHIFT) + index, refused.reason)
                found.append(None)
        return found


def _append(runs: list[Run], run: Run) -> None:
    last = runs[-1] if runs else None
    if last is not None and last.reason == run.reason and last.where + last.lines == run.where:
        last.lines += run.lines
    else:
        runs.append(run)


def read(stretches: Iterable[Stretch]) -> Said:
    """What some stretches say."""
    said = Said(list(stretches))
    for number in range(len(said.stretches)):
        said.read(number)
    return said


@lru_cache(maxsize=1024)
def _kind(rendition: str) -> Kind:
    if is_video(rendition):
        return "pictures"
    return "sound" if is_sound(rendition) else "nothing"
