"""Rate limits on `/api/*`: a sliding window in Redis, per address for anonymous callers, per user when signed in.

Heartbeats, upload chunks, event streams and refreshes (one per page opened, and shown by a cookie alone) have their own
bounds and are exempt; media is bounded by nginx.
When Redis is away requests pass: a limit is a courtesy, an outage is not.
"""

import re
import time
from ipaddress import IPv4Address, IPv6Network, ip_address
from math import ceil

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.identity import Identity, InvalidToken, bearer
from api.problems import Problem, TooManyRequests, problem_response
from api.settings import Settings

log = structlog.get_logger()

EXEMPT = re.compile(r"^/api/(auth/refresh$|stream/heartbeat/|uploads/|.*/events$|analytics/live$|billing/webhooks/)")


class RateLimit:
    """Middleware: 429 with Retry-After beyond the limit, `RateLimit-*` headers on every counted answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.window_s = max(1, settings.number("RATE_LIMIT_WINDOW_MS") // 1000)
        self.anonymous = settings.number("RATE_LIMIT_MAX_REQUESTS")
        self.signed_in = settings.number("RATE_LIMIT_USER_MAX_REQUESTS")
        self._url = "async+" + settings.text("REDIS_URL")
        self._limiter: SlidingWindowCounterRateLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/") or EXEMPT.match(scope["path"]):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        who, limit = await self._caller(request)
        if who is None:
            await self.app(scope, receive, send)
            return
        allowed, remaining, reset_s = await self._hit(request, who, limit)
        headers = {"ratelimit-limit": limit, "ratelimit-remaining": remaining, "ratelimit-reset": reset_s}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), str(value).encode()) for name, value in headers.items()]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        if allowed:
            await self.app(scope, receive, send_with_headers)
            return
        problem = TooManyRequests(f"Too many requests. Try again in {reset_s} s.", retry_after=reset_s)
        await problem_response(request, problem)(scope, receive, send_with_headers)

    async def _caller(self, request: Request) -> tuple[str | None, int]:
        """The counted name and its limit; None for our own services."""
        token = bearer(request)
        identity: Identity = request.state.identity
        if token is not None:
            try:
                return f"user:{(await identity.user(token)).id}", self.signed_in
            except Problem:
                try:
                    identity.caller(token)
                except InvalidToken:
                    pass
                else:
                    return None, 0
        return f"address:{client_address(request)}", self.anonymous

    def _storage(self, request: Request) -> RedisStorage:
        pool = request.state.plumbing.redis.connection_pool
        return RedisStorage(self._url, implementation="redispy", connection_pool=pool)

    async def _hit(self, request: Request, who: str, limit: int) -> tuple[bool, int, int]:
        item = RateLimitItemPerSecond(limit, self.window_s, namespace="limit")
        try:
            if self._limiter is None:
                self._limiter = SlidingWindowCounterRateLimiter(self._storage(request))
            allowed = await self._limiter.hit(item, who)
            stats = await self._limiter.get_window_stats(item, who)
        except Exception as error:  # noqa: BLE001 - see the module's first lines
            log.warning("limits.unavailable", error=str(error))
            return True, limit, self.window_s
        return allowed, max(0, stats.remaining), max(1, ceil(stats.reset_time - time.time()))


def client_address(request: Request) -> str:
    """The caller's address; the gateway overwrites `X-Real-IP`, and nothing else reaches the service ports."""
    return counted(request.headers.get("x-real-ip") or (request.client.host if request.client else "unknown"))


def counted(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 that an IPv6 customer has for himself."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    return str(found.ipv4_mapped or IPv6Network((int(found) >> 64 << 64, 64)))
