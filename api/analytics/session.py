"""One playback as delivered, and what it adds to the numbers; neither order nor repetition of lines changes them.

A session's watch time is the union of the film intervals delivered to it, so what was seen twice counts once; each
millisecond belongs to the earliest minute it was delivered in, and in that minute to the best rendition.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from api.analytics.arrivals import MINUTE_MS, Arrived, Key, Slot
from api.analytics.spans import Spans, length, minus, union
from api.analytics.tally import QUARTER, Tally

VIEW_MS = 10_000
RETENTION_BUCKETS = 100

Slots = dict[Slot, Spans]


@dataclass(frozen=True, slots=True)
class Facts:
    """Owner and length of a film, 0 when the videos service no longer knew it; kbit/s by rendition."""

    owner_id: int
    duration_ms: int
    audio_only: bool = False
    kbps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Session:
    """A row of `session`; `delivered` is the union over all its slots."""

    key: Key
    user_id: int
    first_ms: int
    last_ms: int
    delivered: Spans = ()
    counted: bool = False
    qualified: bool = False
    completed: bool = False


def advance(before: Session, slots: Slots, arrived: Arrived) -> tuple[Session, Slots]:
    """The session and its slots after newly read fetches; `slots` holds all from the earliest arrived minute on."""
    seen = minus(before.delivered, union(chain.from_iterable(slots.values()))) if slots else before.delivered
    after: Slots = {}
    for slot in sorted(slots.keys() | arrived.slots.keys()) if len(arrived.slots) > 1 or slots else arrived.slots:
        new = arrived.slots.get(slot)
        here = union(chain(slots.get(slot, ()), new)) if new else slots[slot]
        after[slot] = minus(here, seen)
        seen = union(chain(seen, here))
    first_ms, last_ms = min(before.first_ms, arrived.first_ms), max(before.last_ms, arrived.last_ms)
    key, user_id = before.key, before.user_id
    return Session(key, user_id, first_ms, last_ms, seen, before.counted, before.qualified, before.completed), after


def judged(session: Session, facts: Facts | None) -> Session:
    """The session with its verdicts; nothing is decided before the video is known, and own views are none."""
    if facts is None:
        return session
    seen_ms, public = length(session.delivered), session.user_id != facts.owner_id
    long_enough = public and (seen_ms >= VIEW_MS or 0 < facts.duration_ms <= 2 * seen_ms)
    completed = public and 0 < facts.duration_ms * 9 <= seen_ms * 10
    if (session.counted, session.qualified, session.completed) == (True, long_enough, completed):
        return session
    return replace(session, counted=True, qualified=long_enough, completed=completed)


def count(tally: Tally, facts: Facts, before: tuple[Session, Slots], after: tuple[Session, Slots]) -> None:
    """Add what `after` has and `before` had not yet given to the numbers; the owner's own playbacks stay apart."""
    (was, given), (now, slots) = before, after
    if not was.counted:
        was, given = Session(now.key, now.user_id, 0, 0), {}
    video_id = now.key.video_id
    tally.owns(facts.owner_id, video_id)
    started, had_started = now.first_ms // MINUTE_MS, was.first_ms // MINUTE_MS
    own = now.user_id == facts.owner_id
    if started != had_started:
        name = "own_starts" if own else "starts"
        tally.add(video_id, started, name, 1)
        if had_started:
            tally.add(video_id, had_started, name, -1)
    if own:
        for slot, spans in slots.items():
            tally.add(video_id, slot.minute, "own_watch_ms", length(spans) - length(given.get(slot, ())))
        return
    _count_watched(tally, facts, video_id, given, slots)
    _count_viewer(tally, was, now, {slot.minute for slot in slots} - {slot.minute for slot in given})
    if facts.duration_ms and (was.delivered != now.delivered or started != had_started):
        tally.retain(video_id, started, steps(now.delivered, facts.duration_ms), 1)
        tally.retain(video_id, had_started, steps(was.delivered, facts.duration_ms), -1)


def _count_watched(tally: Tally, facts: Facts, video_id: int, given: Slots, slots: Slots) -> None:
    for slot, spans in slots.items():
        had = given.get(slot)
        if spans is had or not (change_ms := length(spans) - length(had or ())):
            continue
        tally.add(video_id, slot.minute, "watch_ms", change_ms)
        tally.watched(video_id, slot.minute, slot.rendition, change_ms)
        if kbps := facts.kbps.get(slot.rendition):
            tally.add(video_id, slot.minute, "bits", change_ms * kbps)
            tally.add(video_id, slot.minute, "bits_ms", change_ms)


def _count_viewer(tally: Tally, was: Session, now: Session, minutes: set[int]) -> None:
    known = was.last_ms // MINUTE_MS // QUARTER
    for minute in minutes:
        tally.add(now.key.video_id, minute, "viewer_minutes", 1)
        if minute // QUARTER != known:
            tally.viewer(now.key.video_id, minute, now.user_id)


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
