"""Ask each service, every two seconds, to tidy its own database: leases, silent sessions, old holds, unsent facts."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from api.clients import Clients
from api.problems import Problem
from api.settings import Settings
from workers.signals import pause, stop_event

log = structlog.get_logger()

EVERY_S = 2.0


async def sweep(clients: Clients, stop: asyncio.Event, every_s: float = EVERY_S) -> None:
    """Until `stop`. One service's failure is logged and does not keep the others waiting."""
    calls = {
        "videos": clients.videos_sweep,
        "streaming": clients.streaming_sweep,
        "billing": clients.billing_sweep,
    }
    while not stop.is_set():
        await asyncio.gather(*(_one(name, call) for name, call in calls.items()), pause(stop, every_s))


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


async def run(settings: Settings) -> None:
    """`streamify sweep`: until SIGTERM."""
    async with Clients(settings, caller="sweeper") as clients:
        await sweep(clients, stop_event())
