"""A `streamify ship` that kills itself at its N-th line: `python -m tests.workers.dying N`.

Counted are the lines of our own modules, in whatever order they run, so every pair of steps is between two of them.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from api.settings import load
from workers.ship import ship

OURS = {str(Path(__file__).parents[2] / name) for name in ("workers", "media")}


class Countdown:
    """A trace function that ends the process."""

    def __init__(self, lines: int) -> None:
        self.left = lines

    def __call__(self, frame: FrameType, event: str, _: Any) -> "Countdown | None":
        if os.path.dirname(frame.f_code.co_filename) not in OURS:  # noqa: PTH120 - a Path a call would be slow
            return None
        if event == "line":
            self.left -= 1
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def main() -> None:
    sys.settrace(Countdown(int(sys.argv[1])))
    asyncio.run(ship(load(), asyncio.Event(), blind_s=0.3))


if __name__ == "__main__":
    main()
