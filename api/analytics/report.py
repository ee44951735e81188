"""Reports of a period, as JSON or CSV. The report of a closed period is kept as first given and never changes."""

import csv
import io
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
        "totals": await summary.totals(reading, scope.subjects, period),
        "series": await summary.series(reading, scope.subjects, period, step),
        "videos": await top_videos(reading, scope, period, "watch_time", TOP),
    }
    # Lines from after its end show that the log was read to the end of the period, so nothing is missing in it.
    read_through: datetime | None = found["read_through"]
    if period.is_settled(reading.now) and read_through is not None and read_through >= period.end:
        return await queries_report.close(reading.db, scope.name, period, step, found)
    return found


def as_csv(found: Answer) -> str:
    """The buckets of a report, one row each, and the totals as the last row."""
    text = io.StringIO()
    columns = ["row", "start", "end", *found["totals"]]
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    for bucket in found["series"]:
        writer.writerow({"row": "bucket"} | _plain(bucket))
    writer.writerow({"row": "total"} | _plain({"start": found["from"], "end": found["to"]} | found["totals"]))
    return text.getvalue()


def _plain(answer: Answer) -> Answer:
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in answer.items()
    }
