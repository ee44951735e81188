"""The streaming API under `/api/stream`: read and check, call one noun function, answer."""

import dataclasses
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import require_user
from api.service import answer, plumbing, read, read_query
from api.streaming import heartbeats, sessions, settlement
from api.streaming.token import Signer

At = TypeVar("At", sessions.Address, sessions.Started)


class End(BaseModel):
    """The body of an end call; it may be empty."""

    model_config = ConfigDict(extra="forbid", strict=True)

    position_ms: Annotated[int, Field(ge=0, le=365 * heartbeats.DAY_MS)] | None = None


class Filter(BaseModel):
    """The query of the sessions list."""

    model_config = ConfigDict(extra="forbid")

    active: bool | None = None


def _at_media(request: Request, found: At) -> At:
    """A media address where MEDIA_URL says that media is; without it, relative to the gateway."""
    base = plumbing(request).settings.text("MEDIA_URL").rstrip("/")
    return dataclasses.replace(found, url=base + found.url)


async def start(request: Request) -> Response:
    user, parts = await require_user(request), plumbing(request)
    signer: Signer = request.state.signer
    video_id, limit = request.path_params["video_id"], parts.settings.number("MAX_SESSIONS")
    started = await sessions.start(parts.db, parts.clients, signer, user, video_id, max_sessions=limit)
    return answer(_at_media(request, started), 201)


async def url(request: Request) -> Response:
    user, signer = await require_user(request), request.state.signer
    found = await sessions.address(plumbing(request).db, signer, user, request.path_params["session_id"])
    return answer(_at_media(request, found))


async def heartbeat(request: Request) -> Response:
    user, parts = await require_user(request), plumbing(request)
    told, live = await read(request, heartbeats.Beat), request.state.live
    session_id = request.path_params["session_id"]
    return answer(await heartbeats.beat(parts.db, parts.clients, user, session_id, told, live=live))


async def end(request: Request) -> Response:
    user, parts = await require_user(request), plumbing(request)
    told, live = await read(request, End), request.state.live
    session_id = request.path_params["session_id"]
    return answer(await settlement.end_for(parts.db, parts.clients, user, session_id, told.position_ms, live=live))


async def listing(request: Request) -> Response:
    user, chosen = await require_user(request), read_query(request, Filter)
    return answer({"items": await sessions.listed(plumbing(request).db, user, chosen.active)})


async def resume(request: Request) -> Response:
    user = await require_user(request)
    return answer({"items": await sessions.positions(plumbing(request).db, user)})


ROUTES = [
    Route("/api/stream/start/{video_id:int}", start, methods=["POST"]),
    Route("/api/stream/url/{session_id}", url),
    Route("/api/stream/heartbeat/{session_id}", heartbeat, methods=["PUT"]),
    Route("/api/stream/end/{session_id}", end, methods=["POST"]),
    Route("/api/stream/sessions", listing),
    Route("/api/stream/resume", resume),
]
