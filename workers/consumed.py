"""How far each consumer has come, as Redis is told after each commit: what the shipper may trim, archive and send.

Only a copy: the truth is each consumer's database. A Redis that lost it hears it again within a second.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from workers.follow import Position, done_key, position

METER, AUDIENCE = "meter", "audience"
CONSUMERS = (METER, AUDIENCE)


NOWHERE = Position(0, 0)


@dataclass(frozen=True)
class Consumed:
    """Positions of the consumers of one stream; NOWHERE for those that have not said anything."""

    by: dict[str, Position]

    @property
    def by_all(self) -> Position:
        return min(self.by.values())

    @property
    def furthest(self) -> Position:
        return max(self.by.values())

    def behind(self) -> str:
        """The consumer that keeps the others waiting."""
        return min(self.by, key=lambda name: self.by[name])


async def consumed(redis: Redis, stream: str) -> Consumed:
    """What the consumers said last."""
    values: Any = await redis.hmget(done_key(stream), CONSUMERS)
    return Consumed({
        name: position(value.decode()) if value else NOWHERE for name, value in zip(CONSUMERS, values, strict=True)
    })  # fmt: skip


def bytes_between(files: dict[int, Path], first: Position, last: Position) -> int:
    """How much of the live files lies between two positions."""
    total = 0
    for generation, path in files.items():
        if first.generation <= generation <= last.generation:
            start = first.offset if generation == first.generation else 0
            end = last.offset if generation == last.generation else path.stat().st_size
            total += max(0, end - start)
    return total
