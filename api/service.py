"""Build one Starlette service: its plumbing in the lifespan, request ids, logs, metrics, /health and /metrics.

Every `api/<service>/app.py` calls `build`; `api serve NAME` runs the result with `serve`.
"""

import contextlib
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import prometheus_client
import structlog
import uvicorn
from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import VERSION
from api.clients import Clients
from api.database import Database, open_database
from api.identity import Identity, KeyRing
from api.limits import RateLimit
from api.migrate import migrate
from api.problems import InvalidRequest, Problem, handlers, problem_response
from api.settings import Settings

log = structlog.get_logger()
Model = TypeVar("Model", bound=BaseModel)

REQUESTS = prometheus_client.Counter(
    "http_requests_total", "Requests answered.", ["service", "endpoint", "method", "status"]
)
SECONDS = prometheus_client.Histogram("http_request_seconds", "Time to answer.", ["service", "endpoint"])


@dataclass(frozen=True)
class Plumbing:
    """What every service has at hand; made once in the lifespan, found with `plumbing(request)`."""

    name: str
    settings: Settings
    db: Database
    redis: Redis
    clients: Clients
    identity: Identity


Extra = Callable[[Plumbing], AbstractAsyncContextManager[Mapping[str, object]]]
Keys = Callable[[], Awaitable[dict[str, Any]]]


def build(
    name: str,
    settings: Settings,
    routes: Sequence[BaseRoute],
    *,
    extra: Extra | None = None,
    keys: Keys | None = None,
    max_body_size: int | None = 1 << 20,
    health: Callable[[Plumbing], Awaitable[dict[str, str]]] | None = None,
) -> Starlette:
    """One service. `extra` adds to `request.state`; `keys` replaces asking auth for its JWKS (auth itself);
    `health` adds checks (name -> "ok" or what is wrong)."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, object]]:
        async with AsyncExitStack() as stack:
            parts = await _open(stack, name, settings, keys)
            state: dict[str, object] = {"plumbing": parts, "db": parts.db, "identity": parts.identity}
            if extra is not None:
                state |= await stack.enter_async_context(extra(parts))
            log.info("service.started", service=name)
            yield state
            log.info("service.stopping", service=name)

    own = [
        Route("/health", _health(name, health), name="health"),
        Route("/health/live", _live, name="live"),
        Route("/metrics", _metrics, name="metrics"),
    ]
    return Starlette(
        routes=[*own, *routes],
        exception_handlers=handlers(),
        middleware=[
            Middleware(RequestLog, service=name),
            Middleware(RateLimit, settings=settings),
            Middleware(BodyLimit, max_bytes=max_body_size),
        ],
        lifespan=lifespan,
    )


async def _open(stack: AsyncExitStack, name: str, settings: Settings, keys: Keys | None) -> Plumbing:
    db = await open_database(settings.database_url(name))
    stack.push_async_callback(db.close)
    for applied in await migrate(db, Path(__file__).parent / name / "migrations"):
        log.info("migration.applied", service=name, file=applied)
    redis = Redis.from_url(settings.text("REDIS_URL"))
    stack.push_async_callback(redis.aclose)
    clients = await stack.enter_async_context(Clients(settings, caller=name))
    identity = Identity(name, settings.secret("SERVICE_SECRET"), KeyRing(keys or clients.auth_jwks))
    return Plumbing(name, settings, db, redis, clients, identity)


def plumbing(request: Request) -> Plumbing:
    found: Plumbing = request.state.plumbing
    return found


def database(request: Request) -> Database:
    return plumbing(request).db


async def read(request: Request, model: type[Model]) -> Model:
    """The JSON body as a pydantic model (give it `extra="forbid"`); raises InvalidRequest with field errors."""
    body = await request.body()
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise invalid(error) from error


def read_query(request: Request, model: type[Model]) -> Model:
    """The query string as a pydantic model; raises InvalidRequest."""
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise invalid(error) from error


def invalid(error: ValidationError) -> InvalidRequest:
    """The 422 problem with one entry per wrong field."""
    errors = [{"field": ".".join(str(p) for p in e["loc"]) or "body", "message": e["msg"]} for e in error.errors()]
    return InvalidRequest(errors=errors)


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON from dataclasses, structs, dicts and datetimes (RFC 3339)."""
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


def _health(name: str, more: Callable[[Plumbing], Awaitable[dict[str, str]]] | None) -> Any:
    async def health(request: Request) -> Response:
        parts = plumbing(request)
        checks = {"database": await _check(parts.db.value("select 1")), "redis": await _check(parts.redis.ping())}
        if more is not None:
            checks |= await more(parts)
        fine = all(value == "ok" for value in checks.values())
        body = {"status": "ok" if fine else "degraded", "service": name, "version": VERSION, "checks": checks}
        return answer(body, 200 if fine else 503, {"cache-control": "no-store"})

    return health


async def _check(probe: Awaitable[object]) -> str:
    try:
        await probe
    except Exception as error:  # noqa: BLE001 - whatever is wrong, the health page says it
        return f"{type(error).__name__}: {error}"[:200]
    return "ok"


async def _live(_: Request) -> Response:
    return answer({"status": "ok"})


async def _metrics(_: Request) -> Response:
    return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)


class RequestLog:
    """Outermost: gives each request an id, counts and logs it, and turns an unknown error into a problem."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["request_id"] = _request_id(scope)
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", scope["request_id"].encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=scope["request_id"]):
            try:
                await self.app(scope, receive, send_with_id)
            except Exception as error:
                log.exception("request.failed", path=scope["path"])
                if status:
                    raise
                known = error if isinstance(error, Problem) else Problem()
                await problem_response(Request(scope), known)(scope, receive, send_with_id)
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        endpoint = getattr(scope.get("endpoint"), "__name__", "none")
        REQUESTS.labels(self.service, endpoint, scope["method"], status).inc()
        SECONDS.labels(self.service, endpoint).observe(seconds)
        if endpoint not in ("health", "_live", "_metrics", "verdict"):
            log.info("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000, 1))


class BodyLimit:
    """Innermost: 413 beyond `max_bytes`. Starlette's own limit answers in plain text, outside of `RequestLog`."""

    def __init__(self, app: ASGIApp, max_bytes: int | None) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0

        async def receive_limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if self.max_bytes is not None and size > self.max_bytes:
                raise HTTPException(413, f"This request is too large; at most {self.max_bytes} bytes are read.")
            return message

        await self.app(scope, receive_limited, send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and 8 <= len(value) <= 64 and value.isalnum():
            return str(value, "ascii")
    return uuid.uuid4().hex


def serve(app: ASGIApp, settings: Settings, port: int) -> None:
    """Run until SIGTERM: in-flight requests get five seconds, open event streams are cut."""
    config = uvicorn.Config(
        app,
        host=settings.text("BIND"),
        port=port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # nginx keeps idle upstream connections 60 s; closing first would be its random 502s.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(3)


def unix_socket(path: Path) -> socket.socket:
    """A listening socket at `path` for our own account alone, in the place of whatever a killed predecessor left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(fresh))
    fresh.chmod(0o600)
    # Nobody can connect before it is listened to, and nobody ever finds no socket.
    listener.listen(2048)
    fresh.rename(path)
    return listener
