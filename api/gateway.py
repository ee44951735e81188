"""The gateway's nginx: its configuration rendered from the templates in `nginx/`, and the program itself.

Templates hold everything nginx does; here are only the values that differ between machines.
"""

import argparse
import contextlib
import os
import re
import secrets
import signal
import string
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from api import binaries, listener, memory
from api.settings import ROOT, SERVICES, Settings, SettingsError
from media.segment import FILM, IFRAMES, LANGUAGE, NAME, PLACE, RENDITION, TEXT, UNLOGGED

path = listener.path
TEMPLATES = ROOT / "nginx"
EDGE = "origin"
# So many sessions at their full rate are let through from one address: an office is, a flood of forgeries is more.
CROWD = 500
# The shape of api/streaming/token.py, loosely: enough to refuse nonsense before anybody is asked about it.
SHAPE = r"(?<token>(?<claimed_session>[0-9a-f]{32})\.[0-9.]{3,24}(?:\.[0-9a-f]{8})?\.[A-Za-z0-9_-]{43})"


class Template(string.Template):
    """`%{NAME}`: nginx has its own meaning for the dollar sign."""

    delimiter = "%"
    idpattern = "[A-Z_]+"
    flags = re.NOFLAG


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Become the gateway's nginx."""
    folder = settings.home / "run/nginx"
    memory.keep(folder / "verdicts")
    become(render(settings, folder))


def become(conf: Path) -> NoReturn:
    """Give this process up for nginx, once what its predecessor left is gone."""
    end_orphans(conf.parent / "nginx.pid")
    nginx = binaries.nginx()
    os.execv(nginx, command(nginx, conf))


def end_orphans(pid_file: Path) -> None:
    """Let workers go whose master was killed: they hold the port, and a new master could never have it.

    They are what is left of the master's process group. SIGQUIT closes the port at once and finishes what is under way.
    """
    try:
        master = int(pid_file.read_text())
    except (OSError, ValueError):
        return
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(entry.name)) == master and (entry / "comm").read_text() == "nginx\n":
                os.kill(int(entry.name), signal.SIGQUIT)


def command(nginx: str, conf: Path) -> list[str]:
    """How the rendered configuration is run; early errors go where all the others go."""
    return [nginx, "-c", str(conf), "-p", str(conf.parent), "-e", "stderr"]


def render(settings: Settings, out: Path) -> Path:
    """Write the configuration into `out` and give its main file. Raises SettingsError when a value cannot be used."""
    fill(out, values(settings, out), (t for t in TEMPLATES.rglob("*.conf") if "edge" not in (t.stem, t.parent.name)))
    link_log(settings.path("FETCH_LOG_ROOT"))
    return out / "nginx.conf"


def fill(out: Path, given: Mapping[str, str], templates: Iterable[Path]) -> None:
    """Write templates into `out` with these values; nobody else reads them, as a secret is among them."""
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    out.chmod(0o700)
    for template in templates:
        target = out / template.relative_to(TEMPLATES)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(template.read_text()).substitute(given))


def values(settings: Settings, out: Path) -> dict[str, str]:
    """Everything the templates leave open."""
    return {
        "LISTEN": listen(settings, "GATEWAY_PORT"),
        "RUN": path(out.absolute()),
        # Where api/memory.py put them, by the shortest path: it is walked for every new verdict.
        "VERDICTS": path((out / "verdicts").resolve()),
        "MEDIA_ROOT": path(settings.path("MEDIA_ROOT")),
        "PAGES_ROOT": path(settings.path("PAGES_ROOT")),
        "EDGE": EDGE,
        "FETCH_LOG": path(settings.path("FETCH_LOG_ROOT") / f"{EDGE}.log"),
        "EDGE_SECRET": _secret(settings),
        "MEDIA_FROM": _media_from(settings.text("MEDIA_URL")),
        "MEDIA_RATE": str(settings.number("MEDIA_RATE")),
        "CROWD_RATE": str(settings.number("MEDIA_RATE") * CROWD),
        "TOKEN": SHAPE,
        "PLACE": PLACE,
        "RENDITION": RENDITION,
        "FILM": FILM,
        "TEXT": TEXT,
        "IFRAMES": IFRAMES,
        "LANGUAGE": LANGUAGE,
        "SEGMENT": NAME.pattern,
        "UNLOGGED": UNLOGGED,
        **listener.values(settings),
        **{name.upper(): _server(settings.service_url(name)) for name in SERVICES},
        "VERDICT": _verdict(settings),
    }


def listen(settings: Settings, port: str) -> str:
    """Where nginx listens; `port` is the setting that holds its port."""
    bind = settings.text("GATEWAY_BIND")
    return f"{f'[{bind}]' if ':' in bind else bind}:{settings.number(port)}"


def link_log(folder: Path, edge: str = EDGE) -> None:
    """`<edge>.log` leads to the newest generation of the fetch log; the shipper reads those, nginx writes the link."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / f"{edge}.log"
    if not link.is_symlink():
        newest = max((int(p.stem.rpartition("-")[2]) for p in folder.glob(f"{edge}-[1-9]*.log")), default=1)
        link.symlink_to(f"{edge}-{newest}.log")


def _secret(settings: Settings) -> str:
    """What edges show. Without the setting there are none: then nobody knows it, not even we."""
    secret = settings.secret("EDGE_SECRET") if settings.text("EDGE_SECRET") else secrets.token_hex(32)
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", secret):
        raise SettingsError("EDGE_SECRET must be letters and digits: it travels in a header")
    return secret


def _media_from(url: str) -> str:
    """The sources from which pages may play: always ourselves, and where MEDIA_URL sends players."""
    if url and not re.fullmatch(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?/?", url):
        raise SettingsError(f"MEDIA_URL {url!r} must look like https://host or http://host:port")
    return " ".join(["'self'", *([url.rstrip("/")] if url else [])])


def _verdict(settings: Settings) -> str:
    """Where verdicts are asked for: the Unix socket where there is one."""
    if settings.text("VERDICT_SOCKET"):
        return f"unix:{path(settings.path('VERDICT_SOCKET'))}"
    return _server(settings.service_url("streaming"))


def _server(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path:
        raise SettingsError(f"{url!r} must look like http://host:port: the gateway adds the path itself")
    return f"{parts.netloc}:80" if parts.port is None else parts.netloc
