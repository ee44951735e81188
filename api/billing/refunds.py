"""Refunds: a session's charges mirrored back, in part or in whole, never beyond what it cost.

Operators grant them as they see fit; viewers themselves where a player told that it never started or kept stalling,
for so many minutes a month, because what a player tells is the viewer's own word.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from api.billing import books, keys, ledger, queries_refund, queries_statement
from api.billing.ledger import About, Entry, Place
from api.billing.metering import MINUTE_MS
from api.billing.money import Currency
from api.billing.queries_refund import Paid
from api.billing.queries_statement import Transaction
from api.clients import Clients, Quality
from api.database import Connection, Database, Queries
from api.identity import User
from api.problems import Forbidden, NotFound, Problem

STARTUP_FAILURE, STALLING = "startup_failure", "stalling"
WORDS = {STARTUP_FAILURE: "playback did not start", STALLING: "playback kept stalling"}
# A failure to start: no picture within 20 s, and the viewer gave up within two minutes.
SLOWEST_START_MS, GIVEN_UP_MS = 20_000, 120_000
# Heavy stalling: half a minute of waiting, and a tenth of the time.
STALLED_MS, STALLED_PART = 30_000, 10
CLAIM_DAYS = 7


class StillPlaying(Problem):
    code, status = "session_not_ended", 409
    detail = "This session has not ended. End it first."


class NothingToRefund(Problem):
    code, status = "nothing_to_refund", 409
    detail = "This session cost nothing, or all of it was refunded."


class RefundTooLarge(Problem):
    code, status = "refund_too_large", 422
    detail = "This is more than what is left of the session's price."


class NotEligible(Problem):
    code, status = "not_eligible", 409
    detail = "What the player told of this session does not qualify for a refund. Ask the platform's operator."


class MonthUsedUp(Problem):
    code, status = "refund_limit", 409
    detail = "You have had as much refunded this month as is possible without asking the platform's operator."


@dataclass(frozen=True)
class Wish:
    """What is to be refunded and why. `amount` in minor units, only from operators; None: all that is left."""

    session_id: str
    reason: str
    amount: int | None


@dataclass(frozen=True)
class Grant:
    """What was decided: how much, by which rule, in which words."""

    amount_micros: int
    rule: str
    words: str


@dataclass(frozen=True)
class Refunded:
    """`balance` in minor units; `refunded_ms` is the media time whose price was given back."""

    transaction: Transaction
    balance: int
    refunded_ms: int


def qualifies(rule: str, quality: Quality) -> bool:
    """Whether a player's word makes a session one that its viewer may have refunded."""
    if rule == STARTUP_FAILURE:
        failed = quality.startup_ms is None or quality.startup_ms > SLOWEST_START_MS
        return failed and quality.wall_ms <= GIVEN_UP_MS
    stalled = min(quality.stall_ms or 0, quality.wall_ms)
    return stalled >= STALLED_MS and stalled * STALLED_PART >= quality.wall_ms


def media_ms(amount_micros: int, price_micros_per_minute: int) -> int:
    """The media time a price pays for; a part of a millisecond counts whole."""
    return -(-amount_micros * MINUTE_MS // price_micros_per_minute)


def mirrored(paid: Paid, amount_micros: int) -> int:
    """The creator's part of a refund; refunds in any number of parts take from each side what it got, never more."""
    back = paid.refunded_micros + amount_micros
    return back * paid.creator_micros // paid.charged_micros - paid.creator_refunded_micros


async def refund(
    db: Database, clients: Clients, currency: Currency, user: User, wish: Wish, *, month_ms: int, key: str
) -> Any:
    """Refund a session; whoever repeats it with the same key gets the same answer and no more money.

    Raises KeyRequired, KeyReused, NotFound, Forbidden, and the problems of this module.
    """
    body = {"session_id": wish.session_id, "reason": wish.reason, "amount": wish.amount}
    request = keys.asked(user.id, key, "refund", body)
    kept = await keys.known(db, request)
    if kept is not None:
        return kept.answer
    own = not user.is_operator
    if own and (wish.reason not in WORDS or wish.amount is not None):
        raise Forbidden(f"Without an operator the reason is {' or '.join(WORDS)}, and all of it is refunded.")
    found = await _find(db, user, wish.session_id)
    quality = await clients.streaming_quality(wish.session_id) if own else None
    async with db.transaction() as tx:

        async def effect() -> Refunded:
            opened = await books.open_wallet(tx, currency, found.account_id)
            left = _left(await _find(tx, user, wish.session_id))
            grant = _grant(currency, wish, left)
            if quality is not None:
                grant = await _claim(tx, wish, left, quality, month_ms)
            by = {"session_id": wish.session_id, "cause": f"{user.id} {key}"}
            return await _post(tx, opened, left, grant, **by, granted_by=user.id)

        return await keys.once(tx, request, effect)


async def _find(db: Queries, user: User, session_id: str) -> Paid:
    """A session of the user's own, or any to an operator; raises NotFound."""
    paid = await queries_refund.paid(db, session_id)
    if paid is None or (paid.user_id != user.id and not user.is_operator):
        raise NotFound("There is no such session.")
    return paid


def _left(paid: Paid) -> Paid:
    """The session, if it has ended and is not refunded in full. Raises StillPlaying, NothingToRefund."""
    if paid.state != "ended":
        raise StillPlaying
    if paid.charged_micros <= paid.refunded_micros:
        raise NothingToRefund
    return paid


def _grant(currency: Currency, wish: Wish, paid: Paid) -> Grant:
    """An operator's refund; raises RefundTooLarge."""
    left = paid.charged_micros - paid.refunded_micros
    amount = left if wish.amount is None else currency.micros(wish.amount)
    if amount > left:
        raise RefundTooLarge(refundable=currency.minor(left))
    return Grant(amount, "operator", f"Refund of video {paid.video_id}: {wish.reason}")


async def _claim(tx: Connection, wish: Wish, paid: Paid, quality: Quality, month_ms: int) -> Grant:
    """A viewer's own refund, as far as this month still allows. Raises NotEligible, MonthUsedUp."""
    if not qualifies(wish.reason, quality):
        raise NotEligible
    if paid.ended_at is None or datetime.now(UTC) - paid.ended_at > timedelta(days=CLAIM_DAYS):
        raise NotEligible(f"A refund is possible for {CLAIM_DAYS} days. Ask the platform's operator.")
    left_ms = month_ms - await queries_refund.claimed_ms(tx, paid.user_id)
    price = paid.price_micros_per_minute
    amount = min(paid.charged_micros - paid.refunded_micros, max(0, left_ms) * price // MINUTE_MS)
    if amount <= 0:
        raise MonthUsedUp(minutes=month_ms // MINUTE_MS)
    return Grant(amount, wish.reason, f"Refund of video {paid.video_id}: {WORDS[wish.reason]}")


async def _post(
    tx: Connection, opened: books.Books, paid: Paid, grant: Grant, *, session_id: str, cause: str, granted_by: int
) -> Refunded:
    amount, creator = grant.amount_micros, mirrored(paid, grant.amount_micros)
    wallet = opened.wallets[paid.account_id]
    wallet.spend(-amount)
    opened.cover_all()
    await books.store(tx, opened)
    entries = [
        Entry("refund", wallet.id, amount, wallet.balance_micros),
        Entry("refund", Place("creator", paid.creator_id), -creator),
        Entry("refund", Place("revenue", paid.creator_id), creator - amount),
    ]
    about = About(session_id=session_id, reason=grant.words)
    moved = [entry for entry in entries if entry.amount_micros]
    ids = await ledger.post(tx, opened.currency, cause, datetime.now(UTC), moved, about=about)
    refunded_ms = media_ms(amount, paid.price_micros_per_minute)
    await queries_refund.add(
        tx,
        ids["refund"],
        session_id,
        paid.user_id,
        rule=grant.rule,
        granted_by=granted_by,
        amount_micros=amount,
        creator_micros=creator,
        media_ms=refunded_ms,
    )
    made = await queries_statement.booked(tx, ids["refund"])
    return Refunded(made, opened.currency.minor(wallet.balance_micros), refunded_ms)
