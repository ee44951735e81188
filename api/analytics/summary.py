"""The figures of a period, whole and bucket by bucket, for the platform or for some videos."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from api.analytics import queries_figures, queries_position, queries_video
from api.analytics.figures import Answer, definitions, figures
from api.analytics.money import Currency
from api.analytics.period import Period, Step, buckets, cover
from api.analytics.queries_figures import BucketSums
from api.analytics.tally import PLATFORM
from api.clients import Clients
from api.database import Database
from api.identity import User

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Reading:
    """One reading of the numbers: from where, in which currency, and when."""

    db: Database
    clients: Clients
    currency: Currency
    now: datetime


@dataclass(frozen=True)
class Scope:
    """Whose numbers: `subjects` name the rollups to sum; `owned` is None for the whole platform."""

    name: str
    subjects: Sequence[int]
    owned: Sequence[int] | None


async def scope_of(db: Database, user: User) -> Scope:
    """Operators see the platform, everybody else the videos they own."""
    if user.is_operator:
        return Scope("platform", [PLATFORM], None)
    owned = await queries_video.owned_videos(db, user.id)
    return Scope(f"owner:{user.id}", owned, owned)


async def frame(reading: Reading, period: Period, *names: str) -> Answer:
    """What every answer about a period says of itself, with the definitions of the figures it shows."""
    return {
        "from": period.start,
        "to": period.end,
        "tz": period.zone.key,
        "as_of": reading.now,
        "read_through": await queries_position.read_through(reading.db),
        "provisional": not period.is_settled(reading.now),
        "currency": reading.currency.code,
        "definitions": definitions(*names, "provisional", "as_of"),
    }


async def totals(reading: Reading, subjects: Sequence[int], period: Period) -> Answer:
    """One set of figures for the whole period."""
    found = await queries_figures.sums(reading.db, subjects, cover(period))
    viewers = await queries_figures.viewers(reading.db, subjects, cover(period))
    peaks = await queries_figures.peak_by_bucket(reading.db, subjects, [period.start], period.end)
    return figures(found, viewers, reading.currency) | {"peak_viewers": peaks[0].count if peaks else 0}


async def series(reading: Reading, subjects: Sequence[int], period: Period, step: Step) -> list[Answer]:
    """One set of figures per bucket, zeros included."""
    db, starts, end = reading.db, buckets(period, step), period.end
    sums = {row.key: row for row in await queries_figures.sums_by_bucket(db, subjects, starts, end)}
    viewers = {row.key: row.count for row in await queries_figures.viewers_by_bucket(db, subjects, starts, end)}
    peaks = {row.key: row.count for row in await queries_figures.peak_by_bucket(db, subjects, starts, end)}
    parts = [replace(period, start=a, end=b) for a, b in zip(starts, [*starts[1:], end], strict=True)]
    return [
        {"start": part.start, "end": part.end, "provisional": not part.is_settled(reading.now)}
        | figures(sums.get(key, BucketSums()), viewers.get(key, 0), reading.currency)
        | {"peak_viewers": peaks.get(key, 0)}
        for key, part in enumerate(parts)
    ]


async def average_viewers(reading: Reading, subjects: Sequence[int], period: Period) -> float:
    """Viewers per minute, over the minutes of the period that have passed."""
    found = await queries_figures.sums(reading.db, subjects, cover(period))
    passed = (min(period.end, reading.now) - period.start) // MINUTE
    return round(found.viewer_minutes / passed, 2) if passed > 0 else 0.0
