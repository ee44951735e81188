"""The oldest nginx we name, for tests: Debian 12's 1.22, unpacked without root where the machine has none."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import binaries, listener

OLD = (1, 22)
CACHE = Path(tempfile.gettempdir()) / "streamify-nginx-1.22"


def find(which: str) -> str:
    """The path of an nginx: "ours" is what everything runs with, "old" is 1.22. Skips where that cannot be had."""
    if which == "ours":
        return binaries.nginx()
    for path in _places():
        if path and Path(path).exists() and listener.version(path)[:2] == OLD:
            return path
    pytest.skip("no nginx 1.22: neither is it installed, nor does apt know a package of it")


def _places() -> Iterator[str | None]:
    """Where it may be; apt is asked only when it is nowhere else."""
    yield shutil.which("nginx")
    yield str(CACHE / "usr/sbin/nginx")
    yield _unpacked()


def _unpacked() -> str | None:
    """Debian's own package in the cache folder, when this machine's apt has it."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return None
    with tempfile.TemporaryDirectory(prefix="sf-nginx-", dir=CACHE.parent) as name:
        folder = Path(name)
        folder.chmod(0o755)
        if os.geteuid() == 0:
            subprocess.run(["apt-get", "update", "-qq"], capture_output=True, check=False, timeout=120)
        known = subprocess.run(["apt-cache", "madison", "nginx"], capture_output=True, text=True, check=False).stdout
        versions = [line.split("|")[1].strip() for line in known.splitlines() if line.count("|") == 2]
        wanted = next((v for v in versions if v.startswith("1.22.")), None)
        if wanted is None:
            return None
        get = ["apt-get", "download", "-qq", f"nginx={wanted}"]
        subprocess.run(get, cwd=folder, capture_output=True, check=False, timeout=120)
        for package in folder.glob("nginx_*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True, capture_output=True)
            (folder / "root").chmod(0o755)
            if not CACHE.exists():
                (folder / "root").rename(CACHE)
    return str(CACHE / "usr/sbin/nginx")
