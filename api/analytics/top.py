"""Which videos lead, and who earned what."""

from typing import Literal

from api.analytics import queries_figures, queries_top, summary
from api.analytics.figures import Answer, figures, money
from api.analytics.period import Period, Step, buckets, cover, grain_of, previous
from api.analytics.queries_figures import Sums
from api.analytics.summary import Reading, Scope
from api.analytics.times import to_minute
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
        | figures(sums.get(id_, Sums()), viewers.get(id_, 0), reading.currency)
        for id_ in ids
    ]


async def revenue(reading: Reading, scope: Scope, period: Period, step: Step) -> Answer:
    """Money over a period, in all, bucket by bucket, and in the period before."""
    db, starts, end, before = reading.db, buckets(period, step), period.end, previous(period)
    if step == "minute":
        await summary.require_detail(db, to_minute(period.start))
    whole = await queries_figures.sums(db, scope.subject, cover(period))
    earlier = await queries_figures.sums(db, scope.subject, cover(before))
    rows = await queries_figures.sums_by_bucket(db, grain_of(starts, end), scope.subject, starts, end)
    sums = {row.key: row for row in rows}
    return {
        "interval": step,
        "total": money(whole, reading.currency),
        "previous": {"from": before.start, "to": before.end} | money(earlier, reading.currency),
        "series": [
            summary.bucket(part, reading.now) | money(sums.get(key, Sums()), reading.currency)
            for key, part in enumerate(summary.parts(period, starts))
        ],
    }


async def revenue_by(reading: Reading, scope: Scope, period: Period, group: Group, limit: int) -> list[Answer]:
    """Money over a period by video or by creator, most first."""
    rows = await queries_top.money_by(reading.db, scope.owned, group, cover(period), limit)
    if group == "creator":
        return [{"creator_id": row.key} | money(row, reading.currency) for row in rows]
    known = await titled(reading.db, reading.clients, [row.key for row in rows])
    return [{"video_id": row.key, "title": known[row.key].title} | money(row, reading.currency) for row in rows]
