"""The desk at which verdicts are handed out: from the headers of a question to the headers of its answer, counted.

Two ways lead to it: the service's port (routes_verdict.py) and, for nginx of the same machine, a Unix socket
(verdict_socket.py).
"""

import time
from typing import Any

import prometheus_client
import structlog

from api.streaming.validator import Question, Validator
from api.streaming.verdicts import Verdict

log = structlog.get_logger()

PATH = "/internal/verdict"
HEADERS = {
    b"x-token": "token",
    b"x-video": "video",
    b"x-rendition": "rendition",
    b"x-start-ms": "start_ms",
    b"x-end-ms": "end_ms",
}
COMPLAIN_S = 1.0
VERDICTS = prometheus_client.Counter("verdicts_total", "Verdicts given.", ["reason"])

Headers = list[tuple[bytes, bytes]]


class Desk:
    """One per process."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self._counters: dict[str, Any] = {}
        self._complained = 0.0

    async def answer(self, asked: Question) -> tuple[int, Headers]:
        """Status and headers: 204, 403 with a reason, or 503 when nobody can say."""
        try:
            found = await self._validator.verdict(asked)
        except Exception as error:  # noqa: BLE001 - whatever is wrong, nobody gets media because of it
            self._complain(error)
            self._count("unavailable")
            return 503, [(b"content-length", b"0"), (b"retry-after", b"2")]
        self._count(found.reason or "allowed")
        return _written(found)

    def _count(self, reason: str) -> None:
        counter = self._counters.get(reason)
        if counter is None:
            counter = self._counters[reason] = VERDICTS.labels(reason)
        counter.inc()

    def _complain(self, error: Exception) -> None:
        """Once a second is enough."""
        if time.monotonic() - self._complained > COMPLAIN_S:
            self._complained = time.monotonic()
            log.warning("verdict.failed", error=f"{type(error).__name__}: {error}")


def _written(found: Verdict) -> tuple[int, Headers]:
    fresh = (b"x-accel-expires", b"%d" % found.fresh_s)
    if found.reason:
        denied = [(b"x-reason", found.reason.encode()), fresh, (b"content-length", b"0")]
        if found.retry_after_s:
            denied.append((b"x-retry-after", b"%d" % found.retry_after_s))
        return 403, denied
    who = [(b"x-session-id", found.session_id.encode()), (b"x-user-id", b"%d" % found.user_id)]
    if found.fresh_s == 0:
        return 204, [*who, fresh]
    # nginx 1.22 reads the stale time only when it comes before X-Accel-Expires.
    return 204, [(b"cache-control", b"stale-if-error=%d" % found.outage_s), fresh, *who]
