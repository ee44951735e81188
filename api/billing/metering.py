"""The rule for money as arithmetic: what a watch owes, what is forgiven, who gets which part.

Media time in ms, money in micro-units, intervals half open; rule numbers are those of `metering.md`. What a single
fetch delivered (rule 1) is `media/credit.py`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

Interval = tuple[int, int]

MINUTE_MS = 60_000
WATCH_MS = 24 * 60 * MINUTE_MS
LATE_MS = 24 * 60 * MINUTE_MS
FORGIVEN_MS = 30_000
HOLD_MS = 2 * MINUTE_MS
# What the gateway's pacing lets through: at most three devices, each thirty segments of four seconds at once, and then
# so many a second.
DEVICES, SEGMENT_MS, MEDIA_RATE = 3, 4000, 2
HEAD_START_MS = DEVICES * 30 * SEGMENT_MS


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Rule 2: the same time as disjoint intervals in order; what touches is joined."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if not joined or start > joined[-1][1]:
            joined.append((start, end))
        elif end > joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
    return joined


def length_ms(intervals: Iterable[Interval]) -> int:
    """Total length of disjoint intervals."""
    return sum(end - start for start, end in intervals)


def before_ms(intervals: Iterable[Interval], moment_ms: int) -> int:
    """Rule 6: how much of disjoint intervals in order lies before a moment of the film."""
    total = 0
    for start, end in intervals:
        if start >= moment_ms:
            break
        total += min(end, moment_ms) - start
    return total


def fresh_ms(intervals: Sequence[Interval], start: int, end: int) -> int:
    """How much of [start, end) none of disjoint intervals in order covers."""
    fresh, at = end - start, bisect_left(intervals, (start,))
    for first, last in intervals[max(0, at - 1) :]:
        if first >= end:
            break
        fresh -= max(0, min(end, last) - max(start, first))
    return fresh


def most_ms(elapsed_ms: int, media_rate: int) -> int:
    """Rule 5: what can have been fetched of a watch so long after its first fetch, at so many segments a second."""
    return HEAD_START_MS + DEVICES * SEGMENT_MS * media_rate * max(0, elapsed_ms) // 1000


def due_micros(seen_ms: int, price_micros_per_minute: int) -> int:
    """Rule 3: what `seen_ms` of a film cost, floored once, on the total."""
    return seen_ms * price_micros_per_minute // MINUTE_MS


def forgiven_ms(delivered_ms: int, played_ms: int, added_ms: int) -> int:
    """Rule 4: what a session fetched beyond what can have been played, up to 30 s.

    `added_ms` is what the session brought new to its watch, to be paid: what was free anyway needs no forgiveness, or
    a replay would win back the price of the first viewing.
    """
    return max(0, min(FORGIVEN_MS, delivered_ms - played_ms, added_ms))


def played_ms(wall_ms: int, rate: float) -> int:
    """Rule 4: the most media time that can have been played in `wall_ms`, paused or not."""
    return round(wall_ms * max(1.0, rate))


def creator_part_micros(charged_micros: int, creator_bps: int) -> int:
    """Rule 8: the creator's part of a watch's total; the platform has the rest, so the parts equal the whole."""
    return charged_micros * creator_bps // 10_000
