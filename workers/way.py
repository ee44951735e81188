"""Which of a worker's encoders go on: one that a viewer waits for holds back the rest until its first segment is there.

What is made ahead, for some of whom nobody watches there any more, would otherwise have most of the machine.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from media.sandbox import Reins
from workers.shop import Progress

# As long as a request is held, and far less than a unit may stand still.
PATIENCE_S = 8.0


@dataclass
class Runner:
    """A unit under way. Somebody may wait for it too: after it was held back it goes on for as long: `free_until`."""

    progress: Progress
    awaited: bool
    reins: Reins = field(default_factory=Reins)
    free_until: float = 0.0

    @property
    def goes_first(self) -> bool:
        return self.awaited and not self.progress.begun.is_set()


class Way:
    """The units of one worker, as far as they are under way."""

    def __init__(self) -> None:
        self._runners: list[Runner] = []

    @contextlib.asynccontextmanager
    async def taken(self, progress: Progress, *, awaited: bool) -> AsyncIterator[Reins]:
        """The reins for the programs of a unit, which has the way if it is `awaited`."""
        runner = Runner(progress, awaited)
        clearing = asyncio.create_task(self._clear(runner))
        self._runners.append(runner)
        try:
            yield runner.reins
        finally:
            self._runners.remove(runner)
            clearing.cancel()
            await asyncio.gather(clearing, return_exceptions=True)

    async def _clear(self, first: Runner) -> None:
        if not first.goes_first:
            return
        began = time.monotonic()
        others = [runner for runner in self._runners if not runner.goes_first and runner.free_until < began]
        for runner in others:
            runner.reins.hold()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(first.progress.begun.wait(), PATIENCE_S)
        finally:
            ended = time.monotonic()
            for runner in others:
                runner.reins.let_go()
                runner.free_until = ended + (ended - began)
