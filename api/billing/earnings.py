"""What creators earned: it waits some days for refunds and disputes, then it matures and can be paid out.

The `creator` account only ever grows by charges and shrinks by refunds; what matures moves to `payable`, once a day
and creator, which therefore can have a live balance that the database keeps from going below zero.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.billing import keys, ledger, queries_earning, queries_trouble
from api.billing.ledger import About, Entry, Place
from api.billing.money import Currency, currency_named
from api.billing.queries_earning import Payout
from api.database import Connection, Database, Queries
from api.problems import NotFound, Problem

CREATORS_AT_ONCE = 50


class NotAvailable(Problem):
    code, status = "not_available", 409
    detail = "This is more than what you can have paid out now."


class BelowMinimum(Problem):
    code, status = "below_minimum", 422
    detail = "This is less than the smallest payout."


class PayoutClosed(Problem):
    code, status = "payout_closed", 409
    detail = "This payout was returned before."


@dataclass(frozen=True)
class PayoutTerms:
    """Full days that earnings wait; the least payout in minor units."""

    hold_days: int
    minimum: int


@dataclass(frozen=True)
class Earnings:
    """Minor units, floored. `pending` waits, `available` can be paid out, `requested` is on its way, `paid` arrived.

    `reserved`, rounded up, is kept back while viewers owe what a bank took back: of `pending` first.
    """

    pending: int
    reserved: int
    available: int
    requested: int
    paid: int
    minimum: int
    hold_days: int
    currency: str


@dataclass(frozen=True)
class ShownPayout:
    """`amount` in minor units."""

    id: int
    user_id: int
    amount: int
    currency: str
    state: str
    reference: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Page:
    """`next_cursor` None: that was all."""

    items: list[ShownPayout]
    next_cursor: str | None


def payable_micros(found: queries_earning.Earning, reserved_micros: int) -> int:
    """What can be paid out: refunds of what was paid out before are first earned again, and so is what is reserved."""
    return max(0, found.available_micros + min(0, found.pending_micros - reserved_micros))


async def earnings(db: Queries, currency: Currency, terms: PayoutTerms, user_id: int) -> Earnings:
    found = await queries_earning.earning(db, user_id, currency.code)
    reserved = await queries_trouble.reserved_micros(db, user_id, currency.code)
    return Earnings(
        pending=currency.minor(found.pending_micros),
        reserved=currency.minor_up(reserved),
        available=currency.minor(payable_micros(found, reserved)),
        requested=currency.minor(found.requested_micros),
        paid=currency.minor(found.paid_micros),
        minimum=terms.minimum,
        hold_days=terms.hold_days,
        currency=currency.code,
    )


async def mature(db: Database, terms: PayoutTerms) -> int:
    """Close a day that is over, and move what has waited long enough; the number of creators it moved for."""
    async with db.transaction() as tx:
        await queries_earning.lock_days(tx)
        day = await queries_earning.next_day(tx)
        if day is not None:
            await queries_earning.close_day(tx, day)
        due = await queries_earning.matured(tx, terms.hold_days, CREATORS_AT_ONCE)
        for each in due:
            if each.amount_micros:
                await _mature(tx, each)
            await queries_earning.set_matured(tx, each.account_id, each.through)
        return len(due)


async def _mature(tx: Connection, due: queries_earning.Matured) -> None:
    currency = currency_named(due.currency)
    await queries_earning.add_payable(tx, due.creator_id, currency.code, currency.minor_micros)
    payable = await queries_earning.lock_payable(tx, due.creator_id, currency.code)
    balance = payable.balance_micros + due.amount_micros
    await queries_earning.set_payable(tx, payable.id, balance)
    entries = [
        Entry("payout_earning", payable.id, due.amount_micros, balance),
        Entry("payout_earning", Place("creator", due.creator_id), -due.amount_micros),
    ]
    about = About(reason=f"Earnings through {due.through.isoformat()}")
    cause = f"{due.creator_id} {currency.code} {due.through.isoformat()}"
    await ledger.post(tx, currency, cause, datetime.now(UTC), entries, about=about)


async def request_payout(
    db: Database, currency: Currency, terms: PayoutTerms, user_id: int, key: str, *, amount: int | None
) -> Any:
    """Ask for `amount` minor units, or all there is; repeating it with the same key gives the same payout.

    Raises KeyRequired, KeyReused, BelowMinimum, NotAvailable.
    """
    request = keys.asked(user_id, key, "payout", {"amount": amount})
    async with db.transaction() as tx:

        async def effect() -> ShownPayout:
            return await _request(tx, currency, terms, user_id, key, amount=amount)

        return await keys.once(tx, request, effect)


async def _request(
    tx: Connection, currency: Currency, terms: PayoutTerms, user_id: int, key: str, *, amount: int | None
) -> ShownPayout:
    await queries_earning.add_payable(tx, user_id, currency.code, currency.minor_micros)
    payable = await queries_earning.lock_payable(tx, user_id, currency.code)
    reserved = await queries_trouble.reserved_micros(tx, user_id, currency.code)
    there_is = currency.minor(payable_micros(await queries_earning.earning(tx, user_id, currency.code), reserved))
    wanted = there_is if amount is None else amount
    if wanted < terms.minimum:
        raise BelowMinimum(minimum=terms.minimum, available=there_is)
    if wanted > there_is:
        raise NotAvailable(available=there_is)
    micros = currency.micros(wanted)
    balance = payable.balance_micros - micros
    await queries_earning.set_payable(tx, payable.id, balance)
    entries = [
        Entry("payout", payable.id, -micros, balance),
        Entry("payout", Place("clearing_payout", 0), micros),
    ]
    ids = await ledger.post(tx, currency, f"{user_id} {key}", datetime.now(UTC), entries)
    payout_id = await queries_earning.add_payout(tx, user_id, micros, currency.code, ids["payout"])
    return _shown(await _find(tx, payout_id))


async def conclude(
    db: Database, operator_id: int, key: str, payout_id: int, *, state: str, reference: str | None
) -> Any:
    """An operator says that a payout was sent, or that it came back; repeating it, with any key, changes nothing.

    A payout that was paid may still come back. Raises KeyRequired, KeyReused, NotFound, PayoutClosed.
    """
    body = {"payout_id": payout_id, "state": state, "reference": reference}
    request = keys.asked(operator_id, key, "payout_conclusion", body)
    async with db.transaction() as tx:

        async def effect() -> ShownPayout:
            return await _conclude(tx, payout_id, state, reference)

        return await keys.once(tx, request, effect)


async def _conclude(tx: Connection, payout_id: int, state: str, reference: str | None) -> ShownPayout:
    found = await _find(tx, payout_id)
    if found.state == "returned" and state != "returned":
        raise PayoutClosed
    if found.state != state:
        journal_id = await _return(tx, found) if state == "returned" else None
        await queries_earning.set_payout(tx, payout_id, state, reference, journal_id)
    return _shown(await _find(tx, payout_id))


async def _return(tx: Connection, found: Payout) -> int:
    currency = currency_named(found.currency)
    payable = await queries_earning.lock_payable(tx, found.user_id, currency.code)
    balance = payable.balance_micros + found.amount_micros
    await queries_earning.set_payable(tx, payable.id, balance)
    entries = [
        Entry("payout_returned", payable.id, found.amount_micros, balance),
        Entry("payout_returned", Place("clearing_payout", 0), -found.amount_micros),
    ]
    about = About(reverses=found.journal_id, reason="A payout came back")
    ids = await ledger.post(tx, currency, str(found.id), datetime.now(UTC), entries, about=about)
    return ids["payout_returned"]


async def _find(tx: Connection, payout_id: int) -> Payout:
    found = await queries_earning.lock_payout(tx, payout_id)
    if found is None:
        raise NotFound("There is no such payout.")
    return found


async def payouts(db: Queries, user_id: int | None, state: str | None, before: int | None, limit: int) -> Page:
    """Payouts of one creator, or of all; newest first."""
    found = await queries_earning.payouts(db, user_id, state, before, limit + 1)
    shown = [_shown(payout) for payout in found[:limit]]
    return Page(shown, str(shown[-1].id) if len(found) > limit else None)


def _shown(payout: Payout) -> ShownPayout:
    amount = currency_named(payout.currency).minor(payout.amount_micros)
    return ShownPayout(
        payout.id,
        payout.user_id,
        amount,
        payout.currency,
        payout.state,
        payout.reference,
        payout.created_at,
        payout.updated_at,
    )
