"""Slots of the last seconds: how fast a session may fetch that can no longer hold two minutes.

The meter learns of a segment some tenths of a second after its last byte. So each new segment waits long
enough for the meter to have told about the one before it, and what is fetched past the end of the money is one segment.
"""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

TIMES_REAL = 4  # a segment is granted in this part of its own time, so a player at double speed never runs dry
LONGEST_SPACE_MS = 1500
LONGEST_WAIT_MS = 2000  # nginx waits 3 s for a verdict
IDLE_MS = 30_000

# A slot by Redis's own clock. The first after a pause is at once; the same segment again is the same slot.
# Gives the milliseconds to wait, -1 when they would be too many.
TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local known = redis.call('HMGET', KEYS[1], 'segment', 'at', 'next')
local at = now
if known[1] == ARGV[1] then
  at = tonumber(known[2])
elseif known[1] then
  at = math.max(tonumber(known[3]), now + ARGV[2])
end
local wait = math.max(0, at - now)
if wait > tonumber(ARGV[3]) then return -1 end
if known[1] ~= ARGV[1] then
  local after = string.format('%.0f', at + ARGV[2])
  redis.call('HSET', KEYS[1], 'segment', ARGV[1], 'at', string.format('%.0f', at), 'next', after)
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return wait
"""


class Slots:
    """All sessions' slots; without Redis each request waits by itself."""

    def __init__(self, redis: Redis) -> None:
        self._take = redis.register_script(TAKE)

    async def wait(self, whose: str, segment: str, length_ms: int) -> bool:
        """Wait for the turn of a segment; False when it is too far away."""
        space_ms = spacing_ms(length_ms)
        try:
            arguments: list[str | int | float] = [segment, space_ms, LONGEST_WAIT_MS, IDLE_MS]
            wait_ms = int(await self._take(keys=[f"slot:{whose}"], args=arguments))
        except (RedisError, OSError) as error:
            log.warning("slots.redis_away", error=str(error))
            wait_ms = space_ms
        if wait_ms < 0:
            return False
        await asyncio.sleep(wait_ms / 1000)
        return True


def spacing_ms(length_ms: int) -> int:
    """How far apart new segments of this length are granted."""
    return min(max(0, length_ms) // TIMES_REAL, LONGEST_SPACE_MS)
