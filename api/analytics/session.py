"""One playback as delivered, and what it adds to the numbers; neither order nor repetition of lines changes them.

A session's watch time is the union of the film intervals delivered to it, so what was seen twice counts once; each
millisecond belongs to the earliest minute it was delivered in.
"""

from collections import Counter
from dataclasses import dataclass, replace

from api.analytics.arrivals import MINUTE_MS, Arrived, Key
from api.analytics.spans import Spans, length, minus, union
from api.analytics.tally import Tally

VIEW_MS = 10_000
RETENTION_BUCKETS = 100

Minutes = dict[int, Spans]


@dataclass(frozen=True, slots=True)
class Facts:
    """Owner and length of a film; 0 when the videos service no longer knew it."""

    owner_id: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """A row of `session`; `delivered` is the union over all its minutes."""

    key: Key
    user_id: int
    first_ms: int
    last_ms: int
    delivered: Spans = ()
    counted: bool = False
    qualified: bool = False
    completed: bool = False


def advance(before: Session, minutes: Minutes, arrived: Arrived) -> tuple[Session, Minutes]:
    """The session and its minutes after newly read fetches; `minutes` holds all from the earliest arrived one on."""
    seen = minus(before.delivered, union(span for spans in minutes.values() for span in spans))
    after: Minutes = {}
    for minute in sorted(minutes.keys() | arrived.minutes.keys()):
        here = union((*minutes.get(minute, ()), *arrived.minutes.get(minute, ())))
        after[minute] = minus(here, seen)
        seen = union((*seen, *here))
    first_ms, last_ms = min(before.first_ms, arrived.first_ms), max(before.last_ms, arrived.last_ms)
    return replace(before, first_ms=first_ms, last_ms=last_ms, delivered=seen), after


def judged(session: Session, facts: Facts | None) -> Session:
    """The session with its verdicts; nothing is decided before the video is known, and own views are none."""
    if facts is None:
        return session
    seen_ms, public = length(session.delivered), session.user_id != facts.owner_id
    long_enough = seen_ms >= VIEW_MS or 0 < facts.duration_ms <= 2 * seen_ms
    completed = 0 < facts.duration_ms * 9 <= seen_ms * 10
    return replace(session, counted=True, qualified=public and long_enough, completed=public and completed)


def count(tally: Tally, facts: Facts, before: tuple[Session, Minutes], after: tuple[Session, Minutes]) -> None:
    """Add what `after` has and `before` had not yet given to the numbers; nothing for the owner's own playback."""
    if after[0].user_id == facts.owner_id:
        return
    given: Minutes = {}
    if before[0].counted:
        given = before[1]
        _add(tally, facts, *before, sign=-1)
    _add(tally, facts, *after, sign=1)
    for minute in after[1].keys() - given.keys():
        tally.viewer(after[0].key.video_id, minute, after[0].user_id)


def _add(tally: Tally, facts: Facts, session: Session, minutes: Minutes, sign: int) -> None:
    video_id, started = session.key.video_id, session.first_ms // MINUTE_MS
    for minute, spans in minutes.items():
        tally.add(video_id, minute, watch_ms=sign * length(spans), viewer_minutes=sign)
    tally.add(video_id, started, starts=sign)
    if facts.duration_ms:
        tally.retain(video_id, started, steps(session.delivered, facts.duration_ms), sign)


def steps(delivered: Spans, duration_ms: int) -> Counter[int]:
    """The hundredths of the film that were touched, as +1 where a run of them begins and -1 after its end."""
    found: Counter[int] = Counter()
    touched = union(
        (start * RETENTION_BUCKETS // duration_ms, min(-(-end * RETENTION_BUCKETS // duration_ms), RETENTION_BUCKETS))
        for start, end in delivered
        if start < duration_ms
    )
    for first, end in touched:
        found[first] += 1
        found[end] -= 1
    return found
