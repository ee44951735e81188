"""`up`, `status`, `down` as a person uses them: what is in the way is one sentence, and nothing stays behind."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.servers import free_ports
from tests.stacks import ROOT, Person, Stack, own_home, running_stack, wait_for

pytestmark = [pytest.mark.xdist_group("machine"), pytest.mark.timeout(240)]


@pytest.fixture
def idle() -> Iterator[Stack]:
    """A stack that was never started."""
    with own_home() as home:
        yield Stack(home, *free_ports())


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as found:
        yield found


def one_sentence(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_taken_port_is_one_clear_sentence(idle: Stack) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", idle.gateway_port))
        taken.listen()
        said = one_sentence(idle.command("up", "--detach"))
    assert f"Port {idle.gateway_port} (gateway) is taken" in said
    assert "GATEWAY_PORT" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_one_clear_sentence(idle: Stack) -> None:
    idle.home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", str(idle.home)], check=True)
    try:
        said = one_sentence(idle.command("up", "--detach"))
    finally:
        subprocess.run(["umount", str(idle.home)], check=True)
    assert "is full" in said
    assert "512 MB" in said


def test_a_home_that_is_a_file_is_one_clear_sentence(idle: Stack) -> None:
    idle.home.write_text("not a folder")
    said = one_sentence(idle.command("up", "--detach"))
    assert str(idle.home) in said


@pytest.mark.skipif(os.geteuid() != 0, reason="needs an account that may not enter")
def test_a_home_the_programs_cannot_enter_is_one_clear_sentence(idle: Stack) -> None:
    idle.home.parent.chmod(0o700)
    said = one_sentence(idle.command("up", "--detach"))
    assert "The account nobody cannot use" in said


def test_everything_runs_and_says_so(stack: Stack) -> None:
    programs = stack.programs()
    assert {row["state"] for row in programs.values()} == {"running"}
    assert {"postgres", "redis", "auth", "videos", "streaming", "billing", "analytics", "gateway"} <= set(programs)
    assert {"worker-interactive", "worker-batch", "ship", "meter", "audience", "sweep"} <= set(programs)
    assert all(row["well"] for row in programs.values()), programs


def test_programs_do_not_run_as_root(stack: Stack) -> None:
    owners = {Path(f"/proc/{row['pid']}").stat().st_uid for row in stack.programs().values()}
    assert 0 not in owners


def test_a_second_up_says_that_it_runs_already(stack: Stack) -> None:
    assert "already running" in one_sentence(stack.command("up", "--detach"))


@pytest.mark.parametrize("name", ["auth", "meter", "gateway", "postgres", "redis"])
def test_a_killed_program_is_started_again(stack: Stack, name: str) -> None:
    before = stack.programs()[name]["pid"]
    os.kill(before, signal.SIGKILL)

    def look() -> bool:
        row = stack.programs().get(name, {})
        return row.get("pid") not in (0, before) and row["well"]

    wait_for(look, 30, f"{name} to come back")
    wait_for(lambda: all(row["well"] for row in stack.programs().values()), 30, "the whole to be well again")


def test_workers_of_a_killed_gateway_do_not_keep_its_port(stack: Stack) -> None:
    def groups() -> set[int]:
        found = set()
        for pid in in_session(stack):
            with contextlib.suppress(OSError):  # it ended just now
                if Path(f"/proc/{pid}/comm").read_text() == "nginx\n":
                    found.add(os.getpgid(pid))
        return found

    before = wait_for(lambda: groups() if len(groups()) == 1 else None, 30, "one gateway")
    os.kill(next(iter(before)), signal.SIGKILL)
    wait_for(lambda: len(groups()) == 1 and groups() != before, 30, "a new gateway and none of the old")
    wait_for(lambda: httpx2.get(f"{stack.url}/health").status_code == 200, 30, "the new one to answer")


def test_doctor_finds_a_running_stack_well(stack: Stack) -> None:
    done = stack.command("doctor")
    assert "All is well." in done.stdout, done.stdout
    assert done.returncode == 0


def test_operator_creates_an_account_whose_printed_password_signs_in(stack: Stack) -> None:
    done = stack.command("operator", "chief@example.org")
    password = done.stdout.rsplit("Password: ", 1)[1].strip()
    answer = httpx2.post(f"{stack.url}/api/auth/login", json={"email": "chief@example.org", "password": password})
    assert answer.json()["user"]["role"] == "operator"


def test_operator_says_whose_account_is_raised(stack: Stack) -> None:
    Person(stack, "nora@example.org")
    said = stack.command("operator", "nora@example.org").stdout
    assert "nora@example.org is an operator now: Nora Quist, account of 20" in said


def test_down_leaves_nothing_and_the_next_up_keeps_the_data() -> None:
    with running_stack() as stack:
        Person(stack, "kept@example.org")
        pids = [row["pid"] for row in stack.programs().values()]
        assert stack.command("down").returncode == 0
        assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
        assert stack.command("up", "--detach").returncode == 0
        body = {"email": "kept@example.org", "password": "correct-horse-battery-9"}
        assert httpx2.post(f"{stack.url}/api/auth/login", json=body).status_code == 200


def in_session(stack: Stack) -> list[int]:
    from api import machine  # noqa: PLC0415

    return machine.supervised(stack.settings)


def test_ctrl_c_stops_everything(idle: Stack) -> None:
    # A terminal's child heeds SIGINT; these tests may be a shell's background job, which ignores it.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "api", "up"]
    with subprocess.Popen(command, cwd=ROOT, env=idle.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        assert "Streamify is ready" in said[0], said
        assert len(in_session(idle)) > 10
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert in_session(idle) == []


def test_down_ends_what_a_killed_supervisor_left_running() -> None:
    with running_stack() as stack:
        leader = next(p for p in in_session(stack) if b"supervisord" in Path(f"/proc/{p}/cmdline").read_bytes())
        os.kill(leader, signal.SIGKILL)
        assert len(in_session(stack)) > 10
        stack.command("down")
        assert in_session(stack) == []
