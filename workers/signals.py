"""One event for "please stop", set by SIGTERM and SIGINT: how every process without a port ends cleanly."""

import asyncio
import signal

import structlog

log = structlog.get_logger()


def stop_event() -> asyncio.Event:
    """Call once, inside the process's event loop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log.info("process.started")
    return stop


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until the stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
