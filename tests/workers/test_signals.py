"""The processes without a port start by their commands and end cleanly when they are asked to."""

import os
import signal
import sys
from asyncio import create_subprocess_exec, wait_for
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.conftest import Cluster


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["ship", "meter", "sweep"])
async def test_a_process_ends_cleanly_when_asked(
    command: str, number: signal.Signals, cluster: Cluster, redis_url: str, tmp_path: Path
) -> None:
    own = {"STREAMIFY_HOME": str(tmp_path), "REDIS_URL": redis_url, "SERVICE_SECRET": "s" * 40, "PORT_BASE": "1"}
    own["DATABASE_URL"] = await cluster.clone("billing")
    process = await create_subprocess_exec(sys.executable, "-m", "api", command, env=os.environ | own, stderr=PIPE)
    assert process.stderr is not None
    while b"process.started" not in (line := await wait_for(process.stderr.readline(), 30)):
        assert line, "it ended before it started"
    process.send_signal(number)
    rest = await wait_for(process.stderr.read(), 15)
    assert await wait_for(process.wait(), 5) == 0
    assert b"Traceback" not in rest
