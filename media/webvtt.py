"""Timed text: a stranger's SRT or WebVTT -> cues of plain text, and cues -> WebVTT that holds nothing else.

A file is read as its author meant it, as far as that can be told: cue settings, styles, notes and tags go, what cannot
be shown (ends before it starts, has no text) is counted and goes too, and text is escaped when it is written.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from media.charset import decode

MOST_LINES = 200_000
MOST_CUES = 20_000
MOST_TEXT = 1_000
# A cue is written again in every minute it lasts: all of that together, in bytes.
MOST_SPREAD = 8 << 20
CUE_BYTES = 48  # number, times and newlines
MINUTE_MS = 60_000
LATEST_MS = 2_000_000_000
ARROW = "-->"

# The first is what some editors make of \r\n. Replaced one after the other: an expression for all is quadratic.
_NEWLINES = ("\r\r\n", "\r\n", "\r", "\u2028", "\u2029")
_STAMP = r"(-?)(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?"
_TIMING = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}(?![\d:.,])")
_LIKE_TIMING = re.compile(r"\s*-?\d[\d:.,]*\s*-->")
_NUMBER = re.compile(r"\s*\d+\s*")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|</>")
_ASS = re.compile(r"\{\\[^{}]*\}")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
# Control characters, noncharacters, lone surrogates, and marks that are none any more.
_UNWELCOME = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")


class Unreadable(ValueError):
    """A file that cannot become captions; the sentence says what to do about it."""


class Captions(msgspec.Struct, frozen=True):
    """The captions of a video in one language: `document` is WebVTT we wrote; a change has another `revision`."""

    language: str
    label: str
    sdh: bool
    revision: int
    document: str


@dataclass(frozen=True)
class Cue:
    """Plain text, lines divided by newlines, none of them empty, from `start_ms` to before `end_ms` of the film."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True)
class Read:
    """What a file holds, in the order of time; `dropped` counts cues that cannot be shown."""

    cues: list[Cue]
    dropped: int


@dataclass
class _Open:
    """A cue whose text is being read; `times` is None for one that will be dropped."""

    line: int
    times: tuple[int, int] | None
    lines: list[str] = field(default_factory=list)


def understood(data: bytes, language: str) -> Read:
    """What a file says, in any encoding, and can be read again when we have written it; raises Unreadable."""
    found = read(decode(data, language, ARROW))
    again = read(document(found.cues))
    return Read(again.cues, found.dropped + again.dropped)


def read(text: str) -> Read:
    """Cues of SRT or WebVTT; raises Unreadable."""
    lines = _unix(text.lstrip("\ufeff \t\r\n\0")).split("\n", MOST_LINES)
    if len(lines) > MOST_LINES:
        raise Unreadable(f"The file has more than {MOST_LINES:,} lines. Send the captions of one film.")
    cues: list[Cue] = []
    dropped = 0
    for opened in _opened(lines):
        cue = _cue(opened)
        if cue is None:
            dropped += 1
        else:
            cues.append(cue)
        if len(cues) + dropped > MOST_CUES:
            raise Unreadable(f"The file has more than {MOST_CUES:,} captions. Join those that follow each other.")
    if not cues:
        raise Unreadable("No caption was found. Send SRT or WebVTT: 00:01:02,500 --> 00:01:04,000 and then the text.")
    if sum(map(_spread, cues)) > MOST_SPREAD:
        raise Unreadable("Too many captions stay for many minutes. Give each the time in which it is spoken.")
    return Read(sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)), dropped)


def write(cues: Iterable[tuple[int, Cue]], header: str = "") -> str:
    """WebVTT of numbered cues; `header` is a line of metadata for all of it."""
    parts = [f"WEBVTT\n{header}\n" if header else "WEBVTT\n"]
    for number, cue in cues:
        parts.append(f"{number}\n{_stamp(cue.start_ms)} --> {_stamp(cue.end_ms)}\n{_escaped(cue.text)}\n")
    return "\n".join([*parts, ""])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _spread(cue: Cue) -> int:
    """A bound on the bytes of a cue in all minutes it touches."""
    return (len(_escaped(cue.text).encode()) + CUE_BYTES) * (2 + (cue.end_ms - cue.start_ms) // MINUTE_MS)


def document(cues: Sequence[Cue]) -> str:
    """All cues, numbered from 1."""
    return write(enumerate(cues, 1))


def _opened(lines: Sequence[str]) -> Iterator[_Open]:
    """Cues as they lie in the file. In WebVTT an empty line ends one, in SRT number and times of the next one do."""
    strict = lines[0].startswith("WEBVTT")
    cue: _Open | None = None
    for number, line in enumerate(lines, 1):
        if ARROW in line and _LIKE_TIMING.match(line):
            if cue is not None:
                yield _without_number(cue)
            cue = _Open(number, _times(line))
        elif cue is not None and strict and not line.strip():
            yield cue
            cue = None
        elif cue is not None:
            cue.lines.append(line)
    if cue is not None:
        yield cue


def _without_number(cue: _Open) -> _Open:
    """The line above the times of the next cue may be its number, and is then no text of this one."""
    if cue.lines and _NUMBER.fullmatch(cue.lines[-1]):
        cue.lines.pop()
    return cue


def _times(line: str) -> tuple[int, int] | None:
    found = _TIMING.match(line)
    if found is None:
        return None
    start, end = _ms(found.groups()[:5]), _ms(found.groups()[5:])
    if start is None or end is None or not max(start, 0) < end <= LATEST_MS:
        return None
    return max(start, 0), end


def _ms(parts: Sequence[str | None]) -> int | None:
    sign, hours, minutes, seconds, fraction = parts
    whole_minutes, whole_seconds = int(minutes or 0), int(seconds or 0)
    if whole_minutes > 59 or whole_seconds > 59:
        return None
    ms = ((int(hours or 0) * 60 + whole_minutes) * 60 + whole_seconds) * 1000 + int(((fraction or "") + "000")[:3])
    return -ms if sign else ms


def _cue(opened: _Open) -> Cue | None:
    if opened.times is None:
        return None
    text = plain("\n".join(opened.lines))
    if len(text) > MOST_TEXT:
        sentence = f"The caption at line {opened.line} is longer than {MOST_TEXT:,} characters. Divide it."
        raise Unreadable(sentence)
    return Cue(*opened.times, text) if text else None


def plain(text: str) -> str:
    """Words without tags, entities, ASS commands and control characters; empty lines would end the cue, and go."""
    text = _ENTITY.sub(lambda found: html.unescape(found[0]), _TAG.sub("", text))
    text = _UNWELCOME.sub("", _ASS.sub("", _unix(text)))
    return "\n".join(kept for line in text.split("\n") if (kept := line.strip()))


def _unix(text: str) -> str:
    for newline in _NEWLINES:
        text = text.replace(newline, "\n")
    return text


def _stamp(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{ms:03}"
