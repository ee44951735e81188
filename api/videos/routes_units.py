"""What workers ask of the videos service. `api/clients.py` is the caller's side, `api/wire.py` has the words."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from api.identity import require_service
from api.queue import QueueName
from api.service import answer, database, read
from api.videos import outcome, unit
from api.videos.routes import json_route
from api.wire import NewRendition, NewUnit, Opens
from media.segment import RENDITION

# A plan names every segment boundary of a long film.
MAX_PLAN_BYTES = 32 << 20
MAX_SEGMENTS = 1_000_000

Name = Annotated[str, StringConstraints(pattern=f"^(?:{RENDITION})$")]
Segments = Annotated[int, Field(ge=0, le=MAX_SEGMENTS)]
Fence = Annotated[int, Field(ge=1, lt=1 << 62)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClaimBody(Body):
    queue: QueueName
    worker: str = Field(min_length=1, max_length=200)
    held: bool = False


class RenewBody(Body):
    fence: Fence
    done_segments: Segments
    speed: float = Field(ge=0, lt=1e6, allow_inf_nan=False)
    made_ms: int = Field(default=0, ge=0, lt=1 << 40)
    end_segment: int | None = Field(default=None, ge=0, lt=1 << 32)


class RenditionBody(Body):
    name: Name
    kind: Literal["video", "audio", "text", "iframes"]
    width: int = Field(ge=0, le=16384)
    height: int = Field(ge=0, le=16384)
    bandwidth: int = Field(ge=0, lt=1 << 40)
    codecs: str = Field(max_length=200)
    language: str = Field(default="", max_length=35)


class UnitBody(Body):
    kind: Literal["video", "audio", "copy", "index", "survey", "loudness", "extras"]
    queue: Literal["interactive", "batch", "held"]
    renditions: list[Name]
    first_segment: Segments
    end_segment: Segments
    rank: int = Field(ge=0, le=MAX_SEGMENTS)


class PlannedPlan(BaseModel):
    """The one field of the plan this service reads; the rest is between workers."""

    model_config = ConfigDict(extra="allow")

    duration_ms: int = Field(ge=1, le=2_000_000_000)


class PlannedBody(Body):
    fence: Fence
    plan: PlannedPlan
    renditions: list[RenditionBody] = Field(min_length=1)
    units: list[UnitBody]


class OpensBody(Body):
    plan: dict[str, Any] = {}
    renditions: list[RenditionBody] = []
    units: list[UnitBody] = []
    adopt: list[Name] = []
    again: bool = False


class DoneBody(Body):
    fence: Fence
    result: dict[str, Any]
    opens: OpensBody | None = None


class FailBody(Body):
    fence: Fence
    code: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")
    message: str = Field(max_length=2000)
    permanent: bool


async def claim(request: Request) -> Response:
    require_service(request)
    body = await read(request, ClaimBody)
    return answer(await unit.claim(database(request), body.queue, body.worker, held=body.held))


async def renew(request: Request) -> Response:
    require_service(request)
    body = await read(request, RenewBody)
    heard_end = None if body.end_segment is None else min(body.end_segment, MAX_SEGMENTS)
    lease = await unit.renew(
        database(request),
        request.state.bells,
        _unit_id(request),
        body.fence,
        done_segments=body.done_segments,
        speed=body.speed,
        made_ms=body.made_ms,
        heard_end=heard_end,
    )
    return answer(lease)


async def planned(request: Request) -> Response:
    require_service(request)
    body = await read(request, PlannedBody)
    found = outcome.Planned(
        body.plan.duration_ms, body.plan.model_dump(), _renditions(body.renditions), _units(body.units)
    )
    await outcome.planned(database(request), request.state.bells, _unit_id(request), body.fence, found)
    return Response(status_code=204)


async def done(request: Request) -> Response:
    require_service(request)
    body = await read(request, DoneBody)
    opened = None if body.opens is None else _opens(body.opens)
    db, bells, unit_id = database(request), request.state.bells, _unit_id(request)
    await outcome.done(db, bells, unit_id, body.fence, result=body.result, opened=opened)
    return Response(status_code=204)


async def fail(request: Request) -> Response:
    require_service(request)
    body = await read(request, FailBody)
    db, bells, unit_id = database(request), request.state.bells, _unit_id(request)
    failure = outcome.Failure(body.code, body.message, permanent=body.permanent)
    await outcome.fail(db, bells, unit_id, body.fence, failure)
    return Response(status_code=204)


def _opens(told: OpensBody) -> Opens:
    return Opens(told.plan, _renditions(told.renditions), _units(told.units), told.adopt, told.again)


def _renditions(told: list[RenditionBody]) -> list[NewRendition]:
    return [NewRendition(**rendition.model_dump()) for rendition in told]


def _units(told: list[UnitBody]) -> list[NewUnit]:
    return [NewUnit(**new.model_dump()) for new in told]


def _unit_id(request: Request) -> int:
    return min(int(request.path_params["unit"]), (1 << 63) - 1)


ROUTES = [
    json_route("/internal/units/claim", claim, "POST"),
    json_route("/internal/units/{unit:int}/lease", renew, "PUT"),
    json_route("/internal/units/{unit:int}/planned", planned, "POST", MAX_PLAN_BYTES),
    json_route("/internal/units/{unit:int}/done", done, "POST", MAX_PLAN_BYTES),
    json_route("/internal/units/{unit:int}/fail", fail, "POST"),
]
