"""A small real nginx that writes a fetch log as ours do, under load, and the bookkeeping of what it answered."""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from api import binaries, gateway
from api.settings import Settings
from media import fetch_log
from tests.servers import drop, free_port, wait_for_port

CONF = """
daemon off; pid "{run}/nginx.pid"; worker_processes 2;
error_log stderr warn;
error_log "{run}/alerts.log" alert;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    log_format fetch escape=json '{{"n":"$arg_n","by":$pid}}';
    server {{
        listen 127.0.0.1:{port};
        access_log "{root}/origin.log" fetch;
        keepalive_requests 20;
        location / {{ return 200 "ok"; }}
        location = /slow {{ limit_rate 20k; sendfile on; output_buffers 1 4k; alias "{run}/slow"; }}
    }}
}}
"""
SLOW_BYTES = 60_000  # three seconds


class Nginx:
    """One whose log lies where the settings say."""

    def __init__(self, settings: Settings) -> None:
        self.root, self.run, self.port = settings.path("FETCH_LOG_ROOT"), settings.home / "run/nginx", free_port()
        self.run.mkdir(parents=True)
        (self.run / "slow").write_bytes(b"x" * SLOW_BYTES)
        (self.run / "nginx.conf").write_text(CONF.format(run=self.run, root=self.root, port=self.port))
        for path in (self.run, self.root):
            path.chmod(0o777)
        gateway.link_log(self.root)
        self.numbers = itertools.count()
        self.answered: set[int] = set()

    def start(self, *options: str, through: Sequence[str] = ()) -> None:
        command = [*through, *gateway.command(binaries.nginx(), self.run / "nginx.conf"), *options]
        account = {} if options else drop()
        with (self.run / "out").open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, **account)  # type: ignore[call-overload]
        wait_for_port(self.port, self.process)

    def signal(self, number: signal.Signals) -> None:
        os.kill(int((self.run / "nginx.pid").read_text()), number)

    async def get(self, path: str = "/") -> None:
        """One request; it counts once it was answered to the end."""
        number = next(self.numbers)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"GET {path}?n={number} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = await asyncio.wait_for(reader.read(-1), 30)
        finally:
            writer.close()
        if answer.startswith(b"HTTP/1.1 200") and len(answer) > (SLOW_BYTES if path == "/slow" else 0):
            self.answered.add(number)

    async def load(self, stop: asyncio.Event, path: str = "/") -> None:
        """One viewer after another."""
        while not stop.is_set():
            with contextlib.suppress(OSError, TimeoutError):
                await self.get(path)

    def generations(self) -> list[int]:
        """All there have been, archived or not."""
        return sorted({*fetch_log.live(self.root).get("origin", {}), *fetch_log.archived(self.root, "origin")})


@contextlib.contextmanager
def nginx(settings: Settings, *options: str, through: Sequence[str] = ()) -> Iterator[Nginx]:
    """A running one, gone at the end with all its workers; started `through` another program that becomes it."""
    made = Nginx(settings)
    made.start(*options, through=through)
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(made.process.pid, signal.SIGKILL)
        made.process.wait()


def numbers(text: bytes) -> list[int]:
    """What the lines of a log say was answered."""
    return [int(line.split(b'"')[3]) for line in text.splitlines()]


def everything(root: Path) -> bytes:
    """All lines of the files."""
    return b"".join(logged.line + b"\n" for logged in fetch_log.read(root, "origin"))
