"""What players told of sessions, for those who have to decide by it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import require_service
from api.problems import NotFound
from api.service import answer, plumbing
from api.streaming import queries_quality


async def quality(request: Request) -> Response:
    require_service(request)
    found = await queries_quality.quality(plumbing(request).db, request.path_params["session_id"])
    if found is None:
        raise NotFound("There is no such session.")
    return answer(found)


ROUTES = [Route("/internal/sessions/{session_id}/quality", quality)]
