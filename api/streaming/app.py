"""The streaming service, wired."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from api.service import Plumbing, build
from api.settings import Settings
from api.streaming import routes, routes_internal, token


@asynccontextmanager
async def _signer(parts: Plumbing) -> AsyncIterator[Mapping[str, object]]:
    yield {"signer": token.make_signer(parts.settings.secret("TOKEN_SECRET"))}


def make_app(settings: Settings) -> Starlette:
    """The service on port 3003; raises SettingsError when TOKEN_SECRET is missing."""
    settings.secret("TOKEN_SECRET")
    return build("streaming", settings, [*routes.ROUTES, *routes_internal.ROUTES], extra=_signer)
