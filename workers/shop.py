"""Where a worker works and with what: folders, FFmpeg, threads. Files appear under their final name only when whole."""

import asyncio
import contextlib
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api import binaries
from api.clients import Captions, Clients, Opens, Poster, Unit
from api.problems import Problem
from api.queue import QueueName
from api.settings import Settings
from media.encoder import Failed
from media.ffmpeg import COPY
from media.plan import Plan
from media.sandbox import Reins

STALE_S = 3600
WORK, BEGINNING = ".work", "beginning.mkv"
# Where a unit ends of which nobody has said so.
NO_END = 1 << 31
# Of one FFmpeg, which deals them out by `ffmpeg.divided`. Frame threads wait for rows of the picture before; more cores
# than this are better filled by more workers, whose units wait for nobody: `bench transcode` compares the two.
MOST_THREADS = 8


@dataclass
class Progress:
    """How far a unit is, told to the videos service with each renewal of the lease, and how far it is to go.

    `end_segment` sinks when a viewer has the rest carved off: stop there, somebody else makes what follows.
    """

    segments: int = 0
    end_segment: int = NO_END
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    _seconds: float = 0.0
    _since: float = field(default_factory=time.monotonic)

    def count(self, segments: int) -> None:
        """So many segments are there; `begun` is set with the first."""
        self.segments = segments
        if segments:
            self.begun.set()

    def reach(self, seconds: float) -> None:
        """So much of the span is encoded."""
        self._seconds = max(self._seconds, seconds)

    def further(self) -> Callable[[float], None]:
        """`reach` for one more program, which counts from 0 again."""
        before = self._seconds
        return lambda seconds: self.reach(before + seconds)

    @property
    def made_ms(self) -> int:
        """What the encoder has made, in media time; a unit that shows no change of it for long has stalled."""
        return round(self._seconds * 1000)

    @property
    def speed(self) -> float:
        """Media seconds a second."""
        return round(self._seconds / max(time.monotonic() - self._since, 0.001), 3)


@dataclass(frozen=True)
class Done:
    """What a unit came to, and what its end is to bring about: the arguments of `Clients.units_done`."""

    result: dict[str, Any]
    opens: Opens | None = None


def _spent() -> float:
    """CPU seconds of all programs that this process has ever run to their end: those of bells before this one too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass
class Cost:
    """CPU seconds of the programs that a worker has run and not yet accounted for."""

    _seen: float = field(default_factory=_spent)

    def take(self) -> float:
        """What was spent since the last time; units beside each other share as they come, the sum is exact."""
        before, self._seen = self._seen, _spent()
        return round(self._seen - before, 3)


@dataclass(frozen=True)
class Shop:
    """One worker's tools. Everything below `media` is on one file system, so a link is a publication."""

    ffmpeg: str
    media: Path
    sources: Path
    threads: int
    clients: Clients | None = None
    cost: Cost = field(default_factory=Cost)
    reins: Reins | None = None
    # Locked while a viewer waits for a worker of this machine; None: each worker by itself.
    way: Path | None = None

    async def captions(self, video_id: int) -> list[Captions]:
        """What captions a film is to have; raises Failed when nobody can say."""
        if self.clients is None:
            return []
        try:
            return await self.clients.videos_captions(video_id)
        except Problem as problem:
            raise Failed("service_away", f"The videos service could not be asked: {problem.detail}") from problem

    async def poster(self, video_id: int) -> Poster | None:
        """The poster somebody chose; raises Failed when nobody can say."""
        if self.clients is None:
            return None
        try:
            return await self.clients.videos_poster(video_id)
        except Problem as problem:
            raise Failed("service_away", f"The videos service could not be asked: {problem.detail}") from problem

    def generation(self, unit: Unit) -> Path:
        """The folder of what a unit's job publishes."""
        return self.media / str(unit.video_id) / str(unit.generation)

    def copy(self, unit: Unit) -> Path:
        """The indexed copy of a source whose own container cannot be seeked exactly; gone half a day after `ready`."""
        return self.generation(unit) / WORK / COPY

    def beginning(self, unit: Unit) -> Path:
        """The first part of that copy, for the first units: the very same packets, and there sooner."""
        return self.generation(unit) / WORK / BEGINNING

    def source(self, unit: Unit, plan: Plan) -> Path:
        if not plan.copied:
            return self.sources / unit.source
        return self.beginning(unit) if plan.upload is not None else self.copy(unit)

    @contextlib.contextmanager
    def scratch(self, unit: Unit) -> Iterator[Path]:
        """A folder of this attempt alone, gone at its end."""
        folder = self.media / ".scratch" / f"{unit.id}-{unit.fence}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def drop_stale(self) -> None:
        """Remove what attempts left behind that were killed with their worker."""
        for folder in (self.media / ".scratch").glob("*"):
            with contextlib.suppress(OSError):
                newest = max(path.stat().st_mtime for path in [folder, *folder.rglob("*")])
                if newest < time.time() - STALE_S:
                    shutil.rmtree(folder, ignore_errors=True)


def open_shop(settings: Settings, queue: QueueName) -> Shop:
    """The tools of a worker of `queue`; raises MissingProgram."""
    workers = settings.number("BATCH_WORKERS" if queue == "batch" else "INTERACTIVE_WORKERS")
    shared = (os.cpu_count() or 1) // max(1, workers)
    threads = settings.number("ENCODER_THREADS") or max(1, min(shared, MOST_THREADS))
    way = settings.home / "run/way"
    way.parent.mkdir(parents=True, exist_ok=True)
    return Shop(binaries.ffmpeg(), settings.path("MEDIA_ROOT"), settings.path("SOURCE_ROOT"), threads, way=way)


def settle(made: Path, place: Path) -> None:
    """Give a whole file its final name. One that is there stays: another attempt made it, and viewers may have it."""
    with made.open("rb") as file:
        os.fsync(file.fileno())
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        place.hardlink_to(made)
    made.unlink()


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder would survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
