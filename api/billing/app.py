"""The billing service, wired."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from api.billing import deposits, money, routes, routes_internal
from api.service import Plumbing, build
from api.settings import Settings, SettingsError


def _creator_bps(settings: Settings) -> int:
    bps = settings.number("CREATOR_SHARE_BPS")
    if not 0 <= bps <= 10_000:
        raise SettingsError(f"CREATOR_SHARE_BPS must be between 0 and 10000, not {bps}")
    return bps


def make_app(settings: Settings) -> Starlette:
    """The service on port 3004; raises SettingsError when the money settings make no sense."""
    deposits.provider(settings)
    terms = {"currency": money.currency_of(settings), "creator_bps": _creator_bps(settings)}

    @asynccontextmanager
    async def known(_: Plumbing) -> AsyncIterator[Mapping[str, object]]:
        yield terms

    return build("billing", settings, [*routes.ROUTES, *routes_internal.ROUTES], extra=known)
