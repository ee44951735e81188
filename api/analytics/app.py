"""Wiring of the analytics service."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from starlette.applications import Starlette

from api.analytics import queries_event, routes, routes_internal
from api.analytics.money import currency_of
from api.service import Plumbing, build
from api.settings import Settings


def make_app(settings: Settings) -> Starlette:
    """The analytics service."""
    return build(
        "analytics", settings, [*routes.ROUTES, *routes_internal.ROUTES], extra=_currency, max_body_size=4 << 20
    )


@contextlib.asynccontextmanager
async def _currency(parts: Plumbing) -> AsyncIterator[Mapping[str, object]]:
    currency = currency_of(parts.settings)
    await queries_event.save_currency(parts.db, currency.minor_micros)
    yield {"currency": currency}
