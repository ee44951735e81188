"""Names of uploaders, asked from auth and kept for a minute. A catalogue without names is better than none."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from api.clients import Person
from api.problems import Problem

log = structlog.get_logger()

FRESH_S = 60.0
RETRY_S = 5.0
PATIENCE_S = 1.0
MOST = 10_000


class People:
    """`ask` is `Clients.auth_people`."""

    def __init__(self, ask: Callable[[Sequence[int]], Awaitable[list[Person]]]) -> None:
        self._ask = ask
        self._names: dict[int, tuple[str, float]] = {}

    async def names(self, ids: Iterable[int]) -> dict[int, str]:
        """A name for each id; "" for a user auth does not know, or when auth is away."""
        now, wanted = time.monotonic(), set(ids)
        missing = sorted(i for i in wanted if i not in self._names or self._names[i][1] < now)
        if missing:
            await self._refresh(missing, now)
        return {i: self._names[i][0] for i in wanted}

    async def _refresh(self, missing: list[int], now: float) -> None:
        if len(self._names) > MOST:
            self._names = {i: kept for i, kept in self._names.items() if kept[1] >= now}
        try:
            async with asyncio.timeout(PATIENCE_S):
                found, until = {p.id: p.name for p in await self._ask(missing)}, now + FRESH_S
        except (Problem, TimeoutError) as error:
            log.warning("people.unavailable", error=str(error))
            found, until = {}, now + RETRY_S
        for i in missing:
            old = self._names.get(i, ("", 0.0))[0] if until < now + FRESH_S else ""
            self._names[i] = (found.get(i, old), until)
