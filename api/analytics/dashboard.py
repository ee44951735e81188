"""The pages of numbers: the platform for operators, one video for its owner, what is happening now."""

from datetime import timedelta

from api.analytics import queries_figures, summary
from api.analytics.figures import AUDIENCE, MONEY, Answer, definitions, retention_curve
from api.analytics.period import Period, Step, cover, previous
from api.analytics.queries_figures import Sums
from api.analytics.queries_video import Video
from api.analytics.summary import Reading, Scope
from api.analytics.tally import PLATFORM
from api.analytics.top import top_videos

LIVE = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)
TOP = 10


async def dashboard(reading: Reading, period: Period, step: Step) -> Answer:
    """The platform over a period, with the period before it beside the totals."""
    before, subjects = previous(period), [PLATFORM]
    return await summary.frame(reading, period, *AUDIENCE, *MONEY, "live_viewers") | {
        "interval": step,
        "totals": await summary.totals(reading, subjects, period),
        "previous": {"from": before.start, "to": before.end} | await summary.totals(reading, subjects, before),
        "series": await summary.series(reading, subjects, period, step),
        "live_viewers": await queries_figures.live_viewers(reading.db, reading.now - LIVE),
        "top_videos": await top_videos(reading, Scope("platform", subjects, None), period, "views", TOP),
    }


async def video_numbers(reading: Reading, video: Video, period: Period, step: Step) -> Answer:
    """One video over a period, with its retention curve."""
    subjects = [video.video_id]
    found = await summary.totals(reading, subjects, period)
    steps = await queries_figures.retention(reading.db, video.video_id, cover(period))
    return await summary.frame(reading, period, *AUDIENCE, *MONEY, "retention") | {
        "video_id": video.video_id,
        "title": video.title,
        "duration_ms": video.duration_ms,
        "interval": step,
        **found,
        "retention": retention_curve([row.count for row in steps], found["starts"]),
        "concurrency": {name: found[name] for name in ("peak_viewers", "average_viewers")},
        "series": await summary.series(reading, subjects, period, step),
    }


async def live(reading: Reading) -> Answer:
    """The platform at this moment; rates are those of the last full minute."""
    minute = reading.now.replace(second=0, microsecond=0) - MINUTE
    found = await queries_figures.minute_sums(reading.db, minute) or Sums()
    net_micros = found.gross_micros - found.refund_micros
    return {
        "as_of": reading.now,
        "live_viewers": await queries_figures.live_viewers(reading.db, reading.now - LIVE),
        "watch_minutes_per_minute": round(found.watch_ms / 60_000, 2),
        "revenue_per_minute": reading.currency.minor(net_micros),
        "revenue_per_minute_micros": net_micros,
        "currency": reading.currency.code,
        "definitions": definitions("live_viewers", "watch_minutes_per_minute", "revenue_per_minute", "as_of"),
    }
