"""Guessing a password: five failures per address and email in fifteen minutes, counted in Redis.

An attempt is counted before the password is checked, so that a burst gets no more than its five; success clears it.
When Redis is away attempts pass, as all rate limits do.
"""

import time
from math import ceil
from typing import Any

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.problems import TooManyRequests

log = structlog.get_logger()

FAILURES = RateLimitItemPerMinute(5, 15, namespace="sign-in")


class TooManyAttempts(TooManyRequests):
    detail = "Too many failed sign-ins. Wait some minutes and try again."


class Attempts:
    def __init__(self, redis: Redis, redis_url: str) -> None:
        pool: Any = redis.connection_pool  # limits' types know only plain options here
        storage = RedisStorage(f"async+{redis_url}", implementation="redispy", connection_pool=pool)
        self._limiter = MovingWindowRateLimiter(storage)

    async def begin(self, email: str, address: str) -> None:
        """Count one attempt; raises TooManyAttempts with `retry_after` in seconds."""
        try:
            if await self._limiter.hit(FAILURES, email, address):
                return
            window = await self._limiter.get_window_stats(FAILURES, email, address)
        except (RedisError, OSError) as error:
            log.warning("attempts.unavailable", error=str(error))
            return
        raise TooManyAttempts(retry_after=max(1, ceil(window.reset_time - time.time())))

    async def succeeded(self, email: str, address: str) -> None:
        """Forget the failures before a success."""
        try:
            await self._limiter.clear(FAILURES, email, address)
        except (RedisError, OSError) as error:
            log.warning("attempts.unavailable", error=str(error))
