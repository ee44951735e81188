"""The live numbers as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from api.analytics.figures import Answer

EVERY_S = 2.0
# A stream ends before the token that opened it does; browsers come back by themselves, with a fresh one.
MOST_EVENTS = 300


async def events(read: Callable[[], Awaitable[Answer]]) -> AsyncIterator[bytes]:
    """One `live` event at once, then one every two seconds."""
    for _ in range(MOST_EVENTS):
        yield b"event: live\ndata: " + msgspec.json.encode(await read()) + b"\n\n"
        await asyncio.sleep(EVERY_S)
