"""HTTP of the analytics service for the other processes."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.analytics import detail, queries_day
from api.analytics.times import from_ms
from api.identity import require_service
from api.service import answer, database, plumbing


async def sweep(request: Request) -> Response:
    require_service(request)
    parts = plumbing(request)
    return answer(await detail.tidy(parts.db, parts.settings.number("ANALYTICS_DETAIL_DAYS"), datetime.now(UTC)))


async def forget_user(request: Request) -> Response:
    require_service(request)
    return answer({"sessions": await detail.forget_user(database(request), request.path_params["user_id"])})


async def show_days(request: Request) -> Response:
    """Money and time by video and UTC day, of days that begin in [since_ms, until_ms), for reconciliation."""
    require_service(request)
    since, until = (from_ms(int(request.query_params[name])) for name in ("since_ms", "until_ms"))
    async with database(request).snapshot() as tx:
        return answer({"positions": await queries_day.positions(tx), "days": await queries_day.days(tx, since, until)})


ROUTES = [
    Route("/internal/sweep", sweep, methods=["POST"]),
    Route("/internal/users/{user_id:int}", forget_user, methods=["DELETE"]),
    Route("/internal/days", show_days),
]
