"""Path and name of a segment: the hinge between worker, nginx, fetch log and meter.

`<video>/<generation>/<rendition>/<index>-<start_ms>-<end_ms>.m4s` (text: `.vtt`) below the media root. Boundaries are
rounded once, so the segments of a rendition tile the timeline and a fetch can be billed from its path alone.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

# Made by units while viewers may already ask, and logged when they do.
FILM = r"(?:[1-9][0-9]{2,3}p(?:-av1|-hevc)?|source|audio-[0-9]{1,2})"
# Made from finished ones. Their files are there or will never be, and nobody pays for them (`metering.md` rule 1).
LANGUAGE = r"[a-z]{2,8}(?:-[A-Za-z0-9]{1,8})*"
TEXT = r"text-" + LANGUAGE
IFRAMES = r"iframes-[0-9]{1,2}"
RENDITION = rf"(?:{FILM}|{TEXT}|{IFRAMES})"
PLACE = r"(?P<video>[1-9][0-9]{0,9})/(?P<generation>[1-9][0-9]{0,5})"
_INDEX, _START, _END = r"0|[1-9][0-9]{0,6}", r"0|[1-9][0-9]{0,9}", r"[1-9][0-9]{0,9}"
NAME = re.compile(rf"(?P<index>{_INDEX})-(?P<start_ms>{_START})-(?P<end_ms>{_END})\.m4s")
# The same without the groups that make a line of the fetch log.
UNLOGGED = rf"(?:{_INDEX})-(?:{_START})-(?:{_END})"
PATH = re.compile(PLACE + r"/(?P<rendition>" + FILM + r")/" + NAME.pattern)


class BadSegment(ValueError):
    """A path or name that no worker of ours would write."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One media segment of a rendition: [start_ms, end_ms) of the film."""

    index: int
    start_ms: int
    end_ms: int

    @property
    def name(self) -> str:
        return f"{self.index}-{self.start_ms}-{self.end_ms}.m4s"

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.start_ms


def to_ms(seconds: Fraction) -> int:
    """Seconds to the nearest millisecond, half up: the one place where a boundary is rounded."""
    return (seconds.numerator * 2000 + seconds.denominator) // (2 * seconds.denominator)


def parse_name(name: str) -> Segment:
    """`12-48000-52000.m4s` -> Segment; raises BadSegment."""
    match = NAME.fullmatch(name)
    if match is None:
        raise BadSegment(f"{name[:80]!r} is not the name of a segment")
    segment = Segment(int(match["index"]), int(match["start_ms"]), int(match["end_ms"]))
    if segment.end_ms <= segment.start_ms:
        raise BadSegment(f"{name!r} ends before it starts")
    return segment


def segment_path(video: int, generation: int, rendition: str, segment: Segment) -> str:
    """Path below the media root."""
    return f"{video}/{generation}/{rendition}/{segment.name}"


def text_name(index: int, start_ms: int, end_ms: int) -> str:
    """Name of a piece of a text rendition."""
    return f"{index}-{start_ms}-{end_ms}.vtt"


def is_video(rendition: str) -> bool:
    """True for renditions with pictures, whose segments are what is billed (`metering.md` rule 1)."""
    return not rendition.startswith(("audio-", "text-", "iframes-"))
