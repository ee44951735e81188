"""A real gateway for a test: own home, own port, under the unprivileged account when we are root."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api import binaries, gateway
from api.settings import Settings
from media.fetch import Fetch, parse_line
from tests.servers import drop, stopped, wait_for_port

SEGMENT = bytes(range(256)) * 1024


@dataclass(frozen=True)
class Gateway:
    """A running nginx over a home full of files."""

    settings: Settings
    process: "subprocess.Popen[bytes]"

    @property
    def port(self) -> int:
        return self.settings.number("GATEWAY_PORT")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write(self, path: str, content: bytes = SEGMENT) -> None:
        """A media file below MEDIA_ROOT, put there as workers do: whole, by rename."""
        target = self.settings.path("MEDIA_ROOT") / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(".fresh")
        fresh.write_bytes(content)
        fresh.rename(target)

    @property
    def log(self) -> Path:
        return self.settings.path("FETCH_LOG_ROOT") / "origin.log"

    async def fetches(self, count: int) -> list[Fetch]:
        """The lines of the fetch log, once there are `count`: nginx writes one when the connection is done with it."""
        deadline = time.monotonic() + 5
        while len(lines := self.log.read_bytes().splitlines()) < count and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert len(lines) == count, lines
        return [parse_line(line) for line in lines]

    async def raw(self, request: bytes) -> bytes:
        """The bytes answered to the bytes of one request, until nginx closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await asyncio.wait_for(reader.read(), 15)
        finally:
            writer.transport.abort()

    async def ask(self, path: bytes, method: bytes = b"GET") -> bytes:
        """The answer to a path sent exactly as given."""
        return await self.raw(method + b" " + path + b" HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")


@contextlib.contextmanager
def running(settings: Settings, nginx: str | None = None) -> Iterator[Gateway]:
    """Start nginx with the rendered configuration; a quick stop at the end."""
    folder = settings.home / "run/nginx"
    conf = gateway.render(settings, folder)
    for path in (settings.home, folder, settings.path("FETCH_LOG_ROOT")):
        _give(path)
    with (settings.home / "nginx.err").open("wb") as errors:
        command = gateway.command(nginx or binaries.nginx(), conf)
        process = subprocess.Popen(command, stdout=errors, stderr=errors, cwd=folder, **drop())  # type: ignore[call-overload]
    with stopped(process, signal.SIGTERM):
        wait_for_port(settings.number("GATEWAY_PORT"), process)
        yield Gateway(settings, process)


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, drop()["user"], -1)  # type: ignore[arg-type]
