"""The streaming service, wired."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.types import ASGIApp

from api.service import Plumbing, build
from api.settings import Settings
from api.streaming import routes, routes_edge, routes_internal, routes_quality, token, verdict_socket
from api.streaming.desk import Desk
from api.streaming.live import Live
from api.streaming.routes_verdict import Verdicts
from api.streaming.seen import Seen
from api.streaming.slots import Slots
from api.streaming.validator import Validator

# A verdict that Redis cannot help with comes from PostgreSQL instead, so nobody waits long for Redis.
REDIS_PATIENCE_S = 0.5


@asynccontextmanager
async def _validator(parts: Plumbing) -> AsyncIterator[Mapping[str, object]]:
    settings = parts.settings
    signer, seen = token.make_signer(settings.secret("TOKEN_SECRET")), Seen(parts.db)
    async with Redis.from_url(
        settings.text("REDIS_URL"),
        socket_timeout=REDIS_PATIENCE_S,
        socket_connect_timeout=REDIS_PATIENCE_S,
        retry=Retry(NoBackoff(), 1),
        protocol=2,
    ) as redis:
        live = Live(redis, parts.db)
        desk = Desk(Validator(signer, live, Slots(redis), seen, settings.number("MAX_SESSIONS")))
        beside = [asyncio.create_task(seen.keep_writing()), asyncio.create_task(live.keep_forgetting())]
        try:
            async with AsyncExitStack() as near:
                if settings.text("VERDICT_SOCKET"):
                    await near.enter_async_context(verdict_socket.listening(settings.path("VERDICT_SOCKET"), desk))
                yield {"signer": signer, "live": live, "seen": seen, "desk": desk}
        finally:
            await _ended(beside)
            await seen.write()


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    """Cancelled until they end: `asyncio.wait_for`, deep in a client, may lose a cancellation (until Python 3.12)."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=REDIS_PATIENCE_S)


def make_app(settings: Settings) -> ASGIApp:
    """The service on port 3003; raises SettingsError when TOKEN_SECRET is missing."""
    settings.secret("TOKEN_SECRET")
    known = [*routes.ROUTES, *routes_internal.ROUTES, *routes_edge.ROUTES, *routes_quality.ROUTES]
    return Verdicts(build("streaming", settings, known, extra=_validator))
