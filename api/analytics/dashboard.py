"""The pages of numbers: the platform for operators, their films for creators, one video, what is happening now."""

from datetime import timedelta

from api.analytics import queries_figures, summary
from api.analytics.figures import AUDIENCE, DETAIL, MONEY, Answer, definitions, retention_curve
from api.analytics.period import Period, Step, cover, previous
from api.analytics.queries_figures import Sums
from api.analytics.queries_video import Video
from api.analytics.summary import Reading, Scope
from api.analytics.top import top_videos

LIVE = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)
TOP = 10


async def dashboard(reading: Reading, scope: Scope, period: Period, step: Step) -> Answer:
    """The platform, or a creator's films, over a period, with the period before it beside the totals."""
    before = previous(period)
    sums, viewers = await summary.whole(reading, scope.subject, period)
    return await summary.frame(reading, period, *AUDIENCE, *MONEY, *DETAIL, "live_viewers") | {
        "interval": step,
        "totals": summary.shown(reading, sums, viewers, period),
        "previous": await _before(reading, scope, before),
        "series": await summary.series(reading, scope, period, step),
        "live_viewers": await _live_viewers(reading, scope),
        "top_videos": await top_videos(reading, scope, period, "views", TOP),
        **await summary.made_of(reading, scope, period, sums),
        "previous_quality": await summary.quality_of(reading, scope, before),
    }


async def video_numbers(reading: Reading, scope: Scope, video: Video, period: Period, step: Step) -> Answer:
    """One video over a period, with its retention curve."""
    sums, viewers = await summary.whole(reading, scope.subject, period)
    found = summary.shown(reading, sums, viewers, period)
    shown = (*AUDIENCE, *MONEY, *DETAIL, "retention", "retention_average", "live_viewers")
    return await summary.frame(reading, period, *shown) | {
        "video_id": video.video_id,
        "title": video.title,
        "duration_ms": video.duration_ms,
        "interval": step,
        **found,
        "totals": found,
        "previous": await _before(reading, scope, previous(period)),
        "retention": await _retention(reading, video.video_id, period, sums.starts),
        "retention_average": await _average_retention(reading, video, period),
        "concurrency": {name: found[name] for name in ("peak_viewers", "average_viewers")},
        "series": await summary.series(reading, scope, period, step),
        "live_viewers": await _live_viewers(reading, scope),
        **await summary.made_of(reading, scope, period, sums),
    }


async def _before(reading: Reading, scope: Scope, before: Period) -> Answer:
    return {"from": before.start, "to": before.end} | await summary.totals(reading, scope.subject, before)


async def _retention(reading: Reading, subject: int, period: Period, starts: int) -> list[float]:
    steps = await queries_figures.retention(reading.db, subject, cover(period))
    return retention_curve([row.count for row in steps], starts)


async def _average_retention(reading: Reading, video: Video, period: Period) -> list[float]:
    if not video.owner_id:
        return []
    sums = await queries_figures.sums(reading.db, -video.owner_id, cover(period))
    return await _retention(reading, -video.owner_id, period, sums.starts)


async def _live_viewers(reading: Reading, scope: Scope) -> int:
    return await queries_figures.live_viewers(reading.db, reading.now - LIVE, scope.subject, scope.owner_id)


async def live(reading: Reading, scope: Scope) -> Answer:
    """This moment, of the platform or of a creator's films; rates are those of the last full minute."""
    minute = reading.now.replace(second=0, microsecond=0) - MINUTE
    found = await queries_figures.minute_sums(reading.db, scope.subject, minute) or Sums()
    net_micros = found.gross_micros - found.refund_micros
    return {
        "as_of": reading.now,
        "read_through": await summary.read_through(reading),
        "live_viewers": await _live_viewers(reading, scope),
        "peak_viewers_today": await summary.peak_today(reading, scope.subject),
        "watch_minutes_per_minute": round(found.watch_ms / 60_000, 2),
        "revenue_per_minute": reading.currency.minor(net_micros),
        "revenue_per_minute_micros": net_micros,
        "currency": reading.currency.code,
        "definitions": definitions(
            "live_viewers", "peak_viewers_today", "watch_minutes_per_minute", "revenue_per_minute", "as_of"
        ),
    }
