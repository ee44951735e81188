"""The proof of a session's price: which parts of the film were delivered, what of it was new, the arithmetic, the log.

Everything is recomputed from what is stored, so whoever adds up the numbers finds the charge, or an error of ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.billing import metering, positions, queries_month, queries_proof, queries_reconciliation
from api.billing.metering import WATCH_MS, Interval
from api.billing.money import currency_named
from api.billing.positions import LogFile, Stretch
from api.billing.queries_proof import Booked, Session
from api.database import Database
from api.identity import User
from api.problems import NotFound

JOURNALS = 5000


@dataclass(frozen=True)
class Intervals:
    """Parts of the film in ms, half open. `preview` was delivered of what its uploader lets everybody see for nothing,
    `free` had been delivered before. `forgiven` is a length, shown at the end of what was charged.

    `exact` False: sessions of one viewer ran side by side, so that which of them received a part first is only in the
    log; the lengths and amounts are exact all the same.
    """

    delivered: list[Interval]
    preview: list[Interval]
    charged: list[Interval]
    free: list[Interval]
    forgiven: list[Interval]
    exact: bool


@dataclass(frozen=True)
class Arithmetic:
    """`payable_ms` = delivered - preview - free - forgiven; `due_micros` = floor(payable_ms * price / 60000).

    `charged_micros` follows the watch's total, which is floored once: single sessions may differ from `due_micros` by
    one micro-unit, or by what was not collected.
    """

    delivered_ms: int
    preview_ms: int
    free_ms: int
    forgiven_ms: int
    payable_ms: int
    price_micros_per_minute: int
    due_micros: int
    charged_micros: int
    refunded_micros: int
    paid_micros: int


@dataclass(frozen=True)
class Watch:
    """24 hours of one viewer on one film at one price, all sessions together: charged + uncollected = due, exactly.

    `due_micros` = floor((max(seen_ms - preview_seen_ms, claimed_ms - preview_ms) - forgiven_ms) * price / 60000), where
    the film's first `preview_ms` are free, of which `preview_seen_ms` were seen.
    """

    id: int
    opened_at: datetime | None
    closes_at: datetime | None
    seen_ms: int
    preview_ms: int
    preview_seen_ms: int
    claimed_ms: int
    forgiven_ms: int
    due_micros: int
    charged_micros: int
    uncollected_micros: int
    balanced: bool


@dataclass(frozen=True)
class Journal:
    """A booking. `cause`: `fetches` with the stretches of the log, `end` of the session, or a service's `claim`."""

    id: int
    kind: str
    cause: str
    effective_at: datetime
    booked_at: datetime
    amount_micros: int
    balance_after_micros: int | None
    stretches: list[Stretch]


@dataclass(frozen=True)
class Proof:
    """All there is to check a session's price. `truncated`: it has more journals than are shown."""

    session_id: str
    user_id: int
    video_id: int
    state: str
    started_at: datetime
    ended_at: datetime | None
    film_ms: int
    currency: str
    price_per_minute: int
    charged: int
    intervals: Intervals
    arithmetic: Arithmetic
    watches: list[Watch]
    journals: list[Journal]
    truncated: bool
    log: list[LogFile]
    reconciled_through: datetime | None


async def proof(db: Database, user: User, root: Path, session_id: str) -> Proof:
    """A session's proof, for its viewer and for operators; raises NotFound."""
    async with db.transaction() as tx:
        await queries_month.freeze(tx)
        found = await queries_proof.session(tx, session_id)
        if found is None or (found.user_id != user.id and not user.is_operator):
            raise NotFound("There is no such session.")
        before = await queries_proof.earlier(tx, found.user_id, found.watch_id, session_id)
        watches = await queries_proof.watches(tx, found)
        booked = await queries_proof.booked(tx, found, JOURNALS + 1)
        reconciled = await queries_reconciliation.reconciled_through(tx)
    currency = currency_named(found.currency)
    journals = [_journal(each) for each in booked[:JOURNALS]]
    return Proof(
        session_id=session_id,
        user_id=found.user_id,
        video_id=found.video_id,
        state=found.state,
        started_at=found.created_at,
        ended_at=found.ended_at,
        film_ms=found.duration_ms,
        currency=found.currency,
        price_per_minute=currency.minor(found.price_micros_per_minute),
        charged=currency.minor(found.charged_micros),
        intervals=intervals(found, [each.delivered for each in before]),
        arithmetic=arithmetic(found),
        watches=[_watch(watch, found.price_micros_per_minute) for watch in watches],
        journals=journals,
        truncated=len(booked) > JOURNALS,
        log=positions.files(root, (stretch for journal in journals for stretch in journal.stretches)),
        reconciled_through=reconciled,
    )


def without(intervals_: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """What of disjoint intervals no other covers."""
    left = list(intervals_)
    for start, end in others:
        left = [
            piece
            for first, last in left
            for piece in ((first, min(last, start)), (max(first, end), last))
            if piece[0] < piece[1]
        ]
    return left


def tail(intervals_: Sequence[Interval], length_ms: int) -> list[Interval]:
    """The last `length_ms` of intervals in order."""
    kept: list[Interval] = []
    for start, end in reversed(intervals_):
        if length_ms <= 0:
            break
        kept.insert(0, (max(start, end - length_ms), end))
        length_ms -= end - start
    return kept


def intervals(found: Session, before: Iterable[list[Interval]]) -> Intervals:
    """Rule 2, told by the order in which sessions began: what an earlier one of the watch had received is free."""
    received = metering.union(interval for delivered in before for interval in delivered)
    payable = without(found.delivered, [(0, found.preview_ms)])
    new = without(payable, received) if found.price_micros_per_minute else []
    forgiven = tail(new, found.forgiven_ms)
    return Intervals(
        delivered=found.delivered,
        preview=without(found.delivered, payable),
        charged=without(new, forgiven),
        free=without(payable, new),
        forgiven=forgiven,
        exact=not found.price_micros_per_minute or metering.length_ms(new) == found.added_ms,
    )


def free_ms(delivered_ms: int, added_ms: int, charged_micros: int, price_micros_per_minute: int) -> int:
    """What a session was delivered that was no new minute of its watch.

    `added_ms` speaks of the session's last watch alone; what it paid for in an earlier one was not free either.
    """
    if not price_micros_per_minute:
        return delivered_ms
    paid_ms = charged_micros * metering.MINUTE_MS // price_micros_per_minute
    return max(0, delivered_ms - max(added_ms, paid_ms))


def arithmetic(found: Session) -> Arithmetic:
    """The price in numbers."""
    preview = metering.before_ms(found.delivered, found.preview_ms)
    rest = found.delivered_ms - preview
    free = free_ms(rest, found.added_ms, found.charged_micros, found.price_micros_per_minute)
    payable = max(0, rest - free - found.forgiven_ms) if found.price_micros_per_minute else 0
    return Arithmetic(
        delivered_ms=found.delivered_ms,
        preview_ms=preview,
        free_ms=free,
        forgiven_ms=found.forgiven_ms,
        payable_ms=payable,
        price_micros_per_minute=found.price_micros_per_minute,
        due_micros=metering.due_micros(payable, found.price_micros_per_minute),
        charged_micros=found.charged_micros,
        refunded_micros=found.refunded_micros,
        paid_micros=found.charged_micros - found.refunded_micros,
    )


def _watch(found: queries_proof.Watch, price_micros_per_minute: int) -> Watch:
    opened = None if found.opened_ms is None else datetime.fromtimestamp(found.opened_ms / 1000, UTC)
    taken_ms = max(found.seen_ms - found.preview_seen_ms, found.claimed_ms - found.preview_ms)
    due = metering.due_micros(taken_ms - found.forgiven_ms, price_micros_per_minute)
    return Watch(
        id=found.id,
        opened_at=opened,
        closes_at=opened + timedelta(milliseconds=WATCH_MS) if opened else None,
        seen_ms=found.seen_ms,
        preview_ms=found.preview_ms,
        preview_seen_ms=found.preview_seen_ms,
        claimed_ms=found.claimed_ms,
        forgiven_ms=found.forgiven_ms,
        due_micros=due,
        charged_micros=found.charged_micros,
        uncollected_micros=found.uncollected_micros,
        balanced=due == found.charged_micros + found.uncollected_micros,
    )


def _journal(found: Booked) -> Journal:
    """The key of a journal is its kind and its cause; see `workers/meter.py` and `holds.py`."""
    cause = found.idem_key.removeprefix(f"{found.kind} ")
    stretches = positions.named(cause)
    return Journal(
        id=found.journal_id,
        kind=found.kind,
        cause="fetches" if stretches else cause.partition(" ")[0],
        effective_at=found.effective_at,
        booked_at=found.created_at,
        amount_micros=found.amount_micros,
        balance_after_micros=found.balance_after,
        stretches=stretches,
    )
