"""What a piece of work cost: time, CPU, and what the machine did for others meanwhile."""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STAT = Path("/proc/stat")
BUSY = (1, 2, 3, 6, 7, 8)  # user, nice, system, irq, softirq, and what the host took: `man 5 proc`


@dataclass
class Cost:
    """Wall clock, CPU of this process and its children, CPU of everything else on the machine, in seconds."""

    wall: float = 0.0
    cpu: float = 0.0
    others: float = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Children count once they have ended."""
        wall, cpu, machine = time.monotonic(), _own(), _machine()
        yield
        spent = _own() - cpu
        self.wall += time.monotonic() - wall
        self.cpu += spent
        self.others += max(0.0, _machine() - machine - spent)

    @property
    def share_of_others(self) -> float | None:
        """Part of the machine (0 to 1) that was not ours to have; None where nobody tells."""
        return self.others / (self.wall * (os.cpu_count() or 1)) if STAT.exists() else None


def _own() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _machine() -> float:
    if not STAT.exists():
        return 0.0
    told = STAT.read_text().split("\n", 1)[0].split()
    return sum(int(told[at]) for at in BUSY) / os.sysconf("SC_CLK_TCK")
