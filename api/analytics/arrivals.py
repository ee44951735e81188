"""Lines of the fetch log -> what was delivered to each session in each minute, or why a line is refused."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from media.credit import delivered, is_sound
from media.fetch import Fetch, Refused, parse_line, parse_lines
from media.segment import is_video

MINUTE_MS = 60_000
LONGEST_FILM_MS = 10**10  # what a segment's name can say
WHOLE, BAD_REQUEST, CLOSED_BY_CLIENT = 200, 400, 499
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,255}")
_HEIGHT = re.compile(r"([0-9]+)p")


class Key(NamedTuple):
    """What names a session here; streaming gives each session one video, and the key does not rely on it."""

    session_id: str
    video_id: int


class Slot(NamedTuple):
    """A minute (since 1970) of a session, and in it a rendition; the better one has the lower `rank`."""

    minute: int
    rank: int
    rendition: str


@dataclass(slots=True)
class Arrived:
    """Newly read fetches of one session: media intervals by slot of the fetch; sound apart, it may not count."""

    user_id: int
    first_ms: int
    last_ms: int
    slots: dict[Slot, list[tuple[int, int]]] = field(default_factory=dict)


Moments = dict[int, list[tuple[int, int]]]  # by minute


class Arrivals:
    """Everything in a batch of lines. Lines from before `kept_from` (a minute) are late: what they change is gone."""

    def __init__(self, kept_from: int = 0) -> None:
        self.sessions: dict[Key, Arrived] = {}
        self.sound: dict[Key, Arrived] = {}
        self.errors: defaultdict[Key, Moments] = defaultdict(dict)
        self.rejected: Counter[str] = Counter()
        self._kept_from_ms = kept_from * MINUTE_MS

    def read(self, payload: bytes) -> int:
        """Take in whole lines; gives the time of the newest."""
        fetches = parse_lines(payload)
        if fetches is None:
            fetches = list(self._fetches(payload))
        add, newest = self.add, 0
        for fetch in fetches:
            try:
                add(fetch)
            except Refused as refused:
                self.rejected[refused.reason] += 1
                if refused.reason == "bad_field":
                    continue
            if fetch.t_ms > newest:  # noqa: PLR1730 - max() is slow, and lines are many
                newest = fetch.t_ms
        return newest

    def _fetches(self, payload: bytes) -> Iterator[Fetch]:
        """Line by line, where one of them is none."""
        for line in payload.split(b"\n"):
            if line:
                try:
                    yield parse_line(line)
                except Refused as refused:
                    self.rejected[refused.reason] += 1

    def add(self, fetch: Fetch) -> None:
        """Take in one fetch; raises Refused when it counts but does not say for whom or for what."""
        end_ms = fetch.end_ms
        if not (fetch.bytes >= fetch.size > 0 and fetch.status == WHOLE and fetch.method == "GET"):
            end_ms = delivered(fetch)
            if not end_ms:
                if fetch.status >= BAD_REQUEST and fetch.status != CLOSED_BY_CLIENT:
                    self._failed(fetch)
                return
        t_ms, rendition = fetch.t_ms, fetch.rendition
        kind = _kind(rendition)
        if not kind:
            return
        if end_ms >= LONGEST_FILM_MS:
            raise Refused("bad_field")
        sessions = self.sessions if kind == PICTURES else self.sound
        arrived = sessions.get((fetch.session_id, fetch.video))  # type: ignore[call-overload]  # a Key, made faster
        if arrived is None:
            arrived = self._begun(fetch, sessions)
        elif arrived.user_id != fetch.user_id:
            raise Refused("no_session")
        if t_ms < arrived.first_ms:
            if t_ms < self._kept_from_ms:
                raise Refused("late")
            arrived.first_ms = t_ms
        elif t_ms > arrived.last_ms:
            arrived.last_ms = t_ms
        slot = slot_of(t_ms // MINUTE_MS, rendition)
        spans = arrived.slots.get(slot)
        if spans is None:
            arrived.slots[slot] = [(fetch.start_ms, end_ms)]
        else:
            spans.append((fetch.start_ms, end_ms))

    def _failed(self, fetch: Fetch) -> None:
        _require_names(fetch)
        if fetch.t_ms >= self._kept_from_ms:
            moments = self.errors[Key(fetch.session_id, fetch.video)]
            moments.setdefault(fetch.t_ms // MINUTE_MS, []).append((fetch.t_ms, fetch.t_ms + 1))

    def _begun(self, fetch: Fetch, sessions: dict[Key, Arrived]) -> Arrived:
        _require_names(fetch)
        if fetch.t_ms < self._kept_from_ms:
            raise Refused("late")
        begun = sessions[Key(fetch.session_id, fetch.video)] = Arrived(fetch.user_id, fetch.t_ms, fetch.t_ms)
        return begun


def _require_names(fetch: Fetch) -> None:
    if not _SESSION.fullmatch(fetch.session_id) or not 0 < fetch.user_id < 1 << 31 or not 0 < fetch.video < 1 << 31:
        raise Refused("no_session")


PICTURES, SOUND, NEITHER = 2, 1, 0


@lru_cache(maxsize=1024)
def _kind(rendition: str) -> int:
    return PICTURES if is_video(rendition) else SOUND if is_sound(rendition) else NEITHER


@lru_cache(maxsize=4096)
def slot_of(minute: int, rendition: str) -> Slot:
    """The slot of a rendition in a minute: the copied source is best, then the taller picture."""
    height = _HEIGHT.match(rendition)
    return Slot(minute, -1_000_000 if rendition == "source" else -int(height[1]) if height else 0, rendition)
