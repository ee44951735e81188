"""One film through the workers' own code in this process: units in order of rank, done by one worker or several.

The videos service is a list here: what a unit opens is appended, what it says of the plan is merged. Held units are
left alone, as nobody watches; those that are adopted are done.
"""

import asyncio
import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.clients import NewUnit, Opens, Unit
from api.settings import load
from media.plan import Plan, from_document
from workers.probe import Planned
from workers.shop import Done, Progress, Shop, open_shop
from workers.transcode import KINDS

QUEUES = ("interactive", "batch", "held")
LADDER = ("video", "audio", "copy")
PROBE = NewUnit("probe", "interactive", [], 0, 0, 0)
FINISH = NewUnit("finish", "interactive", [], 0, 0, 0)


@dataclass
class Cost:
    """Wall clock and CPU of this process and its children, in seconds."""

    wall: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        wall, cpu = time.monotonic(), _cpu()
        yield
        self.wall += time.monotonic() - wall
        self.cpu += _cpu() - cpu


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@dataclass
class Job:
    """A film being made below `home`, by processes of so many threads each."""

    home: Path
    source: Path
    threads: int
    ladder: Cost = field(default_factory=Cost)
    whole: Cost = field(default_factory=Cost)
    walls: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _document: dict[str, Any] = field(default_factory=dict)
    _units: list[NewUnit] = field(default_factory=list)
    _shop: Shop = field(init=False)

    def __post_init__(self) -> None:
        values = {"STREAMIFY_HOME": str(self.home), "ENCODER_THREADS": str(self.threads)}
        self._shop = open_shop(load(values), "batch")
        self._shop.sources.mkdir(parents=True)
        (self._shop.sources / "film").hardlink_to(self.source)

    @property
    def plan(self) -> Plan:
        return from_document(self._document)

    async def make(self, workers: int = 1) -> None:
        """From the probe to the finished film; only the ladder is shared among workers."""
        with self.whole.counted():
            await self._do(PROBE)
            await self._work(self._others(), 1)
            with self.ladder.counted():
                await self._work(self._ladder(), workers)
            await self._work(self._others(), 1)
            await self._do(FINISH)

    def _ladder(self) -> list[NewUnit]:
        return [unit for unit in self._waiting() if unit.kind in LADDER]

    def _others(self) -> list[NewUnit]:
        return [unit for unit in self._waiting() if unit.kind not in LADDER]

    def _waiting(self) -> list[NewUnit]:
        ranked = sorted(self._units, key=lambda unit: (QUEUES.index(unit.queue), unit.rank))
        return [unit for unit in ranked if unit.queue != "held"]

    async def _work(self, units: list[NewUnit], workers: int) -> None:
        async def one() -> None:
            while units:
                unit = units.pop(0)
                self._units.remove(unit)
                await self._do(unit)

        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(one())

    async def _do(self, new: NewUnit) -> None:
        began = time.monotonic()
        claimed = self._claimed(new)
        outcome = await KINDS[new.kind](self._shop, claimed, Progress(end_segment=claimed.end_segment))
        self.walls[new.kind] += time.monotonic() - began
        if isinstance(outcome, Planned):
            self._open(Opens(outcome.plan, outcome.renditions, outcome.units))
        elif isinstance(outcome, Done) and outcome.opens is not None:
            self._open(outcome.opens)

    def _open(self, opens: Opens) -> None:
        self._document |= opens.plan
        adopted = [unit for unit in self._units if unit.queue == "held" and set(unit.renditions) <= set(opens.adopt)]
        self._units = [unit for unit in self._units if unit not in adopted]
        for unit in adopted:
            self._units.append(
                NewUnit(unit.kind, "batch", unit.renditions, unit.first_segment, unit.end_segment, unit.rank)
            )
        self._units += opens.units

    def _claimed(self, new: NewUnit) -> Unit:
        return Unit(
            id=id(new),
            fence=1,
            lease_s=60,
            kind=new.kind,
            job_id=1,
            video_id=1,
            generation=1,
            source="film",
            filename=self.source.name,
            renditions=new.renditions,
            first_segment=new.first_segment,
            end_segment=new.end_segment,
            attempt=1,
            plan=self._document,
        )
