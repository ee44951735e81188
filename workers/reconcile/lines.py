"""A line of the fetch log as reconciliation reads it, and rule 1: which part of the film it delivered.

Written without `media/fetch.py` and `media/credit.py`, which the meter uses: what both agree on is then no one's slip.
"""

import json
from typing import Any, NamedTuple

LONGEST_LINE = 2048
LONGEST_WORD = 255
LARGEST_NUMBER = 2**53 - 1
LONGEST_FILM_MS = 10**10
NEVER_MS = 4_102_444_800_000  # the year 2100
NUMBERS = (
    "v", "t_ms", "user_id", "video", "generation", "index", "start_ms", "end_ms", "status", "bytes", "size",
    "request_time_ms",
)  # fmt: skip
WORDS = ("edge", "request_id", "session_id", "rendition", "method", "verdict_cache", "cache")
FIELDS = {*NUMBERS, *WORDS, "complete"}


class Delivery(NamedTuple):
    """What a line says: who fetched what, when, and how much of it (`part`: the film's [start, end); None: nothing).

    `sound` and `picture`: whether the part counts in films without pictures, and in others.
    """

    session_id: str
    user_id: int
    video_id: int
    t_ms: int
    picture: bool
    sound: bool
    part: tuple[int, int] | None

    def counts(self, *, audio_only: bool) -> bool:
        return self.part is not None and (self.picture or (self.sound and audio_only))


def read_line(line: bytes) -> Delivery | None:
    """None when the line is none of nginx's fetches."""
    said = _object(line)
    if said is None or said.keys() != FIELDS or not isinstance(said["complete"], bool):
        return None
    if not _are_numbers(said) or not _are_words(said, escaped=b"\\" in line):
        return None
    if said["v"] != 1 or not 0 < said["t_ms"] < NEVER_MS or not said["start_ms"] < said["end_ms"] <= LONGEST_FILM_MS:
        return None
    sound = said["rendition"].startswith("audio-")
    other = said["rendition"].startswith(("text-", "iframes-"))
    who = said["session_id"], said["user_id"], said["video"], said["t_ms"]
    return Delivery(*who, not sound and not other, sound, _part(said))


def _object(line: bytes) -> dict[str, Any] | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        said = _decode(line.decode())
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_decode = json.JSONDecoder(parse_constant=_refuse).decode


def _are_numbers(said: dict[str, Any]) -> bool:
    for name in NUMBERS:
        value = said[name]
        # True is an int to isinstance.
        if type(value) is not int or not 0 <= value <= LARGEST_NUMBER:
            return False
    return True


def _are_words(said: dict[str, Any], *, escaped: bool) -> bool:
    """Half a character and a session's NUL can only come in as escapes."""
    for name in WORDS:
        value = said[name]
        if type(value) is not str or len(value) > LONGEST_WORD:
            return False
        if escaped and any("\ud800" <= letter <= "\udfff" for letter in value):
            return False
    return not (escaped and "\0" in said["session_id"])


def _part(said: dict[str, Any]) -> tuple[int, int] | None:
    """Rule 1: a whole body delivers its whole segment, at least half of one its share from the start, less nothing."""
    if said["method"] != "GET" or said["status"] not in (200, 206) or said["size"] == 0:
        return None
    start, end, whole = said["start_ms"], said["end_ms"], said["size"]
    if said["bytes"] >= whole:
        return start, end
    share_ms = (end - start) * said["bytes"] // whole
    return (start, start + share_ms) if 2 * said["bytes"] >= whole and share_ms else None
