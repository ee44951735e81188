"""For edges that are not ours, a CDN's: where their fetch lines come in. For services, so not behind the gateway."""

import asyncio
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import require_service
from api.problems import InvalidRequest
from api.service import answer, plumbing, read
from api.streaming import edge_logs, queries_edge
from api.streaming.token import SESSION_ID

MAX_IDS = 200


class Batch(BaseModel):
    """Bytes `start` and on of a generation of an edge's log; whole lines at the end."""

    model_config = ConfigDict(extra="forbid", strict=True)

    edge: str
    generation: Annotated[int, Field(ge=1, lt=10**10)]
    start: Annotated[int, Field(ge=0, lt=1 << 53)]
    lines: Annotated[str, Field(pattern=r"\n\z", min_length=1)]


async def append(request: Request) -> Response:
    require_service(request)
    batch, settings = await read(request, Batch), plumbing(request).settings
    root, local = settings.path("FETCH_LOG_ROOT"), settings.text("EDGE_NAME")
    given = edge_logs.Batch(batch.edge, batch.generation, batch.start, batch.lines.encode())
    return answer(await asyncio.to_thread(edge_logs.append, root, local, given))


async def owners(request: Request) -> Response:
    """A CDN's log knows the session, from the token; a fetch line names its user too."""
    require_service(request)
    ids = request.query_params.get("ids", "").split(",")
    if len(ids) > MAX_IDS or not all(SESSION_ID.fullmatch(text) for text in ids):
        raise InvalidRequest(errors=[{"field": "ids", "message": f"must be at most {MAX_IDS} session ids"}])
    return answer(await queries_edge.owners(plumbing(request).db, ids))


ROUTES = [
    Route("/internal/edge-logs", append, methods=["POST"]),
    Route("/internal/sessions", owners, methods=["GET"]),
]
