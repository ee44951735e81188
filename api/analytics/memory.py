"""What the audience remembers from one batch to the next, so that sessions it has just written are not read again.

Good only as long as nobody else wrote: whoever did moved a position, or the state beside it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from api.analytics.arrivals import Key
from api.analytics.session import Facts, Session, Slots

MOST_SESSIONS = 100_000
MINUTES = 2  # how far back the slots of a session are remembered, from the newest batch on


class Memory:
    """Counted sessions with their newest slots, and facts of videos, which never change."""

    def __init__(self) -> None:
        self.facts: dict[int, Facts] = {}
        self._seen: object = None
        self._sessions: dict[Key, tuple[Session, Slots, int]] = {}
        self._next: dict[Key, tuple[Session, Slots, int]] = {}

    def check(self, seen: object) -> None:
        """Forget everything unless the database is as `commit` left it."""
        self._next = {}
        if seen != self._seen:
            self._sessions, self.facts = {}, {}

    def recall(self, since: Mapping[Key, int]) -> dict[Key, tuple[Session, Slots]]:
        """Sessions with all slots from a minute on; those not remembered so far back are left out."""
        found = {}
        for key, minute in since.items():
            known = self._sessions.get(key)
            if known is not None and known[2] <= minute:
                slots = known[1]
                found[key] = known[0], {slot: spans for slot, spans in slots.items() if slot[0] >= minute}
        return found

    def keep(self, written: Mapping[Key, tuple[Session, Slots]], since: Mapping[Key, int]) -> None:
        """Remember after the commit what is being written; its slots are complete from minute `since` on."""
        for key, (session, slots) in written.items():
            if session.counted:
                known = self._sessions.get(key)
                floor = since[key]
                if known is not None and known[2] < floor:
                    newest = max(slots)[0]
                    floor = max(known[2], min(floor, newest - MINUTES))
                    older = {slot: spans for slot, spans in known[1].items() if floor <= slot[0]}
                    self._next[key] = session, older | slots, floor
                else:
                    self._next[key] = session, slots, floor

    def commit(self, seen: Any) -> None:
        """What was kept is written, and this is how the database stands now."""
        if len(self._sessions) + len(self._next) > MOST_SESSIONS:
            self._sessions = {}
        self._sessions |= self._next
        self._next, self._seen = {}, seen

    def forget(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._sessions.pop(key, None)
