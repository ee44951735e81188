"""Everything by which people move money: deposits, refunds, adjustments, payouts; each POST needs an Idempotency-Key.

Webhooks are the exception: their providers sign them and repeat them as they like.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.billing import adjustments, deposits, earnings, outbox, payments, refunds
from api.billing.earnings import PayoutTerms
from api.billing.providers import Till
from api.billing.routes import LARGEST, SessionId, currency_here
from api.identity import require_operator, require_user
from api.problems import NotFound
from api.service import answer, plumbing, read, read_query

MOST = 10**12  # minor units


def _printable(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("This must be a line of plain text")
    return text.strip()


def _something(amount: int) -> int:
    if amount == 0:
        raise ValueError("This must not be 0")
    return amount


Words = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_printable)]


class Deposit(BaseModel):
    """`amount` in minor units."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Annotated[int, Field(ge=-LARGEST, le=LARGEST)]


class NewRefund(BaseModel):
    """What is to be refunded and why; `amount` in minor units, only from operators."""

    model_config = ConfigDict(extra="forbid", strict=True)

    session_id: SessionId
    reason: Words
    amount: Annotated[int, Field(gt=0, le=MOST)] | None = None


class Adjustment(BaseModel):
    """`amount` in minor units: into the wallet, or out of it when negative."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user_id: Annotated[int, Field(gt=0, le=LARGEST)]
    amount: Annotated[int, Field(ge=-MOST, le=MOST), AfterValidator(_something)]
    reason: Words


class NewPayout(BaseModel):
    """`amount` in minor units; without it, all there is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Annotated[int, Field(gt=0, le=MOST)] | None = None


class Conclusion(BaseModel):
    """What became of a payout, and the bank's words for it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    state: Literal["paid", "returned"]
    reference: Words | None = None


class WantedPayouts(BaseModel):
    """The query of the payouts list; `all` is for operators."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["requested", "paid", "returned"] | None = None
    everyone: Annotated[bool, Field(alias="all")] = False
    cursor: Annotated[int, Field(gt=0, le=LARGEST)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


def _key(request: Request) -> str:
    return request.headers.get("idempotency-key", "")


def _till(request: Request) -> Till:
    found: Till = request.state.till
    return found


def _terms(request: Request) -> PayoutTerms:
    found: PayoutTerms = request.state.payout_terms
    return found


def _payout_id(request: Request) -> int:
    """Starlette's int convertor takes numbers that no database has."""
    text = request.path_params["payout_id"]
    if not re.fullmatch("[1-9][0-9]{0,17}", text):
        raise NotFound("There is no such payout.")
    return int(text)


async def deposit(request: Request) -> Response:
    user, parts = await require_user(request), plumbing(request)
    deposits.require_open(_till(request))
    body = await read(request, Deposit)
    made = await deposits.deposit(parts.db, _till(request), user.id, body.amount, _key(request))
    if isinstance(made, deposits.Opened):
        return answer(made, 202)
    await outbox.tell_spent(parts.db, parts.clients, user.id)
    return answer(made, 201)


async def payment(request: Request) -> Response:
    user = await require_user(request)
    return answer(await deposits.look(plumbing(request).db, user.id, request.path_params["payment_id"]))


async def webhook(request: Request) -> Response:
    parts, provider = plumbing(request), request.path_params["provider"]
    await payments.hear(parts.db, _till(request), provider, await request.body(), request.headers)
    await outbox.tell_spent(parts.db, parts.clients)
    return answer({"received": True})


async def refund(request: Request) -> Response:
    user, parts = await require_user(request), plumbing(request)
    body = await read(request, NewRefund)
    wish = refunds.Wish(body.session_id, body.reason, body.amount)
    currency, month_ms = currency_here(request), request.state.refund_ms
    made = await refunds.refund(parts.db, parts.clients, currency, user, wish, month_ms=month_ms, key=_key(request))
    return answer(made, 201)


async def adjust(request: Request) -> Response:
    operator, parts = await require_operator(request), plumbing(request)
    body = await read(request, Adjustment)
    currency, terms = currency_here(request), body.model_dump()
    made = await adjustments.adjust(parts.db, currency, operator.id, _key(request), **terms)
    await outbox.tell_spent(parts.db, parts.clients, body.user_id)
    return answer(made, 201)


async def earned(request: Request) -> Response:
    user = await require_user(request)
    return answer(await earnings.earnings(plumbing(request).db, currency_here(request), _terms(request), user.id))


async def request_payout(request: Request) -> Response:
    user, body = await require_user(request), await read(request, NewPayout)
    db, currency, terms = plumbing(request).db, currency_here(request), _terms(request)
    return answer(await earnings.request_payout(db, currency, terms, user.id, _key(request), amount=body.amount), 201)


async def payouts(request: Request) -> Response:
    user, asked = await require_user(request), read_query(request, WantedPayouts)
    whose = None if asked.everyone else user.id
    if asked.everyone:
        await require_operator(request)
    return answer(await earnings.payouts(plumbing(request).db, whose, asked.state, asked.cursor, asked.limit))


async def conclude_payout(request: Request) -> Response:
    operator = await require_operator(request)
    body, payout_id = await read(request, Conclusion), _payout_id(request)
    db, told = plumbing(request).db, body.model_dump()
    return answer(await earnings.conclude(db, operator.id, _key(request), payout_id, **told))


ROUTES = [
    Route("/api/billing/deposit", deposit, methods=["POST"]),
    Route("/api/billing/payments/{payment_id}", payment),
    Route("/api/billing/webhooks/{provider}", webhook, methods=["POST"]),
    Route("/api/billing/refunds", refund, methods=["POST"]),
    Route("/api/billing/adjustments", adjust, methods=["POST"]),
    Route("/api/billing/earnings", earned),
    Route("/api/billing/payouts", payouts),
    Route("/api/billing/payouts", request_payout, methods=["POST"]),
    Route("/api/billing/payouts/{payout_id}", conclude_payout, methods=["POST"]),
]
