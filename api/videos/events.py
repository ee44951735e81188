"""Server-sent events: what changed since the last look, and a heartbeat so that proxies and clients keep listening.

The row is looked at, not a message waited for: an event that got lost would leave a page on "encoding" for ever.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

EVERY_S = 0.5
HEARTBEAT_S = 15.0
# After this long without a change, look less often.
CALM_S = 30.0
CALM_EVERY_S = 2.0


async def stream(look: Callable[[], Awaitable[object | None]]) -> AsyncIterator[bytes]:
    """The answer of `look` as JSON, at once and whenever it changed; ends with the event `gone` when it is None."""
    last, changed_at, sent_at = b"", 0.0, 0.0
    while True:
        found, now = await look(), time.monotonic()
        if found is None:
            yield b"event: gone\ndata: {}\n\n"
            return
        if (shown := msgspec.json.encode(found)) != last:
            last, changed_at, sent_at = shown, now, now
            yield b"data: " + shown + b"\n\n"
        elif now - sent_at >= HEARTBEAT_S:
            sent_at = now
            yield b": still here\n\n"
        await asyncio.sleep(EVERY_S if now - changed_at < CALM_S else CALM_EVERY_S)
