"""What the nightly check tells billing, and what operators see of it."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.billing import outbox, queries_reconciliation, reconciliation, troubles
from api.billing.routes import LARGEST, currency_here
from api.identity import require_operator, require_service
from api.problems import NotFound
from api.service import answer, plumbing, read

Count = Annotated[int, Field(ge=0, le=LARGEST)]
Words = Annotated[str, Field(min_length=1, max_length=400)]
AT_ONCE = 200


class Beginning(BaseModel):
    """Which day; without one, everything."""

    model_config = ConfigDict(extra="forbid")

    day: date | None = None
    nightly: bool = False


class Found(BaseModel):
    """A difference, with both derivations."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Words
    subject: Words
    recorded: dict[str, Any]
    derived: dict[str, Any]
    user_id: Count | None = None
    video_id: Count | None = None
    overcharged_micros: Count = 0
    undercharged: bool = False
    provable: bool = True


class Differences(BaseModel):
    """Some of them."""

    model_config = ConfigDict(extra="forbid")

    found: Annotated[list[Found], Field(max_length=AT_ONCE)]


class Finished(BaseModel):
    """What was read and compared."""

    model_config = ConfigDict(extra="forbid", strict=True)

    through_ms: Count
    since_ms: Count
    positions: dict[str, str]
    counts: dict[str, Count]
    differences: Count
    everything: bool


def _id(request: Request) -> int:
    number: int = request.path_params["reconciliation_id"]
    if not 0 < number <= LARGEST:
        raise NotFound("There is no such reconciliation.")
    return number


async def begin(request: Request) -> Response:
    require_service(request)
    told = await read(request, Beginning)
    return answer(await reconciliation.begin(plumbing(request).db, told.day, nightly=told.nightly))


async def note(request: Request) -> Response:
    require_service(request)
    parts, told = plumbing(request), await read(request, Differences)
    found = [reconciliation.Found(**each.model_dump()) for each in told.found]
    noted = await reconciliation.note(parts.db, currency_here(request), _id(request), found)
    for user_id in noted.refunded_users:
        await outbox.tell_spent(parts.db, parts.clients, user_id)
    return answer(noted)


async def finish(request: Request) -> Response:
    require_service(request)
    told = await read(request, Finished)
    await reconciliation.finish(plumbing(request).db, _id(request), reconciliation.Finished(**told.model_dump()))
    return Response(status_code=204)


async def give_up(request: Request) -> Response:
    require_service(request)
    await queries_reconciliation.give_up(plumbing(request).db, _id(request))
    return Response(status_code=204)


async def overview(request: Request) -> Response:
    await require_operator(request)
    return answer(await reconciliation.overview(plumbing(request).db))


async def trouble(request: Request) -> Response:
    await require_operator(request)
    return answer(await troubles.troubles(plumbing(request).db, currency_here(request)))


ROUTES = [
    Route("/api/billing/reconciliation", overview),
    Route("/api/billing/troubles", trouble),
    Route("/internal/reconciliations", begin, methods=["POST"]),
    Route("/internal/reconciliations/{reconciliation_id:int}", finish, methods=["PUT"]),
    Route("/internal/reconciliations/{reconciliation_id:int}", give_up, methods=["DELETE"]),
    Route("/internal/reconciliations/{reconciliation_id:int}/differences", note, methods=["POST"]),
]
