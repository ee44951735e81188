"""Milliseconds and minutes since 1970 against the database's timestamps, without a float in between."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def to_ms(at: datetime) -> int:
    return (at - EPOCH) // _MS


def from_minute(minute: int) -> datetime:
    return EPOCH + timedelta(minutes=minute)


def to_minute(at: datetime) -> int:
    return to_ms(at) // 60_000
