"""Ask each service, every two seconds, to tidy its own database: leases, silent sessions, old holds, unsent facts.

And begin the nightly reconciliation: a process of its own, for it reads the logs of days and must hold up nobody.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import structlog

from api.clients import Clients
from api.problems import Problem
from api.settings import Settings
from workers.signals import pause, stop_event

log = structlog.get_logger()

EVERY_S = 2.0
HOURLY_S = 3600.0
NIGHTLY = (sys.executable, "-m", "api", "reconcile", "--nightly")
# What was fetched just before midnight has been metered by then.
AFTER_MIDNIGHT_S = 600
TRY_AGAIN_S = 600


async def sweep(clients: Clients, stop: asyncio.Event, every_s: float = EVERY_S) -> None:
    """Until `stop`. One service's failure is logged and does not keep the others waiting."""
    calls = {
        "videos": clients.videos_sweep,
        "streaming": clients.streaming_sweep,
        "billing": clients.billing_sweep,
    }
    hourly_at = 0.0
    while not stop.is_set():
        due = dict(calls)
        if time.monotonic() >= hourly_at:
            # Whole months come and go: nothing to be asked every two seconds.
            due["analytics"] = clients.analytics_sweep
            hourly_at = time.monotonic() + HOURLY_S
        await asyncio.gather(*(_one(name, call) for name, call in due.items()), pause(stop, every_s))


async def _one(name: str, call: Callable[[], Awaitable[dict[str, int]]]) -> None:
    try:
        swept = await call()
    except Problem as problem:
        log.warning("sweep.failed", service=name, problem=problem.detail)
    except Exception:
        log.exception("sweep.failed", service=name)
    else:
        if any(swept.values()):
            log.info("sweep.done", service=name, **swept)


async def nightly(stop: asyncio.Event, command: Sequence[str] = NIGHTLY, try_again_s: float = TRY_AGAIN_S) -> None:
    """Until `stop`: run the command once per UTC day, first at the start; it knows itself what was done before.

    0 and 1 are answers, everything agrees or not; after anything else it is tried again.
    """
    while not stop.is_set():
        code = await _run(stop, command)
        if code == 1:
            log.error("reconciliation.differences", help="docs/operating.md, Reconciliation")
        elif code != 0 and not stop.is_set():
            log.warning("reconciliation.failed", code=code)
        await pause(stop, until_next_s(time.time()) if code in (0, 1) else try_again_s)


def until_next_s(now_s: float) -> float:
    """How long until ten minutes past the next midnight (UTC)."""
    day_s = 24 * 60 * 60
    since_midnight = (
        now_s - datetime.fromtimestamp(now_s, UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    )
    return (AFTER_MIDNIGHT_S - since_midnight) % day_s or day_s


async def _run(stop: asyncio.Event, command: Sequence[str]) -> int:
    """The exit code; a stop ends the process too."""
    process = await asyncio.create_subprocess_exec(*command)
    stopping, ending = asyncio.create_task(stop.wait()), asyncio.create_task(process.wait())
    await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if process.returncode is None:
        process.terminate()
    return await ending


async def run(settings: Settings) -> None:
    """`streamify sweep`: until SIGTERM."""
    stop = stop_event()
    async with Clients(settings, caller="sweeper") as clients:
        await asyncio.gather(sweep(clients, stop), nightly(stop))
