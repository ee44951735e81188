"""One film through the real worker loop in this process: the videos service is a list of units here.

What a unit opens is appended, what it says of the plan is merged, what it adopts is done. Held units are left alone, as
nobody watches. The ladder's units are done in a phase of their own, so that their cost can be told from the rest.
"""

import asyncio
import os
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, cast

import msgspec

from api import logs
from api.clients import Captions, Clients, Lease, NewRendition, NewUnit, Opens, Poster, Unit
from api.settings import load
from media.plan import Plan, from_document
from tests.bench.cost import Cost
from workers.shop import Shop, open_shop
from workers.transcode import work_off

QUEUES = ("interactive", "batch")
LADDER = ("video", "audio", "copy")
PROBE = NewUnit("probe", "interactive", [], 0, 0, 0)
FINISH = NewUnit("finish", "interactive", [], 0, 0, 0)


@dataclass
class Job:
    """A film being made below `home`, by processes of so many threads each. `busy` is seconds by kind of unit."""

    home: Path
    source: Path
    threads: int
    ladder: Cost = field(default_factory=Cost)
    whole: Cost = field(default_factory=Cost)
    busy: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _document: dict[str, Any] = field(default_factory=dict)
    _units: list[NewUnit] = field(default_factory=list)
    _began: dict[int, float] = field(default_factory=dict)
    _in_ladder: bool = False
    _shop: Shop = field(init=False)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        logs.configure("warning")
        values = {"STREAMIFY_HOME": str(self.home), "ENCODER_THREADS": str(self.threads)}
        self._shop = open_shop(load(values), "batch")
        self._shop.sources.mkdir(parents=True)
        (self._shop.sources / "film").hardlink_to(self.source)

    @property
    def plan(self) -> Plan:
        return from_document(self._document)

    def look(self) -> None:
        """Probe and survey: the plan is what it will be."""
        self._units = [PROBE]
        with self.whole.counted():
            asyncio.run(self._work())

    def encode(self, cores: int = 0) -> None:
        """The ladder, by one worker that has the whole machine, or by so many that have a core each.

        FFmpeg told to use one thread uses more than one core: it decodes, scales and encodes in threads of their own.
        """
        self._in_ladder = True
        with self.whole.counted(), self.ladder.counted():
            if cores:
                # Threads that live until the end: a sandboxed program dies with the thread that started it.
                with ThreadPoolExecutor(cores) as crew:
                    list(crew.map(self._work_on, sorted(os.sched_getaffinity(0))[:cores]))
            else:
                asyncio.run(self._work())
        self._in_ladder = False

    def finish(self) -> None:
        self._units.append(FINISH)
        with self.whole.counted():
            asyncio.run(self._work())

    def _work_on(self, core: int) -> None:
        os.sched_setaffinity(0, {core})  # of this thread, and of all that it starts
        asyncio.run(self._work())

    async def _work(self) -> None:
        await work_off(cast("Clients", self), self._shop, "batch", asyncio.Event())

    # What a worker says to the videos service.

    async def units_claim(self, queue: str, worker: str, *, held: bool = False) -> Unit | None:
        """The first of the phase, whatever its queue."""
        with self._lock:
            waiting = [u for u in self._units if u.queue in QUEUES and (u.kind in LADDER) is self._in_ladder]
            if not waiting:
                return None
            new = min(waiting, key=lambda unit: (QUEUES.index(unit.queue), unit.rank))
            self._units.remove(new)
            unit = self._claimed(new)
            self._began[unit.id] = time.monotonic()
            return unit

    async def units_renew(self, unit: Unit, *_: object) -> Lease:
        return Lease(stop=False, end_segment=unit.end_segment)

    async def units_planned(
        self, unit: Unit, plan: dict[str, Any], renditions: list[NewRendition], units: list[NewUnit]
    ) -> None:
        await self.units_done(unit, {}, Opens(plan, renditions, units))

    async def units_done(self, unit: Unit, result: dict[str, Any], opens: Opens | None = None) -> None:
        with self._lock:
            self.busy[unit.kind] += time.monotonic() - self._began[unit.id]
            if opens is None:
                return
            self._document |= opens.plan
            adopted, wanted = [], set(opens.adopt)
            for new in self._units:
                is_adopted = new.queue == "held" and not wanted.isdisjoint(new.renditions)
                adopted.append(msgspec.structs.replace(new, queue="batch") if is_adopted else new)
            self._units = [*adopted, *opens.units]

    async def units_fail(self, unit: Unit, code: str, message: str, *, permanent: bool) -> None:
        raise RuntimeError(f"{unit.kind} unit of {unit.renditions}: {code}, {message}")

    async def videos_captions(self, video_id: int) -> list[Captions]:
        return []

    async def videos_poster(self, video_id: int) -> Poster | None:
        return None

    def _claimed(self, new: NewUnit) -> Unit:
        return Unit(
            id=len(self._began) + 1,
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
