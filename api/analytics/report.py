"""Reports of a period. The report of a closed period is kept as first given and never changes."""

from datetime import datetime

from api.analytics import queries_report, summary
from api.analytics.figures import AUDIENCE, MONEY, Answer
from api.analytics.period import Period, Step
from api.analytics.summary import Reading, Scope
from api.analytics.top import top_videos

TOP = 100


async def report(reading: Reading, scope: Scope, period: Period, step: Step) -> Answer:
    """Totals, buckets and videos of a period; a settled one is answered as it was the first time."""
    if (kept := await queries_report.closed(reading.db, scope.name, period, step)) is not None:
        return kept
    found = await summary.frame(reading, period, *AUDIENCE, *MONEY) | {
        "interval": step,
        "totals": await summary.totals(reading, scope.subject, period),
        "series": await summary.series(reading, scope, period, step),
        "videos": await top_videos(reading, scope, period, "watch_time", TOP),
    }
    # Lines from after its end show that the log was read to the end of the period, so nothing is missing in it.
    read_through: datetime | None = found["read_through"]
    if period.is_settled(reading.now) and read_through is not None and read_through >= period.end:
        return await queries_report.close(reading.db, scope.name, period, step, found)
    return found
