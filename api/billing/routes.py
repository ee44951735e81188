"""The billing API under `/api/billing`: read and check, call one noun function, answer."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.billing import holds, sheets, statements, wallets
from api.billing.money import Currency
from api.billing.queries_statement import Filter
from api.identity import require_service, require_user
from api.service import answer, plumbing, read, read_query

LARGEST = 2**63 - 1
SessionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,255}$")]


def _utc(moment: datetime) -> datetime:
    """A time without a zone is UTC."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("This time is out of range") from error


Moment = Annotated[datetime, AfterValidator(_utc)]


class Charge(BaseModel):
    """What a session has seen in all."""

    model_config = ConfigDict(extra="forbid", strict=True)

    session_id: SessionId
    seen_ms: Annotated[int, Field(ge=0, le=10**10)]


class Range(BaseModel):
    """A stretch of time: `from` inclusive, `to` exclusive."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None


class Wanted(Range):
    """The query of the transactions list; as CSV it is whole unless a `limit` is given."""

    cursor: Annotated[int, Field(gt=0, le=LARGEST)] | None = None
    type: Literal["deposit", "charge", "refund", "payout_earning", "payout", "adjustment"] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] | None = None
    format: Literal["json", "csv"] = "json"


def currency_here(request: Request) -> Currency:
    found: Currency = request.state.currency
    return found


async def create(request: Request) -> Response:
    user = await require_user(request)
    account, opened = await wallets.create(plumbing(request).db, currency_here(request), user.id)
    return answer(account, 201 if opened else 200)


async def balance(request: Request) -> Response:
    user = await require_user(request)
    return answer(await wallets.balance(plumbing(request).db, currency_here(request), user.id))


async def charge(request: Request) -> Response:
    require_service(request)
    told = await read(request, Charge)
    hold = await holds.charge(plumbing(request).db, currency_here(request), told.session_id, told.seen_ms)
    return answer({"charged": hold.charged, "balance": hold.balance, "charged_micros": hold.charged_micros})


async def transactions(request: Request) -> Response:
    user, asked = await require_user(request), read_query(request, Wanted)
    db, whole = plumbing(request).db, asked.format == "csv"
    limit = asked.limit or (LARGEST if whole else 50)
    wanted = Filter(asked.type, asked.since, asked.until, asked.cursor, limit)
    if not whole:
        return answer(await statements.page(db, user.id, wanted))
    return await attachment(statements.table(db, user.id, wanted, currency_here(request)), "transactions")


async def attachment(lines: AsyncIterator[str], name: str) -> Response:
    """A CSV file as it is made. Its first rows are read before the answer begins, so that a failure is one."""
    first = [await anext(lines), await anext(lines)]

    async def body() -> AsyncIterator[str]:
        for piece in first:
            yield piece
        async for piece in lines:
            yield piece

    headers = {"content-disposition": f'attachment; filename="{name}.csv"', "x-content-type-options": "nosniff"}
    return StreamingResponse(body(), headers=headers | {"cache-control": "no-store"}, media_type=sheets.MEDIA_TYPE)


async def revenue(request: Request) -> Response:
    user, asked = await require_user(request), read_query(request, Range)
    db = plumbing(request).db
    return answer(await statements.revenue(db, currency_here(request), user, asked.since, asked.until))


ROUTES = [
    Route("/api/billing/account/create", create, methods=["POST"]),
    Route("/api/billing/balance", balance),
    Route("/api/billing/charge", charge, methods=["POST"]),
    Route("/api/billing/transactions", transactions),
    Route("/api/billing/revenue/total", revenue),
]
