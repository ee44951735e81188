"""The one way to run a program that touches a stranger's bytes: limited, blind, without network, dead with its parent.

Each program gets its own process group, the limits of `Limits`, an empty environment and, where the kernel has them,
Landlock, seccomp and a network namespace (`sandbox_exec`). `features()` says what holds on this machine.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from landlock import FSAccess, LandlockError, Ruleset

SHIM = Path(__file__).with_name("sandbox_exec.py")
SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")
STDERR_TAIL = 8192
LONGEST_LINE = 1 << 20
GIB = 1 << 30
# Two arenas: each thread's own would reserve 64 MB of the address space we allow.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True)
class Limits:
    """What a program may use; the wall clock is ours, the rest the kernel's."""

    wall_s: float
    cpu_s: int
    memory_bytes: int = 4 * GIB
    file_bytes: int = GIB
    open_files: int = 256


@dataclass(frozen=True)
class Ended:
    """How a program ended: `status` is negative for a signal, `stderr` the last words."""

    status: int
    stderr: str
    timed_out: bool

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.timed_out


class Reins:
    """Hold back the programs that are run with them, or let them go on. Holds add up; use from one thread."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._holds = 0

    def hold(self) -> None:
        self._holds += 1
        self._tell(signal.SIGSTOP)

    def let_go(self) -> None:
        self._holds -= 1
        if not self._holds:
            self._tell(signal.SIGCONT)

    @contextlib.contextmanager
    def on(self, group: int) -> Iterator[None]:
        """Have them on a process group, held back from its start if need be."""
        self._groups.add(group)
        if self._holds:
            self._tell(signal.SIGSTOP)
        try:
            yield
        finally:
            self._groups.discard(group)

    def _tell(self, number: int) -> None:
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, number)


async def run(
    argv: Sequence[str],
    limits: Limits,
    *,
    reads: Sequence[Path] = (),
    writes: Sequence[Path] = (),
    on_line: Callable[[bytes], None] | None = None,
    cwd: Path = Path("/"),
    reins: Reins | None = None,
) -> Ended:
    """Run `argv` (its program by absolute path) to its end; cancelling kills its whole group.

    `reads` are files or folders it may read, `writes` folders it may fill; of the rest of the machine it sees only the
    system's libraries. Call from the main thread: the kernel ties a child's life to the thread that made it.
    """
    with _ruleset([argv[0], *reads], writes) as ruleset:
        process = await asyncio.create_subprocess_exec(
            *_command(argv, limits, ruleset),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            cwd=cwd,
            start_new_session=True,
            pass_fds=[ruleset] if ruleset >= 0 else [],
            limit=LONGEST_LINE,
        )
    tail = bytearray()
    timed_out = False
    try:
        with (reins or Reins()).on(process.pid):
            async with asyncio.timeout(limits.wall_s):
                await asyncio.gather(_lines(process.stdout, on_line), _keep_tail(process.stderr, tail), process.wait())
    except TimeoutError:
        timed_out = True
    finally:
        await _kill(process)
    return Ended(process.returncode or 0, tail.decode("utf-8", "replace"), timed_out)


@cache
def features() -> tuple[str, ...]:
    """The protections that took hold in a trial on this machine, by name."""
    with _ruleset([sys.executable], ()) as ruleset:
        command = _command(["features"], Limits(10, 10), ruleset)
        done = subprocess.run(
            command,
            env=ENVIRONMENT,
            pass_fds=[ruleset] if ruleset >= 0 else [],
            stdout=subprocess.PIPE,
            start_new_session=True,  # as `run` does it: what the shim does to its session is not for the asker's
            check=True,
        )
    return tuple(done.stdout.decode().split("\n"))


def _command(argv: Sequence[str], limits: Limits, ruleset: int) -> list[str]:
    numbers = (os.getpid(), ruleset, limits.memory_bytes, limits.cpu_s, limits.file_bytes, limits.open_files)
    return [sys.executable, "-I", "-S", str(SHIM), *map(str, numbers), *argv]


# A link, pipe or device left behind would be followed by us, outside the sandbox.
NEVER = (
    FSAccess.EXECUTE
    | FSAccess.MAKE_SYM
    | FSAccess.MAKE_FIFO
    | FSAccess.MAKE_SOCK
    | FSAccess.MAKE_CHAR
    | FSAccess.MAKE_BLOCK
    | FSAccess.REFER
)


@contextlib.contextmanager
def _ruleset(reads: Sequence[str | Path], writes: Sequence[Path]) -> Iterator[int]:
    """A Landlock ruleset as a file descriptor for the shim, -1 where the kernel has none."""
    look = FSAccess.READ_FILE | FSAccess.READ_DIR | FSAccess.EXECUTE
    try:
        rules = Ruleset()
    except (LandlockError, OSError):
        yield -1
        return
    descriptor = rules._fd
    try:
        for path in map(Path, [*SYSTEM, *reads]):
            if path.exists():
                rules.allow(path, rules=look if path.is_dir() else FSAccess.READ_FILE | FSAccess.EXECUTE)
        for folder in writes:
            rules.allow(folder, rules=FSAccess.all() & ~NEVER)
        yield descriptor
    finally:
        os.close(descriptor)


async def _lines(stream: asyncio.StreamReader | None, on_line: Callable[[bytes], None] | None) -> None:
    while stream is not None and (line := await stream.readline()):
        if on_line is not None:
            on_line(line)


async def _keep_tail(stream: asyncio.StreamReader | None, tail: bytearray) -> None:
    """Always read, never hoard: a program blocks on a full pipe."""
    while stream is not None and (data := await stream.read(1 << 16)):
        tail += data
        del tail[:-STDERR_TAIL]


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
