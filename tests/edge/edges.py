"""A real edge for a test, and what lies in its cache."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api import binaries, edge, gateway
from api.settings import Settings
from media.fetch import Fetch, parse_line
from tests.servers import drop, stopped, wait_for_port


@dataclass(frozen=True)
class Edge:
    """A running edge."""

    settings: Settings
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.number('EDGE_PORT')}"

    @property
    def log(self) -> Path:
        return self.settings.path("FETCH_LOG_ROOT") / "edge.log"

    @property
    def folder(self) -> Path:
        return self.settings.home / "run/edge"

    def kept(self) -> list[bytes]:
        """The keys of what is in the cache: each file says its own in its head."""
        files = [p.read_bytes()[:2000] for p in (self.folder / "media").rglob("*") if p.is_file()]
        return sorted(head.partition(b"\nKEY: ")[2].partition(b"\n")[0] for head in files)

    async def fetches(self, count: int) -> list[Fetch]:
        """The lines of the edge's fetch log, once there are `count`."""
        deadline = time.monotonic() + 5
        while len(lines := self.log.read_bytes().splitlines()) < count and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert len(lines) == count, lines
        return [parse_line(line) for line in lines]


@contextlib.contextmanager
def running(settings: Settings, folder: Path | None = None) -> Iterator[Edge]:
    """Start an edge's nginx with the rendered configuration; a quick stop at the end."""
    folder = folder or settings.home / "run/edge"
    conf = edge.render(settings, folder)
    if os.geteuid() == 0:
        os.chown(folder, drop()["user"], -1)  # type: ignore[arg-type]
    with (settings.home / "edge.err").open("wb") as errors:
        command = gateway.command(binaries.nginx(), conf)
        process = subprocess.Popen(command, stdout=errors, stderr=errors, cwd=folder, **drop())  # type: ignore[call-overload]
    with stopped(process, signal.SIGTERM):
        wait_for_port(settings.number("EDGE_PORT"), process)
        yield Edge(settings, process)
