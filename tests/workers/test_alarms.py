"""The alarms of the fetch log: what an operator hears, when, and where."""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from api.doctor import Finding, look_at_fetch_log
from api.settings import Settings, load
from tests.billing.scenes import until
from tests.servers import scratch
from tests.workers.nginxes import nginx
from tests.workers.streams import shipping
from workers.alarms import ALERTS, LOW_BYTES, Alarms, disk, failed_writes


@pytest.fixture
def settings() -> Iterator[Settings]:
    with scratch() as folder:
        (folder / "log").mkdir()
        yield load({"STREAMIFY_HOME": str(folder), "FETCH_LOG_ROOT": str(folder / "log")})


def test_an_alarm_is_said_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    alarms = Alarms(tmp_path)
    with structlog.testing.capture_logs() as logs:
        for lasting in ({}, {"a": "one"}, {"a": "one"}, {"a": "one", "b": "two"}, {"b": "two"}, {}):
            alarms.set(lasting)
            assert json.loads((tmp_path / "ship.json").read_text())["alarms"] == lasting
    said = [(entry["log_level"], entry["event"], entry["alarm"]) for entry in logs]
    assert said == [
        ("error", "ship.alarm", "a"), ("error", "ship.alarm", "b"),
        ("info", "ship.alarm_ended", "a"), ("info", "ship.alarm_ended", "b"),
    ]  # fmt: skip


def test_the_doctor_repeats_them(settings: Settings) -> None:
    root = settings.path("FETCH_LOG_ROOT")
    Alarms(root).set({"disk_low": "little", "write_failed origin": "nothing"})
    assert list(look_at_fetch_log(settings)) == [
        Finding("note", "fetch log: disk_low: little"),
        Finding("wrong", "fetch log: write_failed origin: nothing"),
    ]
    Alarms(root).set({})
    assert [f.mark for f in look_at_fetch_log(settings)] == ["ok"]
    (root / "ship.json").write_text("{")
    assert [f.mark for f in look_at_fetch_log(settings)] == ["ok"]


def test_room_on_the_disk_is_measured(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    free = found.f_bavail * found.f_frsize
    expected = "disk_full" if free < LOW_BYTES else "disk_low" if free < 0.2 * found.f_blocks * found.f_frsize else ""
    assert list(disk(tmp_path)) == ([expected] if expected else [])


# A limit on the size of files stands for a full disk. Python ignores the signal that goes with it; nginx inherits that.
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))
os.execv(sys.argv[1], sys.argv[1:])
"""


async def test_a_line_that_nginx_could_not_write_is_an_alarm(settings: Settings) -> None:
    log = settings.path("FETCH_LOG_ROOT") / "origin-1.log"
    log.write_bytes(b"x" * 7990)
    log.chmod(0o666)
    with nginx(settings, through=[sys.executable, "-c", LIMITED]) as n:
        for _ in range(4):
            await n.get()

        async def alarmed() -> bool:
            return bool(failed_writes(n.run / ALERTS, n.root / "origin.log"))

        await until(alarmed)
        assert len(n.answered) == 4
        (text,) = failed_writes(n.run / ALERTS, n.root / "origin.log").values()
        assert f"nginx's write to {n.root}/origin.log" in text
        assert failed_writes(n.run / ALERTS, n.root / "edge.log") == {}
        hour_ago = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(time.time() - 3700))
        old = (n.run / ALERTS).read_text().replace(text.partition(": ")[0], hour_ago)
    (n.run / ALERTS).unlink()
    (n.run / ALERTS).write_text(old)
    assert failed_writes(n.run / ALERTS, n.root / "origin.log") == {}


async def test_the_shipper_raises_them(settings: Settings, redis_url: str) -> None:
    root, alerts = settings.path("FETCH_LOG_ROOT"), settings.home / "run/nginx" / ALERTS
    alerts.parent.mkdir(parents=True)
    stamp = time.strftime("%Y/%m/%d %H:%M:%S")
    alerts.write_text(
        f'{stamp} [alert] 7#7: *1 write() to "{root}/origin.log" failed (28: No space left on device) while'
    )
    (root / "origin-1.log").write_bytes(b"a\n")
    own = dataclasses.replace(settings, values={**settings.values, "REDIS_URL": redis_url.replace("/0", "/60")})
    with structlog.testing.capture_logs() as logs:
        async with shipping(own):

            async def raised() -> bool:
                return any(entry.get("alarm") == "write_failed origin" for entry in logs)

            await until(raised, 20)
    assert any("No space left" in finding.text for finding in look_at_fetch_log(own))
