"""What other processes ask: nginx for verdicts and the sum of all healths, services and the sweeper for the rest."""

import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import require_service
from api.service import answer, plumbing, read
from api.streaming import health, sessions, settlement, verdicts

Id = Annotated[int, Field(gt=0, lt=1 << 63)]


class Spent(BaseModel):
    """Billing's word on a session's money."""

    model_config = ConfigDict(extra="forbid", strict=True)

    spent: bool


class Withdrawn(BaseModel):
    """Whose sessions end: a video's, a user's, or one user's of one video."""

    model_config = ConfigDict(extra="forbid", strict=True)

    video_id: Id | None = None
    user_id: Id | None = None

    @model_validator(mode="after")
    def _someones(self) -> "Withdrawn":
        if self.video_id is None and self.user_id is None:
            raise ValueError("video_id or user_id must be given")
        return self


async def verdict(request: Request) -> Response:
    """For nginx alone, so without a service token: the ports of services are private."""
    asked, signer = request.headers, request.state.signer
    found = await verdicts.judge(
        plumbing(request).db, signer, asked.get("x-token", ""), asked.get("x-video", ""), time.time()
    )
    fresh = str(found.fresh_s)
    if found.reason:
        return Response(status_code=403, headers={"x-reason": found.reason, "x-accel-expires": fresh})
    # nginx 1.22 reads the stale times only when they come before X-Accel-Expires.
    stale = f"stale-while-revalidate={found.refresh_s}, stale-if-error={found.outage_s}"
    who = {"x-session-id": found.session_id, "x-user-id": str(found.user_id)}
    return Response(status_code=204, headers={"cache-control": stale, "x-accel-expires": fresh, **who})


async def spent(request: Request) -> Response:
    require_service(request)
    told = await read(request, Spent)
    await sessions.set_spent(plumbing(request).db, request.path_params["session_id"], spent=told.spent)
    return Response(status_code=204)


async def withdraw(request: Request) -> Response:
    require_service(request)
    told = await read(request, Withdrawn)
    return answer({"ended": await settlement.withdraw(plumbing(request).db, told.video_id, told.user_id)})


async def sweep(request: Request) -> Response:
    require_service(request)
    parts = plumbing(request)
    return answer(await settlement.sweep(parts.db, parts.clients))


async def health_summary(request: Request) -> Response:
    """The gateway's `/health`: nginx cannot add up five answers."""
    summary = await health.summary(plumbing(request).clients)
    return answer(summary, 200 if summary.status == "ok" else 503, {"cache-control": "no-store"})


ROUTES = [
    Route("/internal/verdict", verdict),
    Route("/internal/sessions/end", withdraw, methods=["POST"]),
    Route("/internal/sessions/{session_id}/spent", spent, methods=["PUT"]),
    Route("/internal/sweep", sweep, methods=["POST"]),
    Route("/internal/health-summary", health_summary),
]
