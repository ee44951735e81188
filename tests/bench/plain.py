"""The references of the delivery bench: the same nginx with the shortest configurations that serve files well.

Below `/authorised/<token>` the same files once more, behind a verdict that is asked for once and then kept: the least
that a verdict per request costs in nginx. Without lines, limits, headers and renewals, no gateway gets above it.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from api import binaries
from api.gateway import command
from tests.servers import drop, free_port, scratch, stopped, wait_for_port

# What the gateway does for files, and nothing it does for tokens: as many workers, the page cache, open files kept, and
# a line for each request, in nginx's own format, as nginx does unless told otherwise.
CONFIGURATION = """
daemon off;
pid "{folder}/nginx.pid";
worker_processes auto;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log "{folder}/access.log";
    server_tokens off;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=20000 inactive=30s;
    keepalive_requests 10000;
    upstream verdict {{ server "unix:{socket}"; keepalive 64; }}
    proxy_cache_path "{folder}/verdicts" keys_zone=verdicts:16m inactive=1h use_temp_path=off;
    client_body_temp_path "{folder}/body";
    proxy_temp_path "{folder}/proxy";
    fastcgi_temp_path "{folder}/fastcgi";
    uwsgi_temp_path "{folder}/uwsgi";
    scgi_temp_path "{folder}/scgi";
    server {{
        listen 127.0.0.1:{port};
        root "{root}";
        location ~ "^/authorised/(?<token>[^/]+)/(?<video>[0-9]+)(?<file>/.*)$" {{
            access_log off;
            auth_request /_verdict;
            alias "{root}/$video$file";
        }}
        location = /_verdict {{
            internal;
            proxy_pass http://verdict/internal/verdict;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Token $token;
            proxy_set_header X-Video $video;
            proxy_pass_request_headers off;
            proxy_cache verdicts;
            proxy_cache_key "$token|$video";
            proxy_cache_valid 204 1h;
            proxy_ignore_headers Cache-Control X-Accel-Expires;
        }}
    }}
}}
"""


@contextlib.contextmanager
def running(root: Path, socket: Path) -> Iterator[tuple[int, int]]:
    """A plain nginx over a folder, with verdicts from a socket: its port and its process."""
    with scratch() as folder:
        port, conf = free_port(), folder / "nginx.conf"
        conf.write_text(CONFIGURATION.format(folder=folder, port=port, root=root, socket=socket))
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
