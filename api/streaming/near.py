"""What one process remembers of sessions, so that a verdict need not ask Redis each time: five times its own cost.

Only while it hears of every change: its own at once, those of others when it looks at what changed (`heard`), which it
does every half second. Once that fails, nothing is remembered until it works again.
"""

import math
import time
from collections.abc import Iterable
from typing import Generic, TypeVar

Known = TypeVar("Known")

DEAF_S = 0.75  # so old may the last look be; with a verdict's four seconds, less than five
MOST = 100_000


class Near(Generic[Known]):
    """States by session, each until a time of its own (seconds since 1970)."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[Known, float]] = {}
        self._heard = -math.inf
        self.forgettings = 0

    def get(self, session_id: str) -> Known | None:
        if time.monotonic() - self._heard > DEAF_S:
            return None
        state, until_s = self._states.get(session_id, (None, 0.0))
        return state if time.time() < until_s else None

    def put(self, session_id: str, state: Known, until_s: float, forgettings: int) -> None:
        """`forgettings`: how many there were before the state was read. One since then may have meant this session."""
        if forgettings != self.forgettings:
            return
        if len(self._states) >= MOST:
            self._states.clear()
        self._states[session_id] = state, until_s

    def forget(self, session_ids: Iterable[str]) -> None:
        self.forgettings += 1
        for session_id in session_ids:
            self._states.pop(session_id, None)

    def heard(self, began: float) -> None:
        """All that was committed before `began` (by the monotonic clock) is forgotten."""
        self._heard = began
