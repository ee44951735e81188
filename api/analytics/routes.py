"""HTTP of the analytics service."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.analytics import dashboard, event, history, live, report, sheet, summary, top, video
from api.analytics.asked import HistoryRange, ReportAsked, RevenueRange, SeriesRange, TopRange
from api.analytics.figures import AUDIENCE, MONEY
from api.analytics.period import Period, report_period
from api.analytics.summary import PLATFORM_SCOPE, Reading, Scope
from api.identity import require_operator, require_service, require_user
from api.service import answer, database, plumbing, read, read_query


async def track(request: Request) -> Response:
    require_service(request)
    body = await read(request, event.Events)
    new = await event.track(database(request), body.events)
    return answer({"accepted": new, "repeated": len(body.events) - new}, 202)


async def show_dashboard(request: Request) -> Response:
    await require_operator(request)
    return await _dashboard(request, PLATFORM_SCOPE)


async def show_studio(request: Request) -> Response:
    user = await require_user(request)
    return await _dashboard(request, await summary.own_scope(database(request), user))


async def _dashboard(request: Request, scope: Scope) -> Response:
    reading, asked = _reading(request), read_query(request, SeriesRange)
    period = asked.period(reading.now)
    found = await dashboard.dashboard(reading, scope, period, asked.step(period, reading.now))
    return answer(found) if asked.format == "json" else _sheet(request, sheet.buckets(found, "totals"), period)


async def show_video(request: Request) -> Response:
    user = await require_user(request)
    reading, asked = _reading(request), read_query(request, SeriesRange)
    period = asked.period(reading.now)
    film = await video.require_owned(reading.db, reading.clients, user, request.path_params["video_id"])
    scope = PLATFORM_SCOPE if user.is_operator else await summary.own_scope(reading.db, user)
    scope = replace(scope, subject=film.video_id, owned=None, owner_id=None)
    found = await dashboard.video_numbers(reading, scope, film, period, asked.step(period, reading.now))
    return answer(found) if asked.format == "json" else _sheet(request, sheet.buckets(found, "totals"), period)


async def show_user(request: Request) -> Response:
    user = await require_user(request)
    reading, asked = _reading(request), read_query(request, HistoryRange)
    period = asked.period(reading.now)
    if asked.format == "csv":
        rows = await history.whole(reading, user.id, period)
        return _sheet(request, sheet.as_csv(rows, history.COLUMNS), period)
    return answer(await history.history(reading, user.id, period, asked.cursor, asked.limit))


async def top_videos(request: Request) -> Response:
    user = await require_user(request)
    reading, asked = _reading(request), read_query(request, TopRange)
    period, scope = asked.period(reading.now), await summary.scope_of(reading.db, user)
    items = await top.top_videos(reading, scope, period, asked.by, asked.limit)
    if asked.format == "csv":
        return _sheet(request, sheet.as_csv(items), period)
    return answer(await summary.frame(reading, period, *AUDIENCE, *MONEY) | {"by": asked.by, "items": items})


async def revenue(request: Request) -> Response:
    user = await require_user(request)
    reading, asked = _reading(request), read_query(request, RevenueRange)
    period, scope = asked.period(reading.now), await summary.scope_of(reading.db, user)
    found = await summary.frame(reading, period, *MONEY)
    found |= await top.revenue(reading, scope, period, asked.step(period, reading.now))
    if asked.group is not None:
        items = await top.revenue_by(reading, scope, period, asked.group, asked.limit)
        found |= {"group": asked.group, "items": items}
    if asked.format == "csv":
        text = sheet.as_csv(found["items"]) if asked.group else sheet.buckets(found, "total")
        return _sheet(request, text, period)
    return answer(found)


async def show_report(request: Request) -> Response:
    user = await require_user(request)
    reading, asked, name = _reading(request), read_query(request, ReportAsked), request.path_params["period"]
    period, step = report_period(name, asked.first, asked.tz, reading.now)
    scope = await summary.scope_of(reading.db, user)
    found = {"period": name} | await report.report(reading, scope, period, step)
    return answer(found) if asked.format == "json" else _sheet(request, sheet.buckets(found, "totals"), period)


async def show_live(request: Request) -> Response:
    user = await require_user(request)
    scope = await summary.scope_of(database(request), user)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    moments = live.events(lambda: dashboard.live(_reading(request), scope))
    return StreamingResponse(moments, media_type="text/event-stream", headers=headers)


def _sheet(request: Request, text: str, period: Period) -> Response:
    """A CSV file named after the call and the days of its period."""
    first, last = (at.astimezone(period.zone).date() for at in (period.start, period.end - timedelta(seconds=1)))
    name = request.url.path.removeprefix("/api/analytics/").replace("/", "-")
    headers = {"content-disposition": f'attachment; filename="{name}-{first}-{last}.csv"'}
    return Response(text, media_type="text/csv", headers=headers)


def _reading(request: Request) -> Reading:
    parts = plumbing(request)
    return Reading(parts.db, parts.clients, request.state.currency, datetime.now(UTC))


ROUTES = [
    Route("/api/analytics/track", track, methods=["POST"]),
    Route("/api/analytics/dashboard", show_dashboard),
    Route("/api/analytics/studio", show_studio),
    Route("/api/analytics/videos/{video_id:int}", show_video),
    Route("/api/analytics/user", show_user),
    Route("/api/analytics/top-videos", top_videos),
    Route("/api/analytics/revenue", revenue),
    Route("/api/analytics/reports/{period}", show_report),
    Route("/api/analytics/live", show_live),
]
