"""How an nginx of ours listens: certificate, HTTP/2, and whose word it takes on who is calling."""

import ipaddress
import os
import re
import subprocess
from pathlib import Path

from api import binaries
from api.settings import Settings, SettingsError


def values(settings: Settings) -> dict[str, str]:
    """What nginx/parts/plain.conf, tls.conf and callers.conf leave open but the address. Raises SettingsError."""
    given = {
        "LISTENER": "plain",
        "PUBLIC_URL": _url(settings.text("PUBLIC_URL")),
        "TRUSTED_PROXIES": "\n".join(f"set_real_ip_from {network};" for network in _networks(settings)),
        "HTTP_TWO_OLD": "",
        "HTTP_TWO": "",
        "TLS_CERTIFICATE": "",
        "TLS_CERTIFICATE_KEY": "",
    }
    if not settings.tls:
        return given
    # 1.25.1 has a directive of its own for HTTP/2, and warns of the old way.
    http2 = {"HTTP_TWO": "http2 on;"} if version(binaries.nginx()) >= (1, 25, 1) else {"HTTP_TWO_OLD": " http2"}
    return given | http2 | {"LISTENER": "tls", **_certificate(settings)}


def path(place: Path) -> str:
    """A path as it may stand between quotes in a configuration; raises SettingsError."""
    if re.search(r'["\\$\x00-\x1f]', str(place)):
        raise SettingsError(f"nginx cannot use the path {str(place)!r}: choose one without quotes, $ and backslashes")
    return str(place)


def version(nginx: str) -> tuple[int, ...]:
    """`nginx version: nginx/1.22.1` -> (1, 22, 1)."""
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, timeout=20, check=True).stderr
    found = re.search(r"/(\d+)\.(\d+)\.(\d+)", said)
    if found is None:
        raise SettingsError(f"{nginx} does not say which nginx it is: {said[:80]!r}")
    return tuple(map(int, found.groups()))


def _certificate(settings: Settings) -> dict[str, str]:
    if not settings.text("PUBLIC_URL").startswith("https://"):
        raise SettingsError(
            "With TLS_CERTIFICATE, PUBLIC_URL must begin with https://: cookies and redirects follow it."
        )
    names = ("TLS_CERTIFICATE", "TLS_CERTIFICATE_KEY")
    for name in names:
        if not settings.text(name) or not os.access(settings.path(name), os.R_OK):
            raise SettingsError(f"{name} must name a PEM file that the account of the programs can read.")
    return {name: path(settings.path(name)) for name in names}


def _networks(settings: Settings) -> list[str]:
    given = [part.strip() for part in settings.text("TRUSTED_PROXIES").split(",") if part.strip()]
    try:
        return [str(ipaddress.ip_network(part)) for part in given]
    except ValueError as error:
        raise SettingsError(f"TRUSTED_PROXIES holds addresses or networks, separated by commas: {error}") from None


def _url(url: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+/?", url):
        raise SettingsError(f"PUBLIC_URL must look like https://example.org, not {url!r}")
    return url.rstrip("/")
