"""The figures of a period, whole and bucket by bucket, for the platform or for some videos."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from api.analytics import queries_figures, queries_position, queries_video
from api.analytics.figures import Answer, concurrency, definitions, figures
from api.analytics.money import Currency
from api.analytics.period import Period, Step, buckets, cover, grain_of
from api.analytics.queries_figures import Sums
from api.analytics.tally import PLATFORM
from api.clients import Clients
from api.database import Database
from api.identity import User


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
    db, whole = reading.db, cover(period)
    sums = await queries_figures.sums(db, subjects, whole)
    viewers = await queries_figures.viewers(db, subjects, whole)
    peaks = await queries_figures.peak_by_bucket(db, subjects, [period.start], period.end)
    peak = peaks[0].count if peaks else 0
    return figures(sums, viewers, reading.currency) | concurrency(sums, peak, period, reading.now)


async def series(reading: Reading, subjects: Sequence[int], period: Period, step: Step) -> list[Answer]:
    """One set of figures per bucket, zeros included."""
    db, starts, end = reading.db, buckets(period, step), period.end
    grain_min = grain_of(starts, end)
    sums = {row.key: row for row in await queries_figures.sums_by_bucket(db, grain_min, subjects, starts, end)}
    found = await queries_figures.viewers_by_bucket(db, grain_min, subjects, starts, end)
    viewers = {row.key: row.count for row in found}
    peaks = {row.key: row.count for row in await queries_figures.peak_by_bucket(db, subjects, starts, end)}
    return [
        bucket(part, reading.now)
        | figures(sums.get(key, Sums()), viewers.get(key, 0), reading.currency)
        | concurrency(sums.get(key, Sums()), peaks.get(key, 0), part, reading.now)
        for key, part in enumerate(parts(period, starts))
    ]


def parts(period: Period, starts: Sequence[datetime]) -> list[Period]:
    """The buckets of a period as periods."""
    return [replace(period, start=a, end=b) for a, b in pairwise([*starts, period.end])]


def bucket(part: Period, now: datetime) -> Answer:
    """What a bucket says of itself."""
    return {"start": part.start, "end": part.end, "provisional": not part.is_settled(now)}
