"""The auth service: its routes, key, hashing threads and counted attempts, put together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from api.auth.attempts import Attempts
from api.auth.keys import SigningKey
from api.auth.passwords import Passwords
from api.auth.routes import ROUTES
from api.service import Plumbing, build
from api.settings import Settings

MAX_BODY_BYTES = 64 << 10


def make_app(settings: Settings) -> Starlette:
    """Auth verifies with its own key: it asks nobody for a JWKS."""
    key = SigningKey(settings.secret("JWT_SECRET"))

    async def keys() -> dict[str, Any]:
        return key.jwks()

    @asynccontextmanager
    async def state(parts: Plumbing) -> AsyncIterator[Mapping[str, object]]:
        with Passwords(Attempts(parts.redis, settings.text("REDIS_URL"))) as passwords:
            yield {"key": key, "passwords": passwords}

    return build("auth", settings, ROUTES, extra=state, keys=keys, max_body_size=MAX_BODY_BYTES)
