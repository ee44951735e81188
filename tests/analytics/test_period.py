"""Ranges of time at the borders where they go wrong: zones, summer time, months, odd requests."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.analytics.period import (
    Period,
    Step,
    buckets,
    cover,
    grain_of,
    make_period,
    previous,
    read_moment,
    read_zone,
    report_period,
)
from api.problems import InvalidRequest

NOW = datetime(2026, 3, 30, 12, 7, tzinfo=UTC)
BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def period(first: str, last: str, zone: ZoneInfo) -> Period:
    return make_period(read_moment(first), read_moment(last), zone, NOW)


def test_a_last_date_belongs_to_the_period_and_a_last_time_does_not() -> None:
    days = period("2026-03-29", "2026-03-29", BERLIN)
    assert (days.start, days.end) == (utc("2026-03-28T23:00"), utc("2026-03-29T22:00"))
    times = period("2026-03-29T00:00:00+01:00", "2026-03-29T06:00:00+02:00", BERLIN)
    assert (times.start, times.end) == (utc("2026-03-28T23:00"), utc("2026-03-29T04:00"))


def test_without_borders_it_is_the_last_28_days_with_today() -> None:
    found = make_period(None, None, BERLIN, NOW)
    assert (found.start, found.end) == (utc("2026-03-02T23:00"), utc("2026-03-30T22:00"))


def test_the_period_before_has_the_same_wall_clock_across_summer_time() -> None:
    week = previous(period("2026-03-30", "2026-04-05", BERLIN))
    assert (week.start, week.end) == (utc("2026-03-22T23:00"), utc("2026-03-29T22:00"))
    hour = previous(period("2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z", BERLIN))
    assert (hour.start, hour.end) == (utc("2026-10-25T00:15"), utc("2026-10-25T00:45"))


@pytest.mark.parametrize(
    ("zone", "first", "last", "step", "count"),
    [
        (BERLIN, "2026-03-29", "2026-03-29", "hour", 23),
        (BERLIN, "2026-10-25", "2026-10-25", "hour", 25),
        (ZoneInfo("Australia/Lord_Howe"), "2026-04-05", "2026-04-05", "hour", 25),
        (ZoneInfo("America/Sao_Paulo"), "2018-11-03", "2018-11-05", "day", 3),
        (ZoneInfo("Pacific/Apia"), "2011-12-28", "2012-01-01", "day", 4),
        (KATHMANDU, "2026-01-01", "2026-12-31", "month", 12),
        (BERLIN, "2026-01-01", "2026-01-31", "week", 5),
    ],
)
def test_buckets_follow_the_local_calendar(zone: ZoneInfo, first: str, last: str, step: Step, count: int) -> None:
    whole = period(first, last, zone)
    starts = buckets(whole, step)
    assert len(starts) == count and starts == sorted(set(starts))
    assert starts[0] == whole.start and starts[-1] < whole.end
    if step != "hour":
        assert {start.astimezone(zone).minute for start in starts} == {0}


def test_days_of_utc_are_read_from_whole_days_and_others_from_quarters() -> None:
    for zone, step, grain_min in ((ZoneInfo("UTC"), "day", 1440), (ZoneInfo("UTC"), "hour", 15), (BERLIN, "day", 15)):
        days = period("2026-03-28", "2026-03-30", zone)
        assert grain_of(buckets(days, step), days.end) == grain_min  # type: ignore[arg-type]


@pytest.mark.parametrize("zone", [ZoneInfo("UTC"), BERLIN, KATHMANDU])
@pytest.mark.parametrize("length_h", [1, 23, 24, 25, 30, 49, 24 * 40])
@pytest.mark.parametrize("quarter", [0, 1, 37, 95])
def test_a_cover_has_whole_utc_days_and_the_quarters_around_them(zone: ZoneInfo, length_h: int, quarter: int) -> None:
    start = utc("2026-03-20T00:00") + timedelta(minutes=15 * quarter)
    found = cover(Period(start, start + timedelta(hours=length_h), zone))
    assert found.start <= found.head_end <= found.tail_start <= found.end
    assert (found.tail_start - found.head_end) % timedelta(days=1) == timedelta(0)
    assert found.head_end == found.end or found.head_end.hour == found.head_end.minute == 0
    assert found.head_end - found.start < timedelta(days=2) > found.end - found.tail_start


@pytest.mark.parametrize(
    ("name", "within", "start", "end", "step"),
    [
        ("daily", None, "2026-03-29T22:00", "2026-03-30T22:00", "hour"),
        ("weekly", None, "2026-03-29T22:00", "2026-04-05T22:00", "day"),
        ("monthly", None, "2026-02-28T23:00", "2026-03-31T22:00", "day"),
        ("monthly", date(2026, 2, 14), "2026-01-31T23:00", "2026-02-28T23:00", "day"),
        ("yearly", None, "2025-12-31T23:00", "2026-12-31T23:00", "month"),
        ("2026-03-01..2026-03-02", None, "2026-02-28T23:00", "2026-03-02T23:00", "hour"),
    ],
)
def test_a_report_is_of_the_period_around_a_day(
    name: str, within: date | None, start: str, end: str, step: str
) -> None:
    found, found_step = report_period(name, within, BERLIN, NOW)
    assert (found.start, found.end, found_step) == (utc(start), utc(end), step)


@pytest.mark.parametrize(
    "name", ["hourly", "", "2026-01-01", "2026-02-30..2026-03-01", "2026-03-02..2026-03-01", "9999-12-31..9999-12-31"]
)
def test_a_report_of_no_period_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        report_period(name, None, BERLIN, NOW)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "20260329", "2026-3-29", "2026-03-29T06:00", "1999-12-31", "9999-12-31", "1774824300"]
)
def test_only_dates_and_times_with_an_offset_are_read(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        read_moment(text)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "America", "Europe/Berlin\0"])
def test_only_zones_of_the_list_are_read(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        read_zone(name)


def test_borders_off_the_quarter_are_refused_with_their_field() -> None:
    with pytest.raises(InvalidRequest) as caught:
        make_period(read_moment("2026-03-29T06:01:00Z"), None, BERLIN, NOW)
    assert caught.value.fields["errors"] == [{"field": "from", "message": "must fall on a quarter of an hour"}]


def test_too_many_buckets_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        buckets(period("2025-01-01", "2025-12-31", BERLIN), "hour")
