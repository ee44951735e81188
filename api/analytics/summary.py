"""The figures of a period, whole and bucket by bucket, for the platform or for some videos."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from api.analytics import part, queries_figures, queries_part, queries_position, queries_video
from api.analytics.figures import Answer, concurrency, definitions, figures, own
from api.analytics.money import Currency
from api.analytics.period import Period, Step, buckets, cover, grain_of
from api.analytics.queries_figures import Sums
from api.analytics.tally import PLATFORM
from api.analytics.times import to_minute
from api.clients import Clients
from api.database import Database
from api.identity import User
from api.problems import InvalidRequest


@dataclass(frozen=True)
class Reading:
    """One reading of the numbers: from where, in which currency, and when."""

    db: Database
    clients: Clients
    currency: Currency
    now: datetime


@dataclass(frozen=True)
class Scope:
    """Whose numbers: `subject` names the rollups; `owned` is None for the whole platform, `owner_id` for all owners."""

    name: str
    subject: int
    owned: Sequence[int] | None = None
    owner_id: int | None = None

    @property
    def subjects(self) -> Sequence[int]:
        """Those whose quality is summed: that of creators is kept by video only."""
        return [self.subject] if self.owned is None else self.owned

    @property
    def guarded(self) -> bool:
        """Whether counts of few people are hidden."""
        return self.name != PLATFORM_SCOPE.name


PLATFORM_SCOPE = Scope("platform", PLATFORM)


async def scope_of(db: Database, user: User) -> Scope:
    """Operators see the platform, everybody else the videos they own."""
    return PLATFORM_SCOPE if user.is_operator else await own_scope(db, user)


async def own_scope(db: Database, user: User) -> Scope:
    """The videos a user owns."""
    return Scope(f"owner:{user.id}", -user.id, await queries_video.owned_videos(db, user.id), user.id)


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


async def totals(reading: Reading, subject: int, period: Period) -> Answer:
    """One set of figures for the whole period."""
    return shown(reading, *await whole(reading, subject, period), period)


async def whole(reading: Reading, subject: int, period: Period) -> tuple[Sums, int]:
    """Sums and distinct users of a period."""
    found = cover(period)
    sums = await queries_figures.sums(reading.db, subject, found)
    return sums, await queries_figures.viewers(reading.db, subject, found)


def shown(reading: Reading, sums: Sums, viewers: int, period: Period) -> Answer:
    """All figures of a period."""
    return figures(sums, viewers, reading.currency) | concurrency(sums, period, reading.now) | own(sums)


async def series(reading: Reading, scope: Scope, period: Period, step: Step) -> list[Answer]:
    """One set of figures per bucket, zeros included."""
    db, starts, end = reading.db, buckets(period, step), period.end
    grain_min = grain_of(starts, end)
    rows = await queries_figures.sums_by_bucket(db, grain_min, scope.subject, starts, end)
    sums = {row.key: row for row in rows}
    if step == "minute":
        first = to_minute(period.start)
        await require_detail(db, first)
        found = await queries_figures.viewers_by_minute(db, scope.subject, scope.owner_id, first, to_minute(end))
    else:
        found = await queries_figures.viewers_by_bucket(db, grain_min, scope.subject, starts, end)
    viewers = {row.key: row.count for row in found}
    return [
        bucket(one, reading.now) | shown(reading, sums.get(key, Sums()), viewers.get(key, 0), one)
        for key, one in enumerate(parts(period, starts))
    ]


async def require_detail(db: Database, first: int) -> None:
    """Raises InvalidRequest when the minutes of the period are no longer kept."""
    if (await queries_position.state(db)).kept_from > first:
        raise InvalidRequest(errors=[{"field": "interval", "message": "minutes are not kept for so long; take hour"}])


async def made_of(reading: Reading, scope: Scope, period: Period, sums: Sums) -> Answer:
    """How the playbacks of a period went, and what they were made of."""
    found = cover(period)
    rows = await queries_part.parts(reading.db, scope.subject, found)
    told = await queries_part.quality(reading.db, scope.subjects, found)
    # Operators see every row: counting who is behind each, in a year of the platform, would take seconds.
    counts = await _part_viewers(reading, scope, period) if scope.guarded else None
    return {"quality": part.quality(told, sums, rows)} | part.breakdowns(rows, counts)


async def _part_viewers(reading: Reading, scope: Scope, period: Period) -> dict[tuple[str, str], int]:
    rows = await queries_part.part_viewers(reading.db, scope.subject, period.start, period.end)
    return {(row.kind, row.name): row.viewers for row in rows}


async def quality_of(reading: Reading, scope: Scope, period: Period) -> Answer:
    """How the playbacks of a period went."""
    found = cover(period)
    sums = await queries_figures.sums(reading.db, scope.subject, found)
    rows = await queries_part.parts(reading.db, scope.subject, found)
    return part.quality(await queries_part.quality(reading.db, scope.subjects, found), sums, rows)


async def read_through(reading: Reading) -> datetime | None:
    """The time of the newest line that was read."""
    return await queries_position.read_through(reading.db)


async def peak_today(reading: Reading, subject: int) -> int:
    """The most viewers of a minute since midnight (UTC)."""
    start = reading.now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = Period(start, start + timedelta(days=1), ZoneInfo("UTC"))
    return (await queries_figures.sums(reading.db, subject, cover(today))).peak


def parts(period: Period, starts: Sequence[datetime]) -> list[Period]:
    """The buckets of a period as periods."""
    return [replace(period, start=a, end=b) for a, b in pairwise([*starts, period.end])]


def bucket(one: Period, now: datetime) -> Answer:
    """What a bucket says of itself."""
    return {"start": one.start, "end": one.end, "provisional": not one.is_settled(now)}
