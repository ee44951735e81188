"""Which videos lead, and who earned what."""

from typing import Literal

from api.analytics import queries_top, summary
from api.analytics.figures import MONEY, Answer, figures, money
from api.analytics.period import Period, Step, cover
from api.analytics.queries_figures import BucketSums
from api.analytics.summary import Reading, Scope
from api.analytics.video import titled

By = Literal["views", "watch_time", "revenue", "viewers"]
Group = Literal["video", "creator"]


async def top_videos(reading: Reading, scope: Scope, period: Period, by: By, limit: int) -> list[Answer]:
    """The leading videos of a period, first first; those with nothing to show are left out."""
    db, whole = reading.db, cover(period)
    if by == "viewers":
        ids = await queries_top.ranked_by_viewers(db, scope.owned, whole, limit)
    else:
        ids = await queries_top.ranked(db, scope.owned, by, whole, limit)
    sums = {row.key: row for row in await queries_top.sums_by_video(db, ids, whole)}
    viewers = {row.key: row.count for row in await queries_top.viewers_by_video(db, ids, whole)}
    known = await titled(db, reading.clients, ids)
    return [
        {"video_id": id_, "title": known[id_].title, "uploaded_by": known[id_].owner_id}
        | figures(sums.get(id_, BucketSums()), viewers.get(id_, 0), reading.currency)
        for id_ in ids
    ]


async def revenue(reading: Reading, scope: Scope, period: Period, step: Step) -> Answer:
    """Money over a period, in all and bucket by bucket."""
    parts = await summary.series(reading, scope.subjects, period, step)
    return {
        "interval": step,
        "total": _money_of(await summary.totals(reading, scope.subjects, period)),
        "series": [{name: part[name] for name in ("start", "end", "provisional")} | _money_of(part) for part in parts],
    }


async def revenue_by(reading: Reading, scope: Scope, period: Period, group: Group, limit: int) -> list[Answer]:
    """Money over a period by video or by creator, most first."""
    rows = await queries_top.money_by(reading.db, scope.owned, group, cover(period), limit)
    known = await titled(reading.db, reading.clients, [row.key for row in rows]) if group == "video" else {}
    return [
        {f"{group}_id": row.key}
        | ({"title": known[row.key].title} if group == "video" else {})
        | money(row.charges, row.gross_micros, row.refund_micros, reading.currency)
        for row in rows
    ]


def _money_of(answer: Answer) -> Answer:
    names = [key for name in MONEY for key in (name, f"{name}_micros") if key in answer]
    return {name: answer[name] for name in names}
