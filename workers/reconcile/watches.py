"""What watches and sessions should have cost by the logs, against what billing recorded."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from api.database import Queries
from workers.reconcile import queries, queries_ledger
from workers.reconcile.arithmetic import (
    DAY_MS,
    MOST_FORGIVEN_MS,
    SKEW_MS,
    Spans,
    creators_micros,
    joined,
    price_micros,
    unplayed_ms,
)
from workers.reconcile.difference import Counts, Difference
from workers.reconcile.queries import Watch
from workers.reconcile.reading import Reading, Viewing

PAGE = 500


@dataclass(frozen=True)
class Scope:
    """Which watches and sessions are checked: those begun from `since_ms` to `until_ms`. `whole`: no log is missing."""

    since_ms: int
    until_ms: int
    whole: bool


async def compare(db: Queries, reading: Reading, scope: Scope, counts: Counts) -> AsyncIterator[Difference]:
    """Every watch in scope."""
    after = 0
    while page := await queries.watches(db, scope.since_ms, scope.until_ms, after, PAGE):
        after = page[-1].id
        counts.watches += len(page)
        for watch in page:
            viewings = reading.by_watch.get(watch.id, [])
            for found in _watch(watch, viewings, opened=watch.id in reading.opened, counts=counts, whole=scope.whole):
                yield await _proven(db, found, watch)
        for each in await _films(db, [watch.id for watch in page]):
            yield each


def _watch(watch: Watch, viewings: list[Viewing], *, opened: bool, counts: Counts, whole: bool) -> Iterator[Difference]:
    seen = joined(viewing.parts[watch.id] for viewing in viewings)
    recorded_seen = Spans(edge for r in watch.seen for edge in (r.lower, r.upper))
    if not whole and joined([seen, recorded_seen]).edges == recorded_seen.edges != seen.edges:
        counts.unproven += 1
        return
    if watch.opened_ms is not None and not opened:
        yield _of(watch, "opening", {"opened_ms": watch.opened_ms}, {"fetch_at_that_time": False}, provable=whole)
    # Rule 6: the first of the film is free.
    taken_ms = max(seen.beyond(watch.preview_ms).ms, watch.claimed_ms - watch.preview_ms)
    forgiven_ms = _forgiven_ms(watch, viewings, seen)
    # Rule 6: an owner's own views are free.
    own = any(v.session.creator_id == watch.user_id for v in viewings)
    due = 0 if own else price_micros(taken_ms - forgiven_ms, watch.price_micros_per_minute)
    recorded = {
        "seen": recorded_seen.pairs()[:50], "seen_ms": watch.seen_ms, "forgiven_ms": watch.forgiven_ms,
        "due_micros": watch.charged_micros + watch.uncollected_micros, "charged_micros": watch.charged_micros,
    }  # fmt: skip
    derived = {
        "seen": seen.pairs()[:50], "seen_ms": seen.ms, "forgiven_ms": forgiven_ms, "due_micros": due,
        "charged_micros": min(watch.charged_micros, due),
    }  # fmt: skip
    if recorded != derived or recorded_seen.edges != seen.edges:
        yield _of(watch, "charge", recorded, derived, due_micros=due, provable=whole)
    part = creators_micros(watch.charged_micros, watch.creator_bps)
    if watch.creator_micros != part:
        yield _of(watch, "share", {"creator_micros": watch.creator_micros}, {"creator_micros": part})


def _of(
    watch: Watch,
    what: str,
    recorded: dict[str, object],
    derived: dict[str, object],
    *,
    due_micros: int | None = None,
    provable: bool = True,
) -> Difference:
    billed = watch.charged_micros + watch.uncollected_micros
    return Difference(
        "watch",
        f"{watch.id} {what}",
        recorded,
        derived,
        user_id=watch.user_id,
        video_id=watch.video_id,
        overcharged_micros=0 if due_micros is None else max(0, watch.charged_micros - due_micros),
        undercharged=due_micros is not None and billed < due_micros,
        provable=provable,
    )


def _forgiven_ms(watch: Watch, viewings: list[Viewing], seen: Spans) -> int:
    """Rule 4: what was recorded, moved into the range of what is right.

    Where two devices fetch the same minutes at a time, the order in which the meter heard of them decides who brought
    them into the watch: that is a range. With one session in the watch it is a single number.
    """
    least, most = 0, 0
    for viewing in viewings:
        session = viewing.session
        others = joined(other.parts[watch.id] for other in viewings if other is not viewing)
        fetched_ms = viewing.whole().ms
        alone_ms = seen.beyond(watch.preview_ms).ms - others.beyond(watch.preview_ms).ms
        high = unplayed_ms(fetched_ms, session.played_ms, viewing.parts[watch.id].beyond(watch.preview_ms).ms)
        low = unplayed_ms(fetched_ms, session.played_ms, alone_ms) if session.watch_id == watch.id else 0
        if watch.forgiven_session == session.session_id:
            return min(max(watch.forgiven_ms, low), high)
        if watch.forgiven_session is None:
            least, most = max(least, low), max(most, high)
    return min(max(watch.forgiven_ms, least), most, MOST_FORGIVEN_MS)


async def _proven(db: Queries, found: Difference, watch: Watch) -> Difference:
    """Only money that was really taken is given back: the entries must say what the watches of the film say."""
    if not found.overcharged_micros or not found.provable:
        return found
    paid, charged = await queries_ledger.paid(db, watch.film)
    return found if paid == charged else replace(found, provable=False)


async def _films(db: Queries, watches: list[int]) -> list[Difference]:
    """What sessions were charged must be what their watches were."""
    return [
        Difference(
            "film",
            f"{film.user_id} {film.video_id} {film.price_micros_per_minute}",
            {"charged_micros": film.watches_micros, "creator_micros": film.watches_creator_micros},
            {"charged_micros": film.sessions_micros, "creator_micros": film.sessions_creator_micros},
            user_id=film.user_id,
            video_id=film.video_id,
        )
        for film in await queries_ledger.films(db, watches)
    ]


def overlapping(reading: Reading) -> Iterator[Difference]:
    """Rule 2: one watch at a time, or a viewer would pay twice within a day."""
    for film, windows in reading.windows.items():
        for (opened_ms, first), (next_ms, second) in pairwise(windows):
            if next_ms - opened_ms < DAY_MS - SKEW_MS:
                apart = {"opened_ms": [opened_ms, next_ms]}
                yield Difference("watch", f"{first} {second} at a time", apart, {"apart_ms": DAY_MS}, user_id=film[0])
