"""`streamify ship`: for each edge whose log lies here, ship its lines, rotate, archive, and raise the alarm.

One edge's trouble does not stop another, and trouble with rotation or archive does not stop the shipping.
"""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from redis.asyncio import Redis

from api.settings import Settings
from media import fetch_log
from workers import archive
from workers.alarms import ALERTS, Alarms, disk, failed_writes
from workers.rotate import Rotation, Rules, rules
from workers.shipper import WINDOW_BYTES, Shipper
from workers.signals import pause, stop_event

log = structlog.get_logger()

POLL_S = 0.05
RETRY_S = 1.0
ALARM_S = 5.0
ARCHIVE_S = 2.0
FORGET_S = 3600.0


@dataclass
class Edge:
    """Everything that is done for one edge. `trouble` is what goes wrong now, by who found it."""

    shipper: Shipper
    rotation: Rotation
    trouble: dict[str, str] = field(default_factory=dict)
    resting: float = 0.0
    forgot: float = 0.0

    async def step(self, files: dict[int, Path]) -> bool:
        """Ship what is next; False when there was nothing."""
        if self.resting > time.monotonic():
            return False
        try:
            self.rotation.look(files)
            self.trouble.pop("rotation", None)
        except Exception as error:
            if "rotation" not in self.trouble:
                log.exception("fetch_log.rotation_failed", edge=self.rotation.edge)
            self.trouble["rotation"] = f"cannot rotate: {error}"
        try:
            busy = await self.shipper.ship(files, self.rotation.closed)
        except Exception as error:
            log.exception("ship.failed", edge=self.rotation.edge, retry_s=RETRY_S)
            self.trouble["ship"] = str(error) or type(error).__name__
            self.shipper.forget()
            self.resting = time.monotonic() + RETRY_S
            return False
        self.trouble.pop("ship", None)
        return busy

    def alarms(self) -> dict[str, str]:
        said = self.trouble | {"waits": self.shipper.waits, "held": self.rotation.held, "late": self.rotation.late}
        return {f"{what} {self.rotation.edge}": text for what, text in said.items() if text}


class Logs:
    """All edges of one folder."""

    def __init__(self, redis: Redis, kept: Rules, keep_days: int, window_bytes: int) -> None:
        self._redis, self._rules, self._keep_days, self._window_bytes = redis, kept, keep_days, window_bytes
        self.edges: dict[str, Edge] = {}
        self.ended = threading.Event()

    async def ship(self, stop: asyncio.Event) -> None:
        root = self._rules.root
        while not stop.is_set():
            busy = False
            for name, files in fetch_log.live(root).items():
                if name not in self.edges:
                    shipper = Shipper(self._redis, root, name, self._window_bytes)
                    self.edges[name] = Edge(shipper, Rotation(self._rules, name))
                busy |= await self.edges[name].step(files)
            if not busy:
                await pause(stop, POLL_S)

    async def archive(self, stop: asyncio.Event) -> None:
        """Put away what everybody has read, one generation at a time, beside the shipping."""
        while not stop.is_set():
            for edge in list(self.edges.values()):
                try:
                    await self._archive(edge)
                    edge.trouble.pop("archive", None)
                except archive.Stopped:
                    return
                except Exception as error:
                    if "archive" not in edge.trouble:
                        log.exception("fetch_log.archive_failed", edge=edge.rotation.edge)
                    edge.trouble["archive"] = f"cannot archive: {error}"
            await pause(stop, ARCHIVE_S)

    async def _archive(self, edge: Edge) -> None:
        name, heard = edge.rotation.edge, edge.shipper.consumed
        if heard is None or not edge.rotation.tends():
            return
        files = fetch_log.live(self._rules.root).get(name, {})
        for generation in archive.ready(files, edge.rotation.closed.keys(), heard.by_all):
            await asyncio.to_thread(archive.put_away, self._rules.root, name, generation, self.ended)
        if time.monotonic() - edge.forgot > FORGET_S or not edge.forgot:
            edge.forgot = time.monotonic()
            await asyncio.to_thread(archive.forget, self._rules.root, name, self._keep_days, heard.by_all)

    async def watch(self, stop: asyncio.Event) -> None:
        root = self._rules.root
        alarms = Alarms(root)
        while not stop.is_set():
            if root.is_dir():
                lasting = disk(root)
                for name, edge in self.edges.items():
                    alerts = self._rules.pid_file(name).with_name(ALERTS)
                    lasting |= edge.alarms() | failed_writes(alerts, root / f"{name}.log")
                alarms.set(lasting)
            await pause(stop, ALARM_S)


async def ship(
    settings: Settings, stop: asyncio.Event, *, blind_s: float | None = None, window_bytes: int = WINDOW_BYTES
) -> None:
    """Tend every edge's log in FETCH_LOG_ROOT until `stop`."""
    redis = Redis.from_url(settings.text("REDIS_URL"), protocol=2)
    logs = Logs(redis, rules(settings, blind_s), settings.number("FETCH_LOG_KEEP_DAYS"), window_bytes)
    beside = [asyncio.create_task(logs.archive(stop)), asyncio.create_task(logs.watch(stop))]
    try:
        await logs.ship(stop)
    finally:
        logs.ended.set()
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
        for edge in logs.edges.values():
            edge.rotation.release()
        await redis.aclose()


async def run(settings: Settings) -> None:
    """`streamify ship`: until SIGTERM."""
    await ship(settings, stop_event())
