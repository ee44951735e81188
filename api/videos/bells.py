"""Rings for queues after a commit. A bell that cannot be rung is logged, and the sweep rings again."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

import structlog

from api.queue import QueueName

log = structlog.get_logger()

# One bell wakes one worker process, which then claims until nothing is left; more than that are never asleep at once.
MOST_BELLS = 8
PATIENCE_S = 2.0


class Bells:
    """`ring` is `api.queue.ring` of this process's Celery object."""

    def __init__(self, ring: Callable[[QueueName], Awaitable[None]]) -> None:
        self._ring = ring

    async def ring(self, queues: Iterable[QueueName]) -> None:
        """Once per queue named, at most eight times each. Never raises."""
        for queue, wanted in Counter(queues).items():
            try:
                async with asyncio.timeout(PATIENCE_S):
                    for _ in range(min(wanted, MOST_BELLS)):
                        await self._ring(queue)
            except Exception as error:  # noqa: BLE001 - whatever the broker has, the unit is safe in its row
                log.warning("bell.failed", queue=queue, error=str(error))
