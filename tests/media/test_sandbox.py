"""What a program in the sandbox can and cannot do, tried by programs that try."""

import asyncio
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from media import sandbox
from media.sandbox import Ended, Limits, run

PYTHON = str(Path(sys.executable).resolve())
QUICK = Limits(wall_s=20, cpu_s=10)

needs = {name: pytest.mark.skipif(name not in sandbox.features(), reason=f"no {name} here") for name in (
    "landlock", "seccomp", "dies with its parent")}  # fmt: skip


async def python(code: str, limits: Limits = QUICK, **allowed: list[Path]) -> tuple[Ended, str]:
    """Run Python code inside; gives how it ended and what it printed."""
    lines: list[bytes] = []
    reads = [Path(sys.base_prefix), *allowed.get("reads", [])]
    argv = [PYTHON, "-I", "-S", "-c", code]
    ended = await run(argv, limits, reads=reads, writes=allowed.get("writes", []), on_line=lines.append)
    return ended, b"".join(lines).decode()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


async def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


async def test_output_and_status_come_back() -> None:
    ended, out = await python("import sys; print('hello'); sys.exit(3)")
    assert (ended.status, ended.ok, out) == (3, False, "hello\n")


@needs["landlock"]
async def test_only_the_named_files_can_be_read(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.write_text("mine")
    other.write_text("other")
    ended, out = await python(f"print(open({str(mine)!r}).read()); open({str(other)!r})", reads=[mine])
    assert (out, ended.status) == ("mine\n", 1)
    assert "PermissionError" in ended.stderr


@needs["landlock"]
async def test_only_the_output_folder_can_be_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    code = f"open({str(out / 'a')!r}, 'w').write('x'); open({str(tmp_path / 'b')!r}, 'w')"
    ended, _ = await python(code, writes=[out])
    assert (out / "a").read_text() == "x"
    assert "PermissionError" in ended.stderr
    assert not (tmp_path / "b").exists()


@needs["seccomp"]
@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import socket; socket.socket(socket.AF_UNIX)",
        "import os; os.fork()",
        "import os, sys; os.posix_spawn(sys.executable, [sys.executable, '-c', ''], {})",
        f"import os; os.kill({os.getpid()}, 0)",
    ],
    ids=["internet", "unix", "fork", "spawn", "kill"],
)
async def test_sockets_children_and_other_processes_are_out_of_reach(code: str) -> None:
    ended, _ = await python(code)
    assert ended.status == 1
    assert "PermissionError" in ended.stderr


@needs["landlock"]
@pytest.mark.parametrize("act", ["symlink('/etc/passwd', 'trap')", "mkfifo('trap')"])
async def test_nothing_is_left_behind_that_leads_elsewhere(tmp_path: Path, act: str) -> None:
    ended, _ = await python(f"import os; os.chdir({str(tmp_path)!r}); os.{act}", writes=[tmp_path])
    assert "PermissionError" in ended.stderr
    assert list(tmp_path.iterdir()) == []


async def test_threads_still_work() -> None:
    ended, out = await python("import threading as t; x = t.Thread(target=print, args=(7,)); x.start(); x.join()")
    assert (ended.status, out) == (0, "7\n")


async def test_the_environment_holds_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_SECRET", "s" * 40)
    ended, out = await python("import os; print(dict(os.environ))")
    assert ended.ok
    assert "sss" not in out


async def test_memory_has_a_bound() -> None:
    ended, _ = await python("bytearray(1 << 30)", Limits(wall_s=20, cpu_s=10, memory_bytes=1 << 29))
    assert "MemoryError" in ended.stderr


async def test_written_files_have_a_bound(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'big')!r}, 'wb').write(bytes(1 << 21))"
    ended, _ = await python(code, Limits(wall_s=20, cpu_s=10, file_bytes=1 << 20), writes=[tmp_path])
    assert not ended.ok
    assert (tmp_path / "big").stat().st_size <= 1 << 20


async def test_cpu_time_has_a_bound() -> None:
    ended, _ = await python("while True: pass", Limits(wall_s=20, cpu_s=1))
    assert ended.status in (-signal.SIGXCPU, -signal.SIGKILL)
    assert not ended.timed_out


async def test_the_wall_clock_has_a_bound_and_takes_the_whole_group() -> None:
    lines: list[bytes] = []
    argv = ["/bin/sh", "-c", "echo $$; exec sleep 60"]
    ended = await run(argv, Limits(wall_s=2, cpu_s=5), on_line=lines.append)
    assert (ended.timed_out, ended.ok) == (True, False)
    assert await gone(int(lines[0]))


async def test_cancelling_kills() -> None:
    pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    argv = ["/bin/sh", "-c", "echo $$; exec sleep 60"]
    task = asyncio.create_task(run(argv, QUICK, on_line=lambda line: pid.set_result(int(line))))
    child = await asyncio.wait_for(pid, 10)
    assert is_alive(child)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not is_alive(child)


@needs["dies with its parent"]
async def test_it_dies_with_its_parent() -> None:
    code = (
        "import asyncio; from media.sandbox import run, Limits; "
        "asyncio.run(run(['/bin/sh', '-c', 'echo $$; exec sleep 60'], Limits(60, 60), "
        "on_line=lambda line: print(int(line), flush=True)))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.communicate()
    assert await gone(child)


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="no autogroups here")
def test_a_niced_program_is_nice_to_other_sessions_too() -> None:
    code = (
        "import asyncio, os; from media.sandbox import run, Limits; os.nice(10); "
        "asyncio.run(run(['/bin/sh', '-c', 'echo $$; exec sleep 60'], Limits(60, 60), "
        "on_line=lambda line: print(open(f'/proc/{int(line)}/autogroup').read(), flush=True)))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline().split()[-2:] == ["nice", "5"]
    parent.kill()
    parent.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to put another file over that of the kernel")
def test_a_niced_program_starts_where_nothing_can_be_given_way_with() -> None:
    nowhere = 'mount --bind /dev/full /proc/$$/autogroup && exec nice -n 4 "$@"'
    shim = [sys.executable, "-I", "-S", str(sandbox.SHIM), str(os.getpid()), "-1", "4294967296", "10", "0", "256"]
    unshare = ["unshare", "-m", "sh", "-c", nowhere, "sh"]
    if subprocess.run([*unshare, "/bin/true"], check=False).returncode:
        pytest.skip("no mounts of our own here")
    done = subprocess.run([*unshare, *shim, "/bin/echo", "started"], capture_output=True, text=True, check=True)
    assert done.stdout == "started\n"


async def test_a_flood_of_words_is_read_and_forgotten() -> None:
    ended, _ = await python("import sys; sys.stderr.write('x' * (1 << 22) + 'end')")
    assert ended.ok
    assert len(ended.stderr) == sandbox.STDERR_TAIL
    assert ended.stderr.endswith("end")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become nobody")
def test_an_unprivileged_account_gets_the_same_protection() -> None:
    nobody = pwd.getpwnam("nobody")
    code = "from media import sandbox; print(*sandbox.features(), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert set(sandbox.features()) - {"network namespace"} <= set(done.stdout.split("\n"))
