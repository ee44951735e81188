"""An edge's nginx: what its configuration takes beyond the gateway's, and the program itself.

An edge reaches the gateway for media and the streaming service for verdicts; its shipper reaches Redis. Nothing else.
"""

import argparse
import re
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from api import gateway, memory
from api.settings import Settings, SettingsError

# A name that ended in a number would make a log file that is another edge's generation.
NAME = re.compile(r"(?!.*-[0-9]+$)[a-z0-9][a-z0-9-]{0,31}")
PORTS = {"http": 80, "https": 443}


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Become an edge's nginx."""
    folder = settings.home / "run/edge"
    memory.keep(folder / "verdicts")
    gateway.become(render(settings, folder))


def render(settings: Settings, out: Path) -> Path:
    """Write the configuration into `out` and give its main file. Raises SettingsError when a value cannot be used."""
    given = values(settings, out)
    gateway.fill(out, given, gateway.TEMPLATES.rglob("*.conf"))
    gateway.link_log(settings.path("FETCH_LOG_ROOT"), given["EDGE"])
    return out / "edge.conf"


def values(settings: Settings, out: Path) -> dict[str, str]:
    """Everything the templates leave open. Raises SettingsError without the secret: no gateway would answer."""
    name, url = settings.text("EDGE_NAME"), urlsplit(settings.text("ORIGIN_URL").rstrip("/"))
    if not NAME.fullmatch(name) or name == gateway.EDGE:
        raise SettingsError(f"EDGE_NAME {name!r} must be small letters, digits and dashes, and end in no '-<number>'")
    if url.scheme not in PORTS or not url.hostname or url.path or re.search(r"[^A-Za-z0-9.:\[\]-]", url.netloc):
        raise SettingsError(f"ORIGIN_URL {url.geturl()!r} must look like http://host:port or https://host")
    settings.secret("EDGE_SECRET")
    if settings.text("PUBLIC_URL").startswith("https:") and settings.text("MEDIA_URL").startswith("http:"):
        raise SettingsError("Pages of https play nothing of http: set MEDIA_URL to the https address of the edge")
    return gateway.values(settings, out) | {
        "EDGE": name,
        "PUBLIC_URL": (settings.text("MEDIA_URL") or settings.text("PUBLIC_URL")).rstrip("/"),
        "LISTEN": gateway.listen(settings, "EDGE_PORT"),
        "FETCH_LOG": gateway.path(settings.path("FETCH_LOG_ROOT") / f"{name}.log"),
        "EDGE_CACHE_MB": str(settings.number("EDGE_CACHE_MB")),
        "ORIGIN": url.netloc if url.port else f"{url.netloc}:{PORTS[url.scheme]}",
        "ORIGIN_SCHEME": url.scheme,
        "ORIGIN_HOST": url.netloc,
        # On our own machine nobody is in between, and no certificate is made out to that name.
        "ORIGIN_VERIFY": "off" if url.hostname in ("127.0.0.1", "::1", "localhost") else "on",
        "ORIGIN_NAME": url.hostname,
        "CA_FILE": gateway.path(Path(ssl.get_default_verify_paths().openssl_cafile)),
    }
