"""Lines of the fetch log -> what was delivered to each session in each minute, or why a line is refused."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from media.credit import credited
from media.fetch import Fetch, Refused, parse_line

MINUTE_MS = 60_000
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,255}")


class Key(NamedTuple):
    """What names a session here; streaming gives each session one video, and the key does not rely on it."""

    session_id: str
    video_id: int


@dataclass(slots=True)
class Arrived:
    """Newly read fetches of one session: media intervals by minute (since 1970) of the fetch."""

    user_id: int
    first_ms: int
    last_ms: int
    minutes: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


class Arrivals:
    """Everything in a batch of lines."""

    def __init__(self) -> None:
        self.sessions: dict[Key, Arrived] = {}
        self.rejected: Counter[str] = Counter()

    def read(self, payload: bytes) -> int:
        """Take in whole lines; gives the time of the newest."""
        newest = 0
        for line in payload.split(b"\n"):
            if not line:
                continue
            try:
                fetch = parse_line(line)
                newest = max(newest, fetch.t_ms)
                self.add(fetch)
            except Refused as refused:
                self.rejected[refused.reason] += 1
        return newest

    def add(self, fetch: Fetch) -> None:
        """Take in one fetch; raises Refused when it counts but does not say for whom or for what."""
        span = credited(fetch)
        if span is None:
            return
        if span[1] >= 10**10:
            raise Refused("bad_field")
        key = Key(fetch.session_id, fetch.video)
        arrived = self.sessions.get(key)
        if arrived is None:
            arrived = self.sessions[key] = _begun(fetch)
        elif arrived.user_id != fetch.user_id:
            raise Refused("no_session")
        arrived.first_ms = min(arrived.first_ms, fetch.t_ms)
        arrived.last_ms = max(arrived.last_ms, fetch.t_ms)
        arrived.minutes.setdefault(fetch.t_ms // MINUTE_MS, []).append(span)


def _begun(fetch: Fetch) -> Arrived:
    if not _SESSION.fullmatch(fetch.session_id) or not 0 < fetch.user_id < 1 << 31 or not 0 < fetch.video < 1 << 31:
        raise Refused("no_session")
    return Arrived(fetch.user_id, fetch.t_ms, fetch.t_ms)
