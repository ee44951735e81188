"""SQL of how far the fetch log was read, and of the lines that were refused."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from api.database import Queries

WRITER = 7_301  # any constant: the advisory lock of whoever changes sessions


@dataclass(frozen=True)
class Read:
    """How far a stream was read: the byte after its last line, and the time of its newest line."""

    stream: str
    generation: int
    end_offset: int
    read_at: datetime


async def lock_writer(db: Queries) -> None:
    """Wait until nobody else changes sessions; held until the transaction ends."""
    await db.value("select pg_advisory_xact_lock(:writer)", writer=WRITER)


async def positions(db: Queries) -> list[Read]:
    """Where every stream was left."""
    return await db.all(Read, "select stream, generation, end_offset, read_at from log_position")


@dataclass(frozen=True)
class State:
    """What else must not have changed for a memory of sessions to hold: dropped detail, and erased users."""

    kept_from: int
    forgotten: int


async def state(db: Queries) -> State:
    """From which minute on detail is kept, and how many users were erased."""
    return await db.one(State, "select kept_from, (select last_value from forgotten_user) as forgotten from detail")


async def save_position(db: Queries, read: Read) -> None:
    """Move a stream's position."""
    await db.run(
        """
        insert into log_position (stream, generation, end_offset, read_at)
        values (:stream, :generation, :end_offset, :read_at)
        on conflict (stream) do update
        set generation = excluded.generation, end_offset = excluded.end_offset, read_at = excluded.read_at
        """,
        stream=read.stream,
        generation=read.generation,
        end_offset=read.end_offset,
        read_at=read.read_at,
    )


async def read_through(db: Queries) -> datetime | None:
    """The time of the newest line that was read."""
    return await db.value("select max(read_at) from log_position")


async def add_rejected(db: Queries, reasons: Counter[str]) -> None:
    """Count refused lines by reason."""
    await db.run(
        """
        insert into rejected (reason, lines)
        select * from unnest(:reasons::text[], :lines::bigint[])
        on conflict (reason) do update set lines = rejected.lines + excluded.lines, last_at = now()
        """,
        reasons=list(reasons.keys()),
        lines=list(reasons.values()),
    )
