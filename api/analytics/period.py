"""A range of time as asked for: from, to and a time zone -> exact UTC borders, its buckets, the period before.

Borders fall on quarters of an hour, as the borders of every time zone do; rollups are kept so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.problems import InvalidRequest

DEFAULT_DAYS = 28
MOST_BUCKETS = 1500
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SHORT = timedelta(minutes=90)
SETTLED_AFTER = timedelta(hours=24)  # late lines and corrections arrive within a day (`metering.md` rule 7)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

Step = Literal["minute", "hour", "day", "week", "month"]
Moment = date | datetime

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Period:
    """[start, end) in UTC, seen from a time zone."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    def is_settled(self, now: datetime) -> bool:
        """True once nothing is expected to change it any more."""
        return self.end + SETTLED_AFTER <= now


@dataclass(frozen=True)
class Cover:
    """A period as quarters [start, head_end), whole UTC days [head_end, tail_start), quarters [tail_start, end)."""

    start: datetime
    head_end: datetime
    tail_start: datetime
    end: datetime


def read_moment(text: str) -> Moment:
    """`2026-03-29` or an RFC 3339 time with its offset; raises ValueError."""
    try:
        found: Moment = date.fromisoformat(text) if _DATE.fullmatch(text) else datetime.fromisoformat(text)
    except ValueError:
        found = datetime(EARLIEST.year, 1, 1)  # noqa: DTZ001 - refused below like any time without an offset
    if isinstance(found, datetime) and found.tzinfo is None:
        raise ValueError("must be a date (2026-03-29) or a time with its offset (2026-03-29T06:00:00Z)")
    if not EARLIEST.year <= found.year < LATEST.year:
        raise ValueError("must lie between 2000 and 2100")
    return found


def read_zone(name: str) -> ZoneInfo:
    """An IANA time zone; raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone of the IANA list, such as Europe/Berlin") from None


def make_period(first: Moment | None, last: Moment | None, zone: ZoneInfo, now: datetime) -> Period:
    """The period from `first` to `last`; a last date is part of it, a last time is not. Default: the last 28 days.

    Raises InvalidRequest naming the field.
    """
    end = _border(last, zone, whole_day=True) if last else _after(now, "day", zone)
    start = _border(first, zone) if first else _local_shift(end, timedelta(days=-DEFAULT_DAYS), zone)
    for field, border in (("from", start), ("to", end)):
        if not EARLIEST <= border <= LATEST:
            raise _wrong(field, "must lie between 2000 and 2100")
        if (border - EARLIEST) % QUARTER:
            raise _wrong(field, "must fall on a quarter of an hour")
    if start >= end:
        raise _wrong("to", "must be later than from")
    return Period(start, end, zone)


def report_period(name: str, within: Moment | None, zone: ZoneInfo, now: datetime) -> tuple[Period, Step]:
    """The day, week, month or year around `within` (default: now), or `2026-01-01..2026-01-31`; with its buckets."""
    if match := _RANGE.fullmatch(name):
        try:
            first, last = (read_moment(text) for text in match.groups())
        except ValueError as error:
            raise _wrong("period", str(error)) from None
        period = make_period(first, last, zone, now)
        return period, usual_step(period)
    day = (now if within is None else _border(within, zone)).astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    known: dict[str, tuple[date, date, Step]] = {
        "daily": (day, day, "hour"),
        "weekly": (monday, monday + timedelta(days=6), "day"),
        "monthly": (day.replace(day=1), day + timedelta(days=_days_left(day) - 1), "day"),
        "yearly": (date(day.year, 1, 1), date(day.year, 12, 31), "month"),
    }
    if name not in known:
        raise _wrong("period", "must be daily, weekly, monthly, yearly or 2026-01-01..2026-01-31")
    first, last, step = known[name]
    return make_period(first, last, zone, now), step


def previous(period: Period) -> Period:
    """The period as long that ends where this one begins: as many days, if it is made of local days."""
    first, last = _wall(period.start, period.zone), _wall(period.end, period.zone)
    if first.time() == last.time() == time():
        return Period(_local_shift(period.start, first - last, period.zone), period.start, period.zone)
    return Period(period.start - (period.end - period.start), period.start, period.zone)


def usual_step(period: Period, now: datetime | None = None) -> Step:
    """Buckets that make a readable series; minutes only of what is fresh, for they are not kept for ever."""
    length = period.end - period.start
    if now is not None and length <= SHORT and now - period.end <= DAY:
        return "minute"
    return "hour" if length <= 7 * DAY else "day" if length <= 400 * DAY else "month"


def buckets(period: Period, step: Step) -> list[datetime]:
    """Where the buckets of a period begin; raises InvalidRequest when they are too many."""
    starts: list[datetime] = []
    at = period.start
    while at < period.end:
        starts.append(at)
        at = _after(at, step, period.zone)
        if len(starts) > MOST_BUCKETS:
            raise _wrong("interval", f"makes more than {MOST_BUCKETS} buckets; take a longer one")
    return starts


def grain_of(starts: Sequence[datetime], end: datetime) -> int:
    """The coarsest stored grain, in minutes, that makes up these buckets exactly."""
    if any((at - EARLIEST) % QUARTER for at in starts):
        return 1
    return 15 if any((at - EARLIEST) % DAY for at in (*starts, end)) else 1440


def cover(period: Period) -> Cover:
    """How to sum a period from whole UTC days and the quarters around them."""
    first_day = period.start + (EARLIEST - period.start) % DAY
    last_day = period.end - (period.end - EARLIEST) % DAY
    if first_day >= last_day:
        return Cover(period.start, period.end, period.end, period.end)
    return Cover(period.start, first_day, last_day, period.end)


def _border(moment: Moment, zone: ZoneInfo, *, whole_day: bool = False) -> datetime:
    """A moment in UTC; of a date its local midnight, or the next one for the end of a whole day."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return _midnight(moment + timedelta(days=1) if whole_day else moment, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _local_shift(at: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    """The same wall clock some days earlier or later, whatever summer time did in between."""
    return (_wall(at, zone) + by).replace(tzinfo=zone).astimezone(UTC)


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _after(at: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The first local border of a step after a moment."""
    if step == "minute":
        return at.replace(second=0, microsecond=0) + MINUTE
    local = at.astimezone(zone)
    if step == "hour":
        return at + HOUR - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    days = {"day": 1, "week": 7 - local.weekday(), "month": _days_left(local.date())}[step]
    return _midnight(local.date() + timedelta(days=days), zone)


def _days_left(day: date) -> int:
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - day).days


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(errors=[{"field": field, "message": message}])
