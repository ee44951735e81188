"""Stored sums -> the figures of an answer, each with its published definition. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from api.analytics.money import Currency
from api.analytics.period import Period
from api.analytics.queries_figures import Sums
from api.analytics.queries_top import Money
from api.analytics.session import RETENTION_BUCKETS

Answer = dict[str, Any]

MINUTE = timedelta(minutes=1)

DEFINITIONS = {
    "starts": "Playback sessions with at least one delivered video segment, by the time of the first. The owner's own "
    "playbacks count nowhere.",
    "views": "Sessions that were delivered at least 10 s of the film, or half of it if that is less; at most one per "
    "user, video and clock hour (UTC), at the time the session began.",
    "unique_viewers": "Distinct users who were delivered any of it in the period. Periods do not add up.",
    "watch_time": "Seconds of film delivered, rounded down; watch_time_ms is exact. What one session was delivered "
    "twice counts once, at the time of the first delivery.",
    "average_view_duration": "Watch time divided by views, in seconds rounded down; 0 without views.",
    "completions": "Views that were delivered at least 90 % of the film.",
    "completion_rate": "Completions divided by views, in percent.",
    "peak_viewers": "The most sessions with a delivered segment in the same minute.",
    "average_viewers": "Sessions with a delivered segment in a minute, averaged over the minutes of the period so far.",
    "own_starts": "The owner's own playbacks, which are in no other figure.",
    "own_watch_time": "What was delivered to owners of their own films, in seconds; own_watch_time_ms is exact.",
    "quality": "What players told of playbacks that ended, by the time they began. It is never used for charging. "
    "start_failures: told playbacks that ended without a first picture. startup_ms: from pressing play to the first "
    "picture; p50 and p95 are upper bounds of a histogram's steps. rebuffer_ratio: time stalled, as a percentage of "
    "it and the watch time. starvations: requests whose player said (CMCD bs) that it had run dry. errors: segment "
    "requests answered with 400 or more; errors_per_hour: per hour of watch time. bitrate_kbps: of the delivered "
    "renditions, by their watch time. throughput_kbps: mean over playbacks of the best that was measured (CMCD mtp).",
    "devices": "Playbacks by what the browser said it is, by the time of their first segment. viewers: distinct users "
    "on the UTC days of the period; creators see rows of fewer than 5 as one row, other.",
    "countries": "Playbacks by the country of the address, cut to a network, in the configured GeoIP database.",
    "renditions": "Watch time by rendition; what a session got twice in a minute counts for the better one.",
    "retention_average": "The same over all films of the creator.",
    "live_viewers": "Sessions with a delivered segment in the last 30 s.",
    "peak_viewers_today": "The peak since midnight (UTC).",
    "watch_minutes_per_minute": "Minutes of film delivered in the last full minute.",
    "revenue_per_minute": "Charges less refunds of the last full minute, in minor units; _micros is exact.",
    "retention": "For each hundredth of the film, the percentage of starts that were delivered any of it.",
    "charges": "Number of charges posted by billing.",
    "gross": "Charges posted by billing, in minor units cut to whole ones; gross_micros is exact.",
    "refunds": "Refunds posted by billing, in minor units cut to whole ones; refunds_micros is exact.",
    "revenue": "Gross less refunds, in minor units cut to whole ones; revenue_micros is exact.",
    "provisional": "True while the period is open and for 24 h after, in which late data may still arrive.",
    "as_of": "When the numbers were read. read_through is the time of the newest fetch among them.",
}


def definitions(*names: str) -> dict[str, str]:
    """The definitions of the figures an answer shows."""
    return {name: DEFINITIONS[name] for name in names}


AUDIENCE = (
    "views",
    "unique_viewers",
    "starts",
    "watch_time",
    "average_view_duration",
    "completions",
    "completion_rate",
    "peak_viewers",
    "average_viewers",
    "own_starts",
    "own_watch_time",
)
DETAIL = ("quality", "devices", "countries", "renditions")
MONEY = ("charges", "gross", "refunds", "revenue")


def money(earned: Sums | Money, currency: Currency) -> Answer:
    """What was earned, in minor units and exactly."""
    net_micros = earned.gross_micros - earned.refund_micros
    return {
        "charges": earned.charges,
        "gross": currency.minor(earned.gross_micros),
        "gross_micros": earned.gross_micros,
        "refunds": currency.minor(earned.refund_micros),
        "refunds_micros": earned.refund_micros,
        "revenue": currency.minor(net_micros),
        "revenue_micros": net_micros,
    }


def figures(sums: Sums, unique_viewers: int, currency: Currency) -> Answer:
    """What is shown of a period, a bucket or a video."""
    average_ms = sums.watch_ms // sums.views if sums.views else 0
    return {
        "views": sums.views,
        "unique_viewers": unique_viewers,
        "starts": sums.starts,
        "watch_time": sums.watch_ms // 1000,
        "watch_time_ms": sums.watch_ms,
        "average_view_duration": average_ms // 1000,
        "average_view_duration_ms": average_ms,
        "completions": sums.completions,
        "completion_rate": percent(sums.completions, sums.views),
        **money(sums, currency),
    }


def own(sums: Sums) -> Answer:
    """The owner's own playbacks."""
    return {
        "own_starts": sums.own_starts,
        "own_watch_time": sums.own_watch_ms // 1000,
        "own_watch_time_ms": sums.own_watch_ms,
    }


def concurrency(sums: Sums, period: Period, now: datetime) -> Answer:
    """How many watched at once; minutes to come do not lower the average."""
    passed = (min(period.end, now) - period.start) // MINUTE
    average = round(sums.viewer_minutes / passed, 2) if passed > 0 else 0.0
    return {"peak_viewers": sums.peak, "average_viewers": average}


def percent(part: int, whole: int) -> float:
    """Two decimals, half up, as `numeric(5, 2)` rounds."""
    return (20_000 * part + whole) // (2 * whole) / 100 if whole else 0.0


def retention_curve(steps: Iterable[int], starts: int) -> list[float]:
    """The difference array summed up: a percentage per hundredth of the film."""
    covered, curve = 0, []
    for step in steps:
        covered += step
        curve.append(percent(covered, starts))
    return (curve or [0.0] * RETENTION_BUCKETS)[:RETENTION_BUCKETS]
