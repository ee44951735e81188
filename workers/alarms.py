"""What an operator must hear about the fetch log: full disks, failed writes, who keeps the rest waiting.

An alarm is logged when it begins, every ten minutes, and when it ends; `ship.json` beside the logs holds those that
last, for `./streamify doctor`.
"""

import re
import shutil
import time
from pathlib import Path

import msgspec
import structlog

log = structlog.get_logger()

FILE = "ship.json"
REPEAT_S = 600.0
WRITE_S = 10.0
LOW_SHARE, LOW_BYTES = 0.2, 2**30
ALERTS = "alerts.log"
ALERT_TAIL_BYTES = 64 * 1024
ALERT_S = 3600.0
FAILED = re.compile(
    r'^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) .*\bwrite\(\) to "([^"]+)" (failed.*?|was incomplete.*?)(?:, |$)'
)


class State(msgspec.Struct, frozen=True):
    """The shipper's last words."""

    at: float
    alarms: dict[str, str]


class Alarms:
    """The alarms of one shipper."""

    def __init__(self, root: Path) -> None:
        self._path = root / FILE
        self._said: dict[str, float] = {}
        self._wrote = 0.0

    def set(self, alarms: dict[str, str]) -> None:
        """These last now; all others have ended."""
        now = time.monotonic()
        for name, text in alarms.items():
            if now - self._said.get(name, -REPEAT_S) >= REPEAT_S:
                log.error("ship.alarm", alarm=name, text=text)
                self._said[name] = now
        ended = self._said.keys() - alarms.keys()
        for name in ended:
            log.info("ship.alarm_ended", alarm=name)
            del self._said[name]
        if ended or now - self._wrote >= WRITE_S or any(self._said[name] == now for name in alarms):
            self._write(alarms)

    def _write(self, alarms: dict[str, str]) -> None:
        self._wrote = time.monotonic()
        fresh = self._path.with_name(f".{FILE}")
        try:
            fresh.write_bytes(msgspec.json.encode(State(time.time(), alarms)))
            fresh.rename(self._path)
        except OSError as error:  # a full disk: the log line has said so
            log.error("ship.state_unwritten", error=str(error))


def disk(root: Path) -> dict[str, str]:
    """Little room on the disk of the fetch log: what nginx cannot write is lost, and with it the money."""
    found = shutil.disk_usage(root)
    if found.free >= LOW_BYTES and found.free >= LOW_SHARE * found.total:
        return {}
    room = f"{found.free / 2**30:.1f} GiB ({100 * found.free / found.total:.0f} %) free below {root}"
    urgent = found.free < LOW_BYTES
    return {"disk_full": f"{room}: fetches that cannot be logged are not billed"} if urgent else {"disk_low": room}


def failed_writes(alerts: Path, link: Path) -> dict[str, str]:
    """nginx could not write a line of this log within the last hour; it says so once a minute and drops the line."""
    try:
        with alerts.open("rb") as file:
            file.seek(max(0, alerts.stat().st_size - ALERT_TAIL_BYTES))
            tail = file.read().decode(errors="replace")
    except OSError:
        return {}
    for line in reversed(tail.splitlines()):
        match = FAILED.match(line)
        if match and match[2] == str(link):
            recent = time.time() - time.mktime(time.strptime(match[1], "%Y/%m/%d %H:%M:%S")) < ALERT_S
            return {f"write_failed {link.stem}": f"{match[1]}: nginx's write to {link} {match[3]}"} if recent else {}
    return {}
