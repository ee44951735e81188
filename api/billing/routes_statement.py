"""Statements, proofs and the daily limit: what people check their money by, and keep it with."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.billing import months, outbox, proofs, spending
from api.billing.routes import attachment, currency_here
from api.identity import require_user
from api.problems import NotFound
from api.service import answer, plumbing, read, read_query


class Form(BaseModel):
    """The form of a statement."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "csv"] = "json"


class Limit(BaseModel):
    """What a user allows themselves to spend on a day, in minor units; null: no limit."""

    model_config = ConfigDict(extra="forbid", strict=True)

    daily_limit: Annotated[int, Field(gt=0, le=10**12)] | None


async def limits(request: Request) -> Response:
    user = await require_user(request)
    return answer(await spending.limits(plumbing(request).db, currency_here(request), user.id))


async def set_limits(request: Request) -> Response:
    user, told, parts = await require_user(request), await read(request, Limit), plumbing(request)
    found = await spending.set_limit(parts.db, currency_here(request), user.id, told.daily_limit)
    await outbox.tell_spent(parts.db, parts.clients, user.id)
    return answer(found)


async def statement(request: Request) -> Response:
    user, asked = await require_user(request), read_query(request, Form)
    month = request.path_params["month"]
    found = await months.statement(plumbing(request).db, currency_here(request), user.id, month)
    if asked.format == "json":
        return answer(found, headers={"cache-control": "no-store"})

    async def lines() -> AsyncIterator[str]:
        for line in months.table(found):
            yield line

    return await attachment(lines(), f"statement-{month}")


async def proof(request: Request) -> Response:
    user, parts = await require_user(request), plumbing(request)
    root, session_id = parts.settings.path("FETCH_LOG_ROOT"), request.path_params["session_id"]
    if not re.fullmatch("[A-Za-z0-9_-]{1,255}", session_id):
        raise NotFound("There is no such session.")
    return answer(await proofs.proof(parts.db, user, root, session_id), headers={"cache-control": "no-store"})


ROUTES = [
    Route("/api/billing/limits", limits),
    Route("/api/billing/limits", set_limits, methods=["PUT"]),
    Route("/api/billing/statements/{month}", statement),
    Route("/api/billing/sessions/{session_id}/proof", proof),
]
