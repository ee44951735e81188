"""What other processes ask of billing: wallets and holds for auth and streaming, tidying for the sweeper."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.billing import earnings, holds, outbox, payments, wallets
from api.billing.metering import MINUTE_MS
from api.billing.routes import LARGEST, SessionId
from api.billing.routes_checkout import deliver
from api.identity import require_service
from api.service import answer, plumbing, read

Id = Annotated[int, Field(gt=0, le=LARGEST)]
YEAR_MS = 366 * 24 * 60 * MINUTE_MS


class Account(BaseModel):
    """Whose wallet."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user_id: Id


class NewHold(BaseModel):
    """The session a hold is for; the price in minor units."""

    model_config = ConfigDict(extra="forbid", strict=True)

    session_id: SessionId
    user_id: Id
    video_id: Id
    creator_id: Id
    price_per_minute: Annotated[int, Field(ge=0, le=10**9)]
    duration_ms: Annotated[int, Field(ge=0, le=10**10)]
    free: bool
    audio_only: bool = False
    preview_ms: Annotated[int, Field(ge=0, le=10**10)] = 0


class End(BaseModel):
    """How long a session lived, and the fastest it can have played."""

    model_config = ConfigDict(extra="forbid", strict=True)

    wall_ms: Annotated[int, Field(ge=0, le=YEAR_MS)]
    rate: Annotated[float, Field(gt=0, le=16)]


async def open_account(request: Request) -> Response:
    require_service(request)
    told = await read(request, Account)
    await wallets.create(plumbing(request).db, request.state.currency, told.user_id)
    return Response(status_code=204)


async def open_hold(request: Request) -> Response:
    require_service(request)
    terms = holds.Terms(**(await read(request, NewHold)).model_dump())
    state = request.state
    return answer(await holds.open_hold(plumbing(request).db, state.currency, state.creator_bps, terms), 201)


async def hold(request: Request) -> Response:
    require_service(request)
    session_id = request.path_params["session_id"]
    return answer(await holds.look(plumbing(request).db, request.state.currency, session_id))


async def end_hold(request: Request) -> Response:
    require_service(request)
    told, session_id = await read(request, End), request.path_params["session_id"]
    db = plumbing(request).db
    return answer(await holds.end_hold(db, request.state.currency, session_id, told.wall_ms, told.rate))


async def sweep(request: Request) -> Response:
    require_service(request)
    parts, state = plumbing(request), request.state
    return answer(
        {
            "released": await holds.release_expired(parts.db, state.currency),
            "delivered": await deliver(request),
            "learnt": await payments.sweep(parts.db, state.till),
            "matured": await earnings.mature(parts.db, state.payout_terms),
            "told": await outbox.tell_spent(parts.db, parts.clients),
            "relayed": await outbox.relay(parts.db, parts.clients),
        }
    )


ROUTES = [
    Route("/internal/accounts", open_account, methods=["POST"]),
    Route("/internal/holds", open_hold, methods=["POST"]),
    Route("/internal/holds/{session_id}", hold),
    Route("/internal/holds/{session_id}/end", end_hold, methods=["POST"]),
    Route("/internal/sweep", sweep, methods=["POST"]),
]
