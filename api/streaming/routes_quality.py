"""What players told of sessions, for those who have to decide by it."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import require_service
from api.problems import NotFound
from api.service import answer, plumbing, read_query
from api.streaming import queries_quality


async def quality(request: Request) -> Response:
    require_service(request)
    found = await queries_quality.quality(plumbing(request).db, request.path_params["session_id"])
    if found is None:
        raise NotFound("There is no such session.")
    return answer(found)


class ToldAsked(BaseModel):
    """A place in the order of change, and how many after it."""

    model_config = ConfigDict(extra="forbid")

    through: AwareDatetime
    session_id: str = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 500


async def told(request: Request) -> Response:
    require_service(request)
    asked = read_query(request, ToldAsked)
    found = await queries_quality.told(plumbing(request).db, asked.through, asked.session_id, asked.limit)
    return answer(found)


ROUTES = [
    Route("/internal/sessions/told", told),
    Route("/internal/sessions/{session_id}/quality", quality),
]
