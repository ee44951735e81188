"""What other processes ask: nginx for the sum of all healths, services and the sweeper for the rest; verdicts apart."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import require_service
from api.service import answer, plumbing, read
from api.streaming import health, sessions, settlement
from api.streaming.queries import Money

Id = Annotated[int, Field(gt=0, lt=1 << 63)]


class Spent(BaseModel):
    """Billing's word on a session's money; `word` numbers them in the order they were said.

    `limited`: what is spent is the user's daily limit.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    spent: bool
    final: bool
    limited: bool = False
    word: Annotated[int, Field(gt=0, lt=1 << 63)]


class Withdrawn(BaseModel):
    """Whose sessions end: a video's (`deleted`: it is gone), a user's, or one user's of one video."""

    model_config = ConfigDict(extra="forbid", strict=True)

    video_id: Id | None = None
    user_id: Id | None = None
    deleted: bool = False

    @model_validator(mode="after")
    def _someones(self) -> "Withdrawn":
        if self.video_id is None and self.user_id is None:
            raise ValueError("video_id or user_id must be given")
        return self


async def spent(request: Request) -> Response:
    require_service(request)
    told, session_id = await read(request, Spent), request.path_params["session_id"]
    db, live = plumbing(request).db, request.state.live
    await sessions.set_money(db, live, session_id, told.word, Money(told.spent, told.final, told.limited))
    return Response(status_code=204)


async def withdraw(request: Request) -> Response:
    require_service(request)
    told, db = await read(request, Withdrawn), plumbing(request).db
    ended = await settlement.withdraw(db, request.state.live, told.video_id, told.user_id, deleted=told.deleted)
    return answer({"ended": ended})


async def sweep(request: Request) -> Response:
    require_service(request)
    parts, state = plumbing(request), request.state
    return answer(await settlement.sweep(parts.db, parts.clients, state.seen))


async def health_summary(request: Request) -> Response:
    """The gateway's `/health`: nginx cannot add up five answers."""
    summary = await health.summary(plumbing(request).clients)
    return answer(summary, 200 if summary.status == "ok" else 503, {"cache-control": "no-store"})


ROUTES = [
    Route("/internal/sessions/end", withdraw, methods=["POST"]),
    Route("/internal/sessions/{session_id}/spent", spent, methods=["PUT"]),
    Route("/internal/sweep", sweep, methods=["POST"]),
    Route("/internal/health-summary", health_summary),
]
