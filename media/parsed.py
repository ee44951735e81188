"""Playlists (RFC 8216, 4.1 to 4.3) and WebVTT as a strict player reads them: the gate must not believe the writer.

Reading never fails: what a line does wrong is kept as a fault, (rule id, sentence), and as much as can be is read.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from media.tags import ALL, MEDIA, MULTIVARIANT, TYPES, WITH_VALUE

ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",\s]+)(?:,|$)')
SECONDS = re.compile(r"\d{1,10}(?:\.\d{1,20})?")
CLOCK = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
TIMING = re.compile(rf"{CLOCK}[ \t]+-->[ \t]+{CLOCK}(?:[ \t]+[^\n]*)?")
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Tag:
    """A line `#EXT…`: `name` without the hash, the text after the colon, its attributes without quotes."""

    name: str
    value: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A URI line with the tags that apply to it alone, and the EXT-X-MAP in force."""

    uri: str
    line: int
    tags: tuple[Tag, ...]
    map: str | None

    def tag(self, name: str) -> Tag | None:
        return next((tag for tag in self.tags if tag.name == name), None)

    @property
    def seconds(self) -> Fraction:
        """What EXTINF says; 0 where it is missing or says no number."""
        told = self.tag("EXTINF")
        return _seconds(told.value.partition(",")[0]) if told else Fraction(0)


@dataclass(frozen=True)
class Playlist:
    """A playlist of either kind."""

    tags: tuple[Tag, ...]
    entries: tuple[Entry, ...]
    faults: tuple[tuple[str, str], ...]

    def named(self, name: str) -> list[Tag]:
        return [tag for tag in self.tags if tag.name == name]

    def value(self, name: str) -> str:
        """The text of the one tag of this name; empty where there is none."""
        return next((tag.value for tag in self.tags if tag.name == name), "")

    @property
    def target(self) -> int:
        """Seconds; 0 where it is missing or says no number."""
        told = self.value("EXT-X-TARGETDURATION")
        return int(told) if re.fullmatch(r"\d{1,10}", told) else 0

    @property
    def durations(self) -> list[Fraction]:
        return [entry.seconds for entry in self.entries]

    @property
    def uris(self) -> list[str]:
        return [entry.uri for entry in self.entries]


def parse(text: str) -> Playlist:
    """Read a playlist, whatever it is."""
    faults = [("RFC-M3U", fault) for fault in _form(text)]
    tags: list[Tag] = []
    entries: list[Entry] = []
    pending: list[Tag] = []
    section: str | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#EXT"):
            tag, wrong = _tag(line, number)
            faults += wrong
            tags.append(tag)
            section = tag.attributes.get("URI", "") if tag.name == "EXT-X-MAP" else section
            if tag.name in ("EXTINF", "EXT-X-STREAM-INF", "EXT-X-DISCONTINUITY", "EXT-X-BYTERANGE", "EXT-X-MAP"):
                pending.append(tag)
        elif line and not line.startswith("#"):
            entries.append(Entry(line, number, tuple(pending), section))
            pending = []
    faults += _ends(pending, entries)
    faults += _kind({tag.name for tag in tags})
    return Playlist(tuple(tags), tuple(entries), tuple(faults))


def _form(text: str) -> list[str]:
    wrong = []
    if not text.startswith("#EXTM3U\n"):
        wrong.append("its first line is not #EXTM3U")
    if "\ufeff" in text[:1]:
        wrong.append("it begins with a byte order mark")
    if CONTROLS.search(text):
        wrong.append("it holds control characters")
    wrong += [f"line {n} begins with a space" for n, line in enumerate(text.split("\n"), 1) if line[:1].isspace()]
    return wrong


def _ends(pending: list[Tag], entries: list[Entry]) -> list[tuple[str, str]]:
    """Tags that wait for a URI, and URIs without the tag they need."""
    wrong = [("RFC-TAG", f"line {tag.line}: no URI follows {tag.name}") for tag in pending]
    for entry in entries:
        names = [tag.name for tag in entry.tags]
        if names.count("EXTINF") + names.count("EXT-X-STREAM-INF") != 1:
            wrong.append(("RFC-TAG", f"line {entry.line}: a URI after {names or 'no tag'}"))
    return wrong


def _kind(names: set[str]) -> list[tuple[str, str]]:
    media, multivariant = names & MEDIA, names & MULTIVARIANT
    if media and multivariant:
        return [("RFC-M3U", f"{min(media)} and {min(multivariant)} do not belong into one playlist")]
    return [] if media or multivariant else [("RFC-M3U", "it is neither a media nor a multivariant playlist")]


def _tag(line: str, number: int) -> tuple[Tag, list[tuple[str, str]]]:
    name, colon, value = line[1:].partition(":")
    wrong = []
    if name not in ALL:
        wrong.append(("RFC-TAG", f"line {number}: {name[:40]} is no tag of HLS"))
    elif bool(colon) != (name in WITH_VALUE):
        wrong.append(("RFC-TAG", f"line {number}: {name} {'has' if colon else 'lacks'} a value"))
    seconds, comma, _ = value.partition(",")
    if name == "EXTINF" and not (comma and SECONDS.fullmatch(seconds)):
        wrong.append(("RFC-TAG", f"line {number}: EXTINF is {value[:40]!r}"))
    if name not in TYPES:
        return Tag(name, value, number), wrong
    attributes, faults = _attributes(name, value)
    return Tag(name, value, number, attributes), [*wrong, *(("RFC-ATTR", f"line {number}: {f}") for f in faults)]


def _attributes(tag: str, text: str) -> tuple[dict[str, str], list[str]]:
    """An attribute list (4.2): every name once, values of the type that the tag gives them."""
    found: dict[str, str] = {}
    wrong: list[str] = []
    at = 0
    while at < len(text):
        match = ATTRIBUTE.match(text, at)
        if match is None:
            wrong.append(f"{tag} goes wrong at {text[at : at + 40]!r}")
            break
        name, value, at = match[1], match[2], match.end()
        if name in found:
            wrong.append(f"{tag} says {name} twice")
        type_ = TYPES[tag].get(name)
        if type_ is not None and not type_.fullmatch(value):
            wrong.append(f"{tag}: {name}={value[:40]} is not of its type")
        found.setdefault(name, value.strip('"'))
    if text.endswith(","):
        wrong.append(f"{tag} ends with a comma")
    return found, wrong


@lru_cache(maxsize=4096)
def _seconds(text: str) -> Fraction:
    return Fraction(text) if SECONDS.fullmatch(text) else Fraction(0)


@dataclass(frozen=True)
class TimedText:
    """A file of WebVTT: its first block, (start, end) of each cue in ms, and what should be one but is not."""

    uri: str
    header: str
    cues: tuple[tuple[int, int], ...]
    wrong: tuple[str, ...]


def parse_text(uri: str, document: str) -> TimedText:
    """Read a file of captions, whatever it is."""
    header, *blocks = re.split(r"\n{2,}", document)
    cues: list[tuple[int, int]] = []
    wrong = ["a NUL"] if "\0" in document else []
    for block in blocks:
        lines = block.strip("\n").split("\n")
        place = next((n for n, line in enumerate(lines[:2]) if "-->" in line), None)
        if place is None:
            wrong += lines[:1] if block.strip() and not lines[0].startswith(("NOTE", "STYLE", "REGION")) else []
            continue
        found = TIMING.fullmatch(lines[place])
        if found is None or "-->" in "".join(lines[place + 1 :]):
            wrong.append(lines[place])
            continue
        numbers = [int(number or 0) for number in found.groups()]
        start, end = (((h * 60 + m) * 60 + s) * 1000 + ms for h, m, s, ms in (numbers[:4], numbers[4:]))
        cues.append((start, end))
    return TimedText(uri, header[:1000], tuple(cues), tuple(line[:80] for line in wrong[:50]))
