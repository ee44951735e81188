"""What stretches of the fetch log say: who fetched which part of which film, and which lines are none. No money here.

Made for many lines: a fetch is kept as a few numbers, and its text is looked up again only when it is refused later.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from media.credit import delivered, is_sound
from media.fetch import Refused, parse_line
from media.segment import is_video

LONGEST_FILM_MS = 10**10  # what a segment's name can say
# Where a line begins: number of the stretch, shifted, plus the byte within it.
SHIFT = 40

Kind = Literal["pictures", "sound", "nothing"]
Viewer = tuple[str, int, int]  # session, user, video
Fetched = tuple[int, int, int, int]  # when (ms), [start_ms, end_ms) of the film, and where the line is


class Stretch(NamedTuple):
    """Whole lines of one log, from byte `start` on."""

    stream: str
    generation: int
    start: int
    payload: bytes


@dataclass
class Said:
    """Fetches by what they delivered and to whom, in the order of the log, and what was refused so far."""

    stretches: Sequence[Stretch]
    pictures: defaultdict[Viewer, list[Fetched]] = field(default_factory=lambda: defaultdict(list))
    sound: defaultdict[Viewer, list[Fetched]] = field(default_factory=lambda: defaultdict(list))
    nothing: defaultdict[Viewer, list[Fetched]] = field(default_factory=lambda: defaultdict(list))
    rejected: list[dict[str, object]] = field(default_factory=list)

    @property
    def session_ids(self) -> set[str]:
        return {viewer[0] for fetches in (self.pictures, self.sound, self.nothing) for viewer in fetches}

    def reject(self, where: int, reason: str) -> None:
        """Keep a line that cannot be billed, with the reason."""
        stream, generation, start, payload = self.stretches[where >> SHIFT]
        at = where & ((1 << SHIFT) - 1)
        end = payload.find(b"\n", at)
        line = payload[at : min(at + 2048, len(payload) if end < 0 else end)]
        text = line.decode("ascii", "backslashreplace").replace("\0", "\\0")
        place = {"stream": stream, "generation": generation, "byte_offset": start + at}
        self.rejected.append({**place, "reason": reason, "line": text})

    def read(self, number: int) -> None:
        """Read every line of one of the stretches; those that are no fetches are rejected."""
        fetches = {"pictures": self.pictures, "sound": self.sound, "nothing": self.nothing}
        following = number << SHIFT
        for line in self.stretches[number].payload.removesuffix(b"\n").split(b"\n"):
            where = following
            following += len(line) + 1
            try:
                fetch = parse_line(line)
            except Refused as refused:
                self.reject(where, refused.reason)
                continue
            session_id = fetch.session_id
            # What PostgreSQL cannot store would stop the whole stream.
            if "\0" in session_id or fetch.end_ms > LONGEST_FILM_MS:
                self.reject(where, "bad_field")
                continue
            end_ms = delivered(fetch)
            kind = _kind(fetch.rendition) if end_ms else "nothing"
            viewer = session_id, fetch.user_id, fetch.video
            fetches[kind][viewer].append((fetch.t_ms, fetch.start_ms, end_ms, where))


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
