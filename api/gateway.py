"""The gateway's nginx: its configuration rendered from the templates in `nginx/`, and the program itself.

Templates hold everything nginx does; here are only the values that differ between machines.
"""

import argparse
import contextlib
import os
import re
import signal
import string
from pathlib import Path
from urllib.parse import urlsplit

from api import binaries
from api.settings import ROOT, SERVICES, Settings, SettingsError
from media.segment import FILM, IFRAMES, LANGUAGE, NAME, PLACE, RENDITION, TEXT, UNLOGGED

TEMPLATES = ROOT / "nginx"
EDGE = "origin"
# The shape of api/streaming/token.py, loosely: enough to refuse nonsense before anybody is asked about it.
SHAPE = r"(?<token>(?<claimed_session>[0-9a-f]{32})\.[0-9.]{3,24}\.[A-Za-z0-9_-]{43})"


class Template(string.Template):
    """`%{NAME}`: nginx has its own meaning for the dollar sign."""

    delimiter = "%"
    idpattern = "[A-Z_]+"
    flags = re.NOFLAG


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Become nginx."""
    folder = settings.home / "run/nginx"
    end_orphans(folder / "nginx.pid")
    conf, nginx = render(settings, folder), binaries.nginx()
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
    given = values(settings, out)
    for template in sorted(TEMPLATES.rglob("*.conf")):
        target = out / template.relative_to(TEMPLATES)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(template.read_text()).substitute(given))
    link_log(settings.path("FETCH_LOG_ROOT"))
    return out / "nginx.conf"


def values(settings: Settings, out: Path) -> dict[str, str]:
    """Everything the templates leave open."""
    bind = settings.text("GATEWAY_BIND")
    return {
        "LISTEN": f"{f'[{bind}]' if ':' in bind else bind}:{settings.number('GATEWAY_PORT')}",
        "RUN": _path(out.absolute()),
        "MEDIA_ROOT": _path(settings.path("MEDIA_ROOT")),
        "PAGES_ROOT": _path(settings.path("PAGES_ROOT")),
        "FETCH_LOG": _path(settings.path("FETCH_LOG_ROOT") / f"{EDGE}.log"),
        "MEDIA_RATE": str(settings.number("MEDIA_RATE")),
        "TOKEN": SHAPE,
        "PLACE": PLACE,
        "RENDITION": RENDITION,
        "FILM": FILM,
        "TEXT": TEXT,
        "IFRAMES": IFRAMES,
        "LANGUAGE": LANGUAGE,
        "SEGMENT": NAME.pattern,
        "UNLOGGED": UNLOGGED,
        **{name.upper(): _server(settings.service_url(name)) for name in SERVICES},
    }


def link_log(folder: Path) -> None:
    """`origin.log` leads to the newest generation of the fetch log; the shipper reads those, nginx writes the link."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / f"{EDGE}.log"
    if not link.is_symlink():
        newest = max((int(p.stem.rpartition("-")[2]) for p in folder.glob(f"{EDGE}-[1-9]*.log")), default=1)
        link.symlink_to(f"{EDGE}-{newest}.log")


def _path(path: Path) -> str:
    if re.search(r'["\\$\x00-\x1f]', str(path)):
        raise SettingsError(f"nginx cannot use the path {str(path)!r}: choose one without quotes, $ and backslashes")
    return str(path)


def _server(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path:
        raise SettingsError(f"{url!r} must look like http://host:port: the gateway adds the path itself")
    return f"{parts.netloc}:80" if parts.port is None else parts.netloc
