"""What happens to a wallet, a watch and a session's hold when media was delivered or money moved. Pure arithmetic.

The three classes are one transaction's working copies, made by `books.py` under the wallet's lock and stored by it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from api.billing import metering
from api.billing.metering import Interval

State = Literal["open", "spent", "ended"]


@dataclass(slots=True)
class Wallet:
    """`held_micros` is the sum of what its sessions hold of the balance; `daily_micros` None: no daily limit."""

    id: int
    user_id: int
    balance_micros: int
    held_micros: int
    daily_micros: int | None = None
    spent_micros: int = 0  # today

    @property
    def free_micros(self) -> int:
        return self.balance_micros - self.held_micros

    @property
    def left_micros(self) -> int | None:
        """What the daily limit still lets be held, below zero once it was lowered; None without a limit."""
        return None if self.daily_micros is None else self.daily_micros - max(0, self.spent_micros) - self.held_micros

    @property
    def room_micros(self) -> int:
        """What may still be held: the free balance, within the daily limit."""
        return self.free_micros if self.left_micros is None else min(self.free_micros, self.left_micros)

    def spend(self, micros: int) -> None:
        """Take from the balance what watching cost; below zero: give it back."""
        self.balance_micros -= micros
        self.spent_micros += micros


@dataclass(slots=True)
class Watch:
    """A user's 24 hours on one video at one price; `opened_ms` is None before the first fetch.

    The film's first `preview_ms` are free (rule 6), and counted apart from what is payable.
    """

    id: int
    user_id: int
    video_id: int
    price_micros_per_minute: int
    creator_bps: int
    opened_ms: int | None
    seen: list[Interval]
    seen_ms: int
    claimed_ms: int
    forgiven_ms: int
    forgiven_session: str | None
    charged_micros: int
    uncollected_micros: int
    creator_micros: int
    preview_ms: int = 0

    @property
    def payable_ms(self) -> int:
        """What was seen beyond the preview."""
        return self.seen_ms - metering.before_ms(self.seen, self.preview_ms) if self.preview_ms else self.seen_ms

    @property
    def taken_ms(self) -> int:
        """Payable media time, by the log or by a service's word; both may speak of the same minutes."""
        return max(self.payable_ms, self.claimed_ms - self.preview_ms)

    def due_micros(self, ahead_ms: int = 0) -> int:
        """What the watch costs so far, or will with `ahead_ms` more."""
        return metering.due_micros(self.taken_ms + ahead_ms - self.forgiven_ms, self.price_micros_per_minute)

    def covers(self, t_ms: int) -> bool:
        """Rule 2: a watch lasts 24 hours from its first fetch."""
        return self.opened_ms is None or self.opened_ms <= t_ms < self.opened_ms + metering.WATCH_MS


@dataclass(slots=True)
class Hold:
    """Billing's side of a session. `live`: heard of lately, so it may keep money; `played_ms` None until it ended.

    `limited`: it is final because of the daily limit.
    """

    session_id: str
    account_id: int
    watch_id: int
    user_id: int
    video_id: int
    creator_id: int
    price_micros_per_minute: int
    duration_ms: int
    audio_only: bool
    state: State
    final: bool
    live: bool
    held_micros: int
    delivered: list[Interval]
    delivered_ms: int
    added_ms: int
    played_ms: int | None
    forgiven_ms: int
    charged_micros: int
    creator_micros: int
    balance_after: int
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """Money moved for a session; `paid_micros` negative: given back to the wallet."""

    session_id: str
    account_id: int
    creator_id: int
    paid_micros: int
    creator_micros: int
    uncollected_micros: int
    balance_after: int


def deliver(hold: Hold, watch: Watch, intervals: Sequence[Interval], t_ms: int) -> None:
    """Media was delivered (rule 2): only what is new to the watch can cost anything. Repeating it changes nothing."""
    if watch.opened_ms is None:
        watch.opened_ms = t_ms
    fresh, alone, before_ms = metering.union(intervals), hold.delivered == watch.seen, watch.payable_ms
    hold.delivered = metering.union([*hold.delivered, *fresh])
    hold.delivered_ms = metering.length_ms(hold.delivered)
    # Most watches have one session.
    watch.seen = hold.delivered if alone else metering.union([*watch.seen, *fresh])
    watch.seen_ms = metering.length_ms(watch.seen)
    if watch.id == hold.watch_id:
        hold.added_ms += watch.payable_ms - before_ms
    hold.live = hold.state != "ended"


def move(hold: Hold, watch: Watch) -> None:
    """The session goes on in a new watch, 24 hours after the first fetch of the old one."""
    hold.watch_id, hold.added_ms = watch.id, 0


def end(hold: Hold, played_ms: int) -> None:
    """The session is over and can have played `played_ms` at most; it holds nothing any more."""
    hold.state, hold.final, hold.limited, hold.live = "ended", False, False, False
    hold.played_ms = played_ms


def forgive(hold: Hold, watch: Watch) -> None:
    """Rule 4: forgive an ended session what it fetched and cannot have played; one session per watch.

    Forgiven time is a number, not a part of `seen`: a line that arrives late, or again, can therefore not charge it
    once more. A late line raises what the session had fetched, so it raises what is forgiven too, up to the 30 s; the
    order in which the end and the lines arrive makes no difference. What is later watched of it in the same watch is
    the viewer's gain.
    """
    if hold.played_ms is None or watch.forgiven_session not in (None, hold.session_id):
        return
    forgiven_ms = metering.forgiven_ms(hold.delivered_ms, hold.played_ms, hold.added_ms)
    if forgiven_ms > watch.forgiven_ms:
        watch.forgiven_session = hold.session_id
        watch.forgiven_ms = hold.forgiven_ms = forgiven_ms


def settle(wallet: Wallet, watch: Watch, hold: Hold) -> Charge | None:
    """Take what the watch owes more than was taken before, or give back what it owes less; None when it is even.

    The session's own hold pays first, then the free balance, never another session's hold. What is missing is
    uncollected (rule 5): the platform bears it and it never becomes a debt, so giving back starts with it. A daily
    limit stops what is held, not what was delivered: else who moves it up and down would watch for nothing.
    """
    owed = watch.due_micros() - watch.charged_micros - watch.uncollected_micros
    if owed == 0:
        return None
    if owed > 0:
        paid = min(owed, hold.held_micros + wallet.free_micros)
        captured = min(paid, hold.held_micros)
    else:
        paid = min(0, owed + watch.uncollected_micros)
        captured = 0
    hold.held_micros -= captured
    wallet.held_micros -= captured
    wallet.spend(paid)
    return _book(wallet, watch, hold, paid, owed - paid)


def _book(wallet: Wallet, watch: Watch, hold: Hold, paid: int, uncollected: int) -> Charge:
    """Rule 8: the creator's part follows the watch's total, so parts of single charges never drift."""
    watch.charged_micros += paid
    watch.uncollected_micros += uncollected
    creator = metering.creator_part_micros(watch.charged_micros, watch.creator_bps) - watch.creator_micros
    watch.creator_micros += creator
    hold.charged_micros += paid
    hold.creator_micros += creator
    hold.balance_after = wallet.balance_micros
    return Charge(
        hold.session_id, wallet.id, hold.creator_id, paid, creator, uncollected, balance_after=wallet.balance_micros
    )


def unseen_ms(watch: Watch, hold: Hold) -> int:
    """What is left to be paid of the film; at least two minutes when its length is not known."""
    return max(0, hold.duration_ms - watch.preview_ms - watch.taken_ms) if hold.duration_ms else metering.HOLD_MS


def cost_micros(watch: Watch, ahead_ms: int) -> int:
    """What the next `ahead_ms` of the watch will cost."""
    return watch.due_micros(ahead_ms) - watch.due_micros()


def take_over(wallet: Wallet, needed_micros: int, others: Iterable[Hold]) -> None:
    """Free what is needed from other sessions of the same watch: a reload finds the money of what it replaces."""
    for other in others:
        taken = max(0, min(other.held_micros, needed_micros - wallet.room_micros))
        other.held_micros -= taken
        wallet.held_micros -= taken


def first_minute_micros(watch: Watch, hold: Hold) -> int:
    """Rule 5: what must be affordable at a start: one minute, or what is left of a film paid for in part."""
    ahead_ms = min(metering.MINUTE_MS, unseen_ms(watch, hold)) if watch.taken_ms else metering.MINUTE_MS
    return cost_micros(watch, ahead_ms)


def cover(wallet: Wallet, watch: Watch, hold: Hold) -> None:
    """Rule 5: hold the next two minutes, or what is left of film, balance or daily limit; let go of what is not needed.

    With less than that the session is final; when not one more millisecond can be paid it is spent. A film delivered
    to its end costs nothing more and is neither.
    """
    ahead_ms = min(metering.HOLD_MS, unseen_ms(watch, hold)) if hold.live else 0
    wanted = cost_micros(watch, ahead_ms)
    change = min(wanted - hold.held_micros, max(0, wallet.room_micros))
    hold.held_micros += change
    wallet.held_micros += change
    if hold.live:
        hold.final = hold.held_micros < wanted
        hold.limited = hold.final and wallet.room_micros < wallet.free_micros
        spent = hold.final and hold.held_micros < max(1, cost_micros(watch, 1))
        hold.state = "spent" if spent else "open"
