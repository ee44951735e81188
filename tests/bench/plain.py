"""The reference of the delivery bench: the same nginx with the shortest configuration that serves files well."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from api import binaries
from api.gateway import command
from tests.servers import drop, free_port, scratch, stopped, wait_for_port

# What the gateway does for files, and nothing it does for tokens: as many workers, the page cache, open files kept.
CONFIGURATION = """
daemon off;
pid "{folder}/nginx.pid";
worker_processes auto;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    server_tokens off;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=20000 inactive=30s;
    keepalive_requests 10000;
    client_body_temp_path "{folder}/body";
    proxy_temp_path "{folder}/proxy";
    fastcgi_temp_path "{folder}/fastcgi";
    uwsgi_temp_path "{folder}/uwsgi";
    scgi_temp_path "{folder}/scgi";
    server {{
        listen 127.0.0.1:{port};
        root "{root}";
    }}
}}
"""


@contextlib.contextmanager
def running(root: Path) -> Iterator[tuple[int, int]]:
    """A plain nginx over a folder: its port and its process."""
    with scratch() as folder:
        port, conf = free_port(), folder / "nginx.conf"
        conf.write_text(CONFIGURATION.format(folder=folder, port=port, root=root))
        with (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                command(binaries.nginx(), conf), stdout=errors, stderr=errors, cwd=folder, **drop()
            )  # type: ignore[call-overload]
        with stopped(process, signal.SIGTERM):
            wait_for_port(port, process)
            yield port, process.pid


def seconds_used(pid: int) -> float:
    """Processor seconds of a process and its children so far."""
    tick = os.sysconf("SC_CLK_TCK")
    family = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    # Fields 14 and 15 of proc(5), counted behind the name, which may hold blanks.
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family]
    return sum(int(field[11]) + int(field[12]) for field in fields) / tick
