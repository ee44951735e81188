"""The Unix socket for verdicts: for one account, there again after any end of the program before."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from api.database import Database, open_database
from api.settings import ROOT, load
from api.streaming import token
from tests.conftest import Cluster
from tests.servers import free_ports, scratch

SECRET = "t" * 40


@pytest.fixture
def home() -> Iterator[Path]:
    with scratch() as folder:
        yield folder


@pytest.fixture
async def env(home: Path, cluster: Cluster, redis_url: str) -> dict[str, str]:
    values = {"STREAMIFY_HOME": str(home), "PORT_BASE": str(free_ports()[1]), "REDIS_URL": redis_url}
    secrets = {"JWT_SECRET": "j" * 40, "SERVICE_SECRET": "s" * 40, "TOKEN_SECRET": SECRET}
    return {**os.environ, **values, **secrets, "DATABASE_URL": await cluster.clone("streaming")}


@pytest.fixture
async def db(env: dict[str, str]) -> AsyncIterator[Database]:
    found = await open_database(env["DATABASE_URL"], size=1)
    yield found
    await found.close()


@contextlib.contextmanager
def serving(env: dict[str, str], how_it_ends: signal.Signals) -> Iterator[None]:
    """The real program, as the stack runs it."""
    process = subprocess.Popen([sys.executable, "-m", "api", "serve", "streaming"], cwd=ROOT, env=env)
    try:
        yield
    finally:
        process.send_signal(how_it_ends)
        process.wait(20)


def ask(home: Path, text: str) -> httpx2.Response:
    """A verdict over the socket, once somebody listens behind it."""
    place = str(home / "run/verdict.sock")
    deadline = time.monotonic() + 40
    while True:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(place)
            break
        assert time.monotonic() < deadline, "nobody listens"
        time.sleep(0.05)
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=place), timeout=40) as http:
        return http.get("http://verdict/internal/verdict", headers={"x-token": text, "x-video": "7"})


async def test_verdicts_go_over_a_socket_that_outlives_its_program(
    env: dict[str, str], home: Path, db: Database
) -> None:
    session = uuid.uuid4().hex
    sql = """insert into stream_sessions (session_id, video_id, user_id, generation, duration_ms, price_per_minute)
             values (:session_id, 7, 1, 1, 600000, 60)"""
    await db.run(sql, session_id=session)
    text = token.write(token.make_signer(SECRET), token.issue(session, 7, 600_000, time.time()))
    for how_it_ends in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        with serving(env, how_it_ends):
            answer = ask(home, text)
            assert (answer.status_code, answer.headers["x-session-id"]) == (204, session)
            found = (home / "run/verdict.sock").stat()
            assert (stat.S_ISSOCK(found.st_mode), stat.S_IMODE(found.st_mode)) == (True, 0o600)
            assert found.st_uid == os.geteuid()


def test_there_is_no_socket_where_streaming_is_elsewhere_or_its_path_would_not_fit(home: Path) -> None:
    near = load({"STREAMIFY_HOME": str(home)})
    assert near.path("VERDICT_SOCKET") == home / "run/verdict.sock"
    assert load({"STREAMIFY_HOME": str(home), "STREAMING_SERVICE_URL": "http://far:3003"}).text("VERDICT_SOCKET") == ""
    assert load({"STREAMIFY_HOME": "/" + "long" * 30}).text("VERDICT_SOCKET") == ""
