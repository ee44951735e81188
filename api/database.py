"""PostgreSQL for every service: a pool, `:name` parameters, rows as dataclasses.

The only file that says asyncpg. `queries.py` of a service calls the five verbs of `Queries`
(`all`, `maybe`, `one`, `value`, `run`) on a `Connection` (one transaction) or on the `Database` (one statement).
"""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg
import msgspec

Row = TypeVar("Row")
Result = TypeVar("Result")

UniqueViolation: type[Exception] = asyncpg.UniqueViolationError
CheckViolation: type[Exception] = asyncpg.CheckViolationError
ForeignKeyViolation: type[Exception] = asyncpg.ForeignKeyViolationError
DatabaseError: type[Exception] = asyncpg.PostgresError

# A name follows a single colon: `::type` casts, `'12:30'` and array slices `[1:2]` are left alone.
_PARAMETER = re.compile(r"(?<![:\w\]'])(?::)([a-z_][a-z0-9_]*)")


class NoRow(LookupError):
    """`one` or `value` found nothing where the statement promises a row."""


@lru_cache(maxsize=1024)
def positional(sql: str) -> tuple[str, tuple[str, ...]]:
    """Turn `:name` parameters into `$1, $2 …`; gives the statement and the names in order."""
    names: list[str] = []

    def place(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PARAMETER.sub(place, sql), tuple(names)


class Queries(ABC):
    """The five verbs; where they run is decided by `_run`."""

    @abstractmethod
    async def _run(self, call: Callable[[Any], Awaitable[Result]]) -> Result: ...

    async def all(self, row: type[Row], sql: str, /, **parameters: object) -> list[Row]:
        """Every row, as instances of the dataclass `row` (column names are its field names)."""
        text, values = _bind(sql, parameters)
        records = await self._run(lambda connection: connection.fetch(text, *values))
        if records and tuple(records[0].keys()) == getattr(row, "__match_args__", ())[: len(records[0])]:
            return [row(*record) for record in records]  # columns in the order of the fields: three times as fast
        return [row(**dict(record)) for record in records]

    async def maybe(self, row: type[Row], sql: str, /, **parameters: object) -> Row | None:
        """The first row or None."""
        text, values = _bind(sql, parameters)
        record = await self._run(lambda connection: connection.fetchrow(text, *values))
        return None if record is None else row(**dict(record))

    async def one(self, row: type[Row], sql: str, /, **parameters: object) -> Row:
        """The first row; `NoRow` if there is none."""
        found = await self.maybe(row, sql, **parameters)
        if found is None:
            raise NoRow(sql.split("\n", maxsplit=1)[0])
        return found

    async def value(self, sql: str, /, **parameters: object) -> Any:
        """The first column of the first row, or None."""
        text, values = _bind(sql, parameters)
        return await self._run(lambda connection: connection.fetchval(text, *values))

    async def run(self, sql: str, /, **parameters: object) -> int:
        """Execute; gives the number of rows touched."""
        text, values = _bind(sql, parameters)
        tag = await self._run(lambda connection: connection.execute(text, *values))
        last = str(tag).rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    async def many(self, sql: str, rows: Iterable[dict[str, object]], /) -> None:
        """Execute once per row of parameters, in one round trip."""
        text, names = positional(sql)
        values = [tuple(row[name] for name in names) for row in rows]
        await self._run(lambda connection: connection.executemany(text, values))


class Connection(Queries):
    """One connection inside one transaction."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    async def _run(self, call: Callable[[Any], Awaitable[Result]]) -> Result:
        return await call(self.raw)

    async def copy(self, table: str, columns: tuple[str, ...], records: Iterable[tuple[object, ...]]) -> None:
        """COPY records into a table: the fast way in for thousands of rows."""
        await self.raw.copy_records_to_table(table, columns=list(columns), records=list(records))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator["Connection"]:
        """A nested transaction: its failure leaves the outer one usable."""
        async with self.raw.transaction():
            yield self


class Database(Queries):
    """A pool bound to one event loop."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def _run(self, call: Callable[[Any], Awaitable[Result]]) -> Result:
        async with self._pool.acquire() as raw:
            return await call(raw)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """All or nothing; READ COMMITTED, so take row locks where a decision hangs on what was read."""
        async with self._pool.acquire() as raw, raw.transaction():
            yield Connection(raw)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Read only, and everything as it was at one moment, however long it takes."""
        async with self._pool.acquire() as raw, raw.transaction(isolation="repeatable_read", readonly=True):
            yield Connection(raw)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection without a transaction, for session locks and LISTEN."""
        async with self._pool.acquire() as raw:
            yield Connection(raw)

    async def close(self) -> None:
        await self._pool.close()


async def open_database(url: str, *, size: int = 8, patience_s: float = 30.0) -> Database:
    """Open a pool; waits up to `patience_s` for a server that is still starting."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            pool = await asyncpg.create_pool(url, min_size=1, max_size=size, init=_prepare, command_timeout=60)
            return Database(pool)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError, TimeoutError):
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)


async def _prepare(raw: Any) -> None:
    for name in ("json", "jsonb"):
        await raw.set_type_codec(
            name, schema="pg_catalog", encoder=lambda v: msgspec.json.encode(v).decode(), decoder=msgspec.json.decode
        )


def _bind(sql: str, parameters: dict[str, object]) -> tuple[str, list[object]]:
    text, names = positional(sql)
    return text, [parameters[name] for name in names]
