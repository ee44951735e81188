"""Fixtures: real servers, a database per test cloned from a migrated template, real services on free ports.

`platform("auth", "billing")` starts those services as uvicorn servers in this process and gives a `Platform`:
`await p.call("POST", "billing", "/api/…", json=…, token=p.user(7))`, `p.db("billing")`, `p.service_token("billing")`.
"""

import asyncio
import contextlib
import importlib
import itertools
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.database import Database, open_database
from api.identity import ISSUER, service_token
from api.migrate import migrate
from api.settings import DATABASES, SERVICE_URLS, SERVICES, Settings, load
from tests import servers


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the long forms: tests/faults, tests/billing")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Server]:
    with servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[servers.Server]:
    with servers.redis() as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(redis_server: servers.Server) -> str:
    return f"redis://:{redis_server.password}@127.0.0.1:{redis_server.port}/0"


# Each platform gets the next database of the one server, emptied: an old stream is not a new test's.
_databases = itertools.cycle(range(1, 64))


def _url(server: servers.Server, name: str) -> str:
    return f"postgresql://postgres:{server.password}@127.0.0.1:{server.port}/{name}"


class Cluster:
    """Makes databases: a template per service, migrated once, then clones."""

    def __init__(self, server: servers.Server) -> None:
        self._server = server
        self._templates: set[str] = set()
        self._lock = asyncio.Lock()

    async def clone(self, service: str) -> str:
        """The URL of a fresh, migrated database of a service."""
        name = f"t_{secrets.token_hex(6)}"
        async with self._lock:
            if service not in self._templates:
                await self._execute(f"create database template_{service}")
                db = await open_database(_url(self._server, f"template_{service}"), size=1)
                await migrate(db, Path("api") / service / "migrations")
                await db.close()
                self._templates.add(service)
            await self._execute(f"create database {name} template template_{service}")
        return _url(self._server, name)

    async def empty(self) -> str:
        """The URL of a fresh database without any table."""
        name = f"t_{secrets.token_hex(6)}"
        await self._execute(f"create database {name}")
        return _url(self._server, name)

    async def drop(self, url: str) -> None:
        """Give back the room of one of them; who is still connected is cut off."""
        await self._execute(f"drop database {url.rpartition('/')[2]} with (force)")

    async def _execute(self, sql: str) -> None:
        db = await open_database(_url(self._server, "postgres"), size=1)
        async with db.connection() as connection:
            await connection.raw.execute(sql)
        await db.close()


@pytest.fixture(scope="session")
def cluster(postgres: servers.Server) -> Cluster:
    return Cluster(postgres)


class Platform:
    """Running services of one test, with tokens for anybody."""

    def __init__(self, settings: Settings, databases: dict[str, Database], key: Ed25519PrivateKey) -> None:
        self.settings, self._databases, self._key = settings, databases, key
        self.http = httpx2.AsyncClient(timeout=20, verify=False)

    def db(self, service: str) -> Database:
        return self._databases[service]

    def user(self, user_id: int, role: str = "user", name: str = "Test Person") -> str:
        """An access token as auth would issue it."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": ISSUER, "sub": str(user_id), "role": role, "name": name}
        return jwt.encode(claims | {"iat": now, "exp": now + 900}, self._key, "EdDSA", headers={"kid": "test"})

    def service_token(self, callee: str, caller: str = "tests") -> str:
        return service_token(self.settings.secret("SERVICE_SECRET"), caller, callee)

    async def call(
        self, method: str, service: str, path: str, *, token: str | None = None, **request: Any
    ) -> httpx2.Response:
        """One request to a service's own port; `token` is shown as bearer."""
        headers = dict(request.pop("headers", None) or {})
        if token:
            headers["authorization"] = f"Bearer {token}"
        return await self.http.request(method, self.settings.service_url(service) + path, headers=headers, **request)


PlatformMaker = Callable[..., Awaitable[Platform]]


@pytest.fixture
async def platform(cluster: Cluster, redis_server: servers.Server, tmp_path: Path) -> AsyncIterator[PlatformMaker]:
    """A maker of platforms: `p = await platform("billing", "streaming", MAX_SESSIONS="2")`.

    Without "auth" among them, tokens are signed by a key this fixture publishes in auth's place.
    """
    async with AsyncExitStack() as stack:

        async def make(*names: str, **overrides: str) -> Platform:
            sockets = {name: _listen() for name in SERVICES}
            values = await _values(names, sockets, cluster, redis_server, tmp_path, overrides)
            key = Ed25519PrivateKey.generate()
            apps = {} if "auth" in names else {"auth": _jwks_app(key)}
            databases: dict[str, Database] = {}
            for name in names:
                url = await cluster.clone(name)
                stack.push_async_callback(cluster.drop, url)
                settings = load({**values, "DATABASE_URL": url})
                apps[name] = importlib.import_module(f"api.{name}.app").make_app(settings)
                databases[name] = await open_database(settings.database_url(name), size=4)
                stack.push_async_callback(databases[name].close)
            running = [_Running(app, sockets[name]) for name, app in apps.items()]
            stack.push_async_callback(_stopped, running)
            for server in running:
                await server.ready()
            for name in set(SERVICES) - set(apps):
                sockets[name].close()
            made = Platform(load(values), databases, key)
            stack.push_async_callback(made.http.aclose)
            return made

        yield make


async def _values(
    names: tuple[str, ...],
    sockets: dict[str, socket.socket],
    cluster: Cluster,
    redis_server: servers.Server,
    folder: Path,
    overrides: dict[str, str],
) -> dict[str, str]:
    urls = {SERVICE_URLS[n]: f"http://127.0.0.1:{s.getsockname()[1]}" for n, s in sockets.items()}
    redis_url = f"redis://:{redis_server.password}@127.0.0.1:{redis_server.port}/{next(_databases)}"
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    return {
        **urls,
        "STREAMIFY_HOME": str(folder / "home"),
        "REDIS_URL": redis_url,
        "JWT_SECRET": "j" * 40,
        "SERVICE_SECRET": "s" * 40,
        "TOKEN_SECRET": "t" * 40,
        "RATE_LIMIT_MAX_REQUESTS": "10000",
        "RATE_LIMIT_USER_MAX_REQUESTS": "10000",
        "LOG_LEVEL": "warning",
        **overrides,
    }


def _listen() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


def _jwks_app(key: Ed25519PrivateKey) -> Starlette:
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "test", "alg": "EdDSA"}

    async def jwks(_: Request) -> Response:
        return JSONResponse({"keys": [jwk]})

    async def people(request: Request) -> Response:
        ids = [int(i) for i in request.query_params["ids"].split(",") if i]
        return JSONResponse([{"id": i, "name": f"Person {i}"} for i in ids])

    return Starlette(routes=[Route("/.well-known/jwks.json", jwks), Route("/internal/users", people)])


class _Running(uvicorn.Server):
    """A service in this process. It stops when it is told to, not at uvicorn's next look, a tenth of a second away."""

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        # As long as `api.service.serve` keeps idle connections: uvicorn's own five seconds are its clients' too, and
        # then a request can meet the closing of the connection it is sent on.
        super().__init__(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_keep_alive=75, timeout_graceful_shutdown=1)
        )
        self._told = asyncio.Event()
        self.task = asyncio.create_task(self.serve(sockets=[listener]))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they are pytest's

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    async def ready(self) -> None:
        while not self.started:
            if self.task.done():
                self.task.result()
                raise RuntimeError("the service stopped while starting; see the log above")
            await asyncio.sleep(0.005)

    def stop(self) -> None:
        self.should_exit = True
        self._told.set()


async def _stopped(running: list[_Running]) -> None:
    for server in running:
        server.stop()
    await asyncio.gather(*(server.task for server in running))


__all__ = ["DATABASES", "Cluster", "Platform", "PlatformMaker"]
