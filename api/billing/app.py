"""The billing service, wired."""

import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from api.billing import (
    money,
    routes,
    routes_checkout,
    routes_internal,
    routes_money,
    routes_reconciliation,
    routes_statement,
)
from api.billing.earnings import PayoutTerms
from api.billing.providers import Provider, Till
from api.billing.testpay import EmbeddedPay
from api.service import Plumbing, build
from api.settings import Settings, SettingsError

PROVIDERS: Mapping[str, str | None] = {"test": "test", "checkout": "test", "stripe": "stripe", "none": None}


def _number(settings: Settings, name: str, least: int, most: int) -> int:
    number = settings.number(name)
    if not least <= number <= most:
        raise SettingsError(f"{name} must be between {least} and {most}, not {number}")
    return number


def _provider(settings: Settings) -> str:
    name = settings.text("PAYMENT_PROVIDER")
    if name not in PROVIDERS:
        raise SettingsError(f"PAYMENT_PROVIDER must be one of {', '.join(PROVIDERS)}, not {name!r}")
    wanted = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET") if name == "stripe" else ()
    for each in wanted:
        if not settings.text(each):
            raise SettingsError(f"PAYMENT_PROVIDER is stripe, so {each} must be set")
    return name


def _till(settings: Settings, parts: Plumbing) -> Till:
    """Stripe's package is large, so it is loaded only where it is used."""
    name, known = _provider(settings), dict[str, Provider]()
    if name in ("test", "checkout"):
        known["test"] = EmbeddedPay(parts.db, settings.secret("SERVICE_SECRET"))
    if settings.text("STRIPE_SECRET_KEY") and settings.text("STRIPE_WEBHOOK_SECRET"):
        known["stripe"] = importlib.import_module("api.billing.stripepay").StripePay(
            settings.text("STRIPE_SECRET_KEY"),
            settings.text("STRIPE_WEBHOOK_SECRET"),
            settings.text("STRIPE_API_URL").rstrip("/"),
            settings.text("PUBLIC_URL").rstrip("/") + "/wallet",
        )
    return Till(money.currency_of(settings), PROVIDERS[name], name == "test", known)


def make_app(settings: Settings) -> Starlette:
    """The service on port 3004; raises SettingsError when the money settings make no sense."""
    _provider(settings)
    terms = {
        "currency": money.currency_of(settings),
        "creator_bps": _number(settings, "CREATOR_SHARE_BPS", 0, 10_000),
        "refund_ms": _number(settings, "REFUND_MINUTES", 0, 100_000) * 60_000,
        "payout_terms": PayoutTerms(
            _number(settings, "PAYOUT_HOLD_DAYS", 0, 3650), _number(settings, "PAYOUT_MINIMUM", 1, 10**9)
        ),
    }

    @asynccontextmanager
    async def known(parts: Plumbing) -> AsyncIterator[Mapping[str, object]]:
        yield terms | {"till": _till(settings, parts)}

    own = [
        *routes.ROUTES,
        *routes_money.ROUTES,
        *routes_checkout.ROUTES,
        *routes_internal.ROUTES,
        *routes_reconciliation.ROUTES,
        *routes_statement.ROUTES,
    ]
    return build("billing", settings, own, extra=known)
