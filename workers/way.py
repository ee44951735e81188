"""Which encoders of a machine go on: one that a viewer waits for holds back the rest until its first segment is there.

What is made ahead, some of it where nobody watches any more, would otherwise have most of the machine. Workers tell
each other by a lock on a file: shared by those for whose units somebody waits; who could have it alone may go on.
"""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from api.clients import Unit
from media.sandbox import Reins
from workers.shop import Progress

# As long as a request is held, and far less than a unit may stand still.
PATIENCE_S = 8.0
LOOK_EVERY_S = 0.1


def is_awaited(unit: Unit) -> bool:
    """Whether somebody waits for a unit, or most likely will: a film's beginning, and the index without which none of
    the rest can be made.
    """
    return unit.held or unit.kind == "index" or (unit.kind in ("video", "audio") and unit.first_segment == 0)


@dataclass
class Runner:
    """A unit under way. Somebody may wait for it too by now, so the time it was held back is a debt that is paid by
    going on: it is held back until that is eight seconds, and then not again before half is paid.

    `second`: it goes before all others, but after those of its worker whose first segment is being made.
    """

    progress: Progress
    awaited: bool
    second: bool = False
    reins: Reins = field(default_factory=Reins)
    is_held: bool = False
    debt_s: float = 0.0
    _since: float = field(default_factory=time.monotonic)

    @property
    def goes_first(self) -> bool:
        return self.awaited and not self.progress.begun.is_set()

    def settle(self, now: float, *, hold: bool) -> None:
        """Hold it back or let it go on, as far as its debt allows."""
        passed, self._since = now - self._since, now
        self.debt_s = max(0.0, self.debt_s + (passed if self.is_held else -passed))
        wanted = hold and self.debt_s < (PATIENCE_S if self.is_held else PATIENCE_S / 2)
        if wanted != self.is_held:
            self.is_held = wanted
            (self.reins.hold if wanted else self.reins.let_go)()


class Way:
    """The units of one worker, as far as they are under way. `lock`: an open file that the machine's workers share.

    `interactive`: for its units viewers may wait.
    """

    def __init__(self, lock: int = -1, *, interactive: bool = True) -> None:
        self._runners: list[Runner] = []
        self._lock, self._interactive = lock, interactive

    @classmethod
    @contextlib.contextmanager
    def of(cls, place: Path | None, *, interactive: bool) -> Iterator["Way"]:
        """A worker's, with the file at `place` for a lock."""
        lock = -1 if place is None else os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield cls(lock, interactive=interactive)
        finally:
            if lock >= 0:
                os.close(lock)

    @contextlib.asynccontextmanager
    async def taken(self, progress: Progress, *, awaited: bool, second: bool = False) -> AsyncIterator[Reins]:
        """The reins for the programs of a unit, which has the way if it is `awaited`; `second` as in `Runner`."""
        runner = Runner(progress, awaited and self._interactive, second)
        self._runners.append(runner)
        watching = asyncio.create_task(self._watch(runner))
        self._settle()
        try:
            yield runner.reins
        finally:
            watching.cancel()
            self._runners.remove(runner)
            self._settle()

    async def _watch(self, runner: Runner) -> None:
        """Settle when a unit that goes first has its first segment, and often, for the sake of others."""
        if runner.goes_first:
            await runner.progress.begun.wait()
        while True:
            self._settle()
            await asyncio.sleep(LOOK_EVERY_S)

    def _settle(self) -> None:
        now, ours = time.monotonic(), any(runner.goes_first for runner in self._runners)
        first = any(runner.goes_first and not runner.second for runner in self._runners)
        somebody = self._claim(ours) or ours
        for runner in self._runners:
            runner.settle(now, hold=first if runner.second else somebody and not runner.goes_first)

    def _claim(self, ours: bool) -> bool:
        """Let others know whether somebody waits for us; gives whether somebody waits for them."""
        if self._lock < 0:
            return False
        if ours:
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            return False
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        return False
