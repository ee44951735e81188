"""What services, workers, the sweeper and nginx ask of the videos service. `api/clients.py` is the caller's side."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.clients import NewRendition, NewUnit
from api.identity import require_service
from api.problems import InvalidRequest
from api.queue import QueueName
from api.service import answer, database, read
from api.videos import held, unit, upload, video
from api.videos.routes import json_route, video_id
from media.segment import RENDITION

MAX_IDS = 1000
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


class RenewBody(Body):
    fence: Fence
    done_segments: Segments
    speed: float = Field(ge=0, lt=1e6, allow_inf_nan=False)
    made_ms: int = Field(default=0, ge=0, lt=1 << 40)
    end_segment: int | None = Field(default=None, ge=0)


class RenditionBody(Body):
    name: Name
    kind: Literal["video", "audio", "text", "iframes"]
    width: int = Field(ge=0, le=16384)
    height: int = Field(ge=0, le=16384)
    bandwidth: int = Field(ge=0, lt=1 << 40)
    codecs: str = Field(max_length=200)
    language: str = Field(default="", max_length=35)


class UnitBody(Body):
    kind: Literal["video", "audio"]
    queue: QueueName
    renditions: list[Name] = Field(min_length=1)
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


class DoneBody(Body):
    fence: Fence
    result: dict[str, Any]
    opens: dict[str, Any] | None = None


class FailBody(Body):
    fence: Fence
    code: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")
    message: str = Field(max_length=2000)
    permanent: bool


async def list_facts(request: Request) -> Response:
    require_service(request)
    ids = [part for part in request.query_params.get("ids", "").split(",") if part]
    if len(ids) > MAX_IDS or not all(part.isascii() and part.isdigit() and len(part) <= 10 for part in ids):
        raise InvalidRequest(errors=[{"field": "ids", "message": f"must be at most {MAX_IDS} numbers"}])
    return answer(await video.facts(database(request), map(int, ids)))


async def count_play(request: Request) -> Response:
    require_service(request)
    await video.count_play(database(request), video_id(request))
    return Response(status_code=204)


async def claim(request: Request) -> Response:
    require_service(request)
    body = await read(request, ClaimBody)
    return answer(await unit.claim(database(request), body.queue, body.worker))


async def renew(request: Request) -> Response:
    require_service(request)
    body = await read(request, RenewBody)
    lease = await unit.renew(database(request), _unit_id(request), body.fence, body.done_segments, body.speed)
    return answer(lease)


async def planned(request: Request) -> Response:
    require_service(request)
    body = await read(request, PlannedBody)
    renditions = [NewRendition(**r.model_dump()) for r in body.renditions]
    units = [NewUnit(**u.model_dump()) for u in body.units]
    outcome = unit.Planned(body.plan.duration_ms, body.plan.model_dump(), renditions, units)
    await unit.planned(database(request), request.state.bells, _unit_id(request), body.fence, outcome)
    return Response(status_code=204)


async def done(request: Request) -> Response:
    require_service(request)
    body = await read(request, DoneBody)
    await unit.done(database(request), request.state.bells, _unit_id(request), body.fence, body.result)
    return Response(status_code=204)


async def fail(request: Request) -> Response:
    require_service(request)
    body = await read(request, FailBody)
    db, bells, unit_id = database(request), request.state.bells, _unit_id(request)
    failure = unit.Failure(body.code, body.message, permanent=body.permanent)
    await unit.fail(db, bells, unit_id, body.fence, failure)
    return Response(status_code=204)


async def sweep(request: Request) -> Response:
    """Everything that time alone brings about; any number of sweepers may call it."""
    require_service(request)
    db, bells = database(request), request.state.bells
    swept = {
        "leases": await unit.expire(db, bells),
        "rung": await unit.ring_unheard(db, bells),
        "uploads": await upload.expire(db),
        "removals": await request.state.remover.sweep(),
    }
    return answer(swept)


async def hold_segment(request: Request) -> Response:
    """nginx asks for a file that is not there; the answer sends it to look again. No token: it has none."""
    parts = request.path_params
    place = held.parse(parts["video"], parts["generation"], parts["rendition"], parts["file"])
    state = request.state
    with state.waiting.taken(parts["video"]):
        await held.wait(database(request), state.bells, state.media, place, request.is_disconnected)
    return Response(status_code=200, headers={"x-accel-redirect": f"/segments/{place.path}"})


async def poster(request: Request) -> Response:
    """nginx asks whether a video's poster is open to everybody; it understands 403 alone. No token: it has none."""
    found = await video.is_open(database(request), request.path_params["video"])
    return Response(status_code=204 if found else 403)


def _unit_id(request: Request) -> int:
    return min(int(request.path_params["unit"]), (1 << 63) - 1)


ROUTES = [
    Route("/internal/videos", list_facts, methods=["GET"]),
    Route("/internal/videos/{video:int}/plays", count_play, methods=["POST"]),
    json_route("/internal/units/claim", claim, "POST"),
    json_route("/internal/units/{unit:int}/lease", renew, "PUT"),
    json_route("/internal/units/{unit:int}/planned", planned, "POST", MAX_PLAN_BYTES),
    json_route("/internal/units/{unit:int}/done", done, "POST", MAX_PLAN_BYTES),
    json_route("/internal/units/{unit:int}/fail", fail, "POST"),
    Route("/internal/sweep", sweep, methods=["POST"]),
    Route("/internal/held/{video}/{generation}/{rendition}/{file}", hold_segment, methods=["GET"]),
    Route("/internal/posters/{video:int}", poster, methods=["GET"]),
]
