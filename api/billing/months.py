"""The statement of one month (UTC): what was in the wallet, what came and went, what is in it, proven by its sums.

A month is what was booked in it, so the statement of one that is over stays as it is; a line of the log that came late
is on the next one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from api.billing import proofs, queries_month, queries_reconciliation, sheets
from api.billing.money import Currency
from api.billing.queries_month import Movement, Span, Standing, Watched
from api.database import Connection, Database
from api.problems import InvalidRequest, NotFound

# What people call the ledger's kinds.
DEPOSITS, REFUNDS, ADJUSTMENTS = ("deposit",), ("refund",), ("adjustment", "recovery")


class Unbalanced(RuntimeError):
    """Movements do not lead from the opening to the closing balance: the ledger is damaged."""


@dataclass(frozen=True)
class Item:
    """Money in or out other than for watching. `amount` in minor units."""

    id: int
    created_at: datetime
    description: str
    session_id: str | None
    amount: int
    amount_micros: int


@dataclass(frozen=True)
class Charge:
    """What a session cost in the month, below zero; its media times are those of the whole session, in ms.

    `free_ms` was delivered but paid before, within 24 hours, or is free; `forgiven_ms` was delivered but not played.
    """

    session_id: str
    video_id: int
    created_at: datetime
    price_per_minute: int
    price_micros_per_minute: int
    delivered_ms: int
    free_ms: int
    forgiven_ms: int
    amount: int
    amount_micros: int


@dataclass(frozen=True)
class Part:
    """Items and their sum; the sum of exact amounts is exact, that of minor units is cut once."""

    amount: int
    amount_micros: int
    items: list[Item] | list[Charge]


@dataclass(frozen=True)
class Earnings:
    """A creator's month, in minor units and exactly: the share after refunds, what matured, payouts (below zero)."""

    share: int
    share_micros: int
    matured: int
    matured_micros: int
    payouts: int
    payouts_micros: int


@dataclass(frozen=True)
class Statement:
    """`opening` + deposits + charges + refunds + adjustments = `closing`, exactly in micro-units.

    `complete`: the month is over. `reconciled_through`: up to where an independent reading of the log agreed.
    """

    user_id: int
    month: str
    currency: str
    minor_micros: int
    since: datetime
    until: datetime
    complete: bool
    as_of: datetime
    reconciled_through: datetime | None
    opening: int
    opening_micros: int
    deposits: Part
    charges: Part
    refunds: Part
    adjustments: Part
    closing: int
    closing_micros: int
    earnings: Earnings


def bounds(month: str, now: datetime) -> tuple[datetime, datetime]:
    """The first moments of a month such as `2026-07` and of the next. Raises InvalidRequest, NotFound (not begun)."""
    if not re.fullmatch(r"[2-9]\d{3}-(0[1-9]|1[0-2])", month):
        raise InvalidRequest(errors=[{"field": "month", "message": "This must be a month such as 2026-07"}])
    since = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)
    if since > now:
        raise NotFound("This month has not begun.")
    return since, since.replace(year=since.year + since.month // 12, month=since.month % 12 + 1)


async def statement(db: Database, currency: Currency, user_id: int, month: str) -> Statement:
    """A user's statement, all of it as of one moment. Raises InvalidRequest, NotFound, Unbalanced."""
    now = datetime.now(UTC)
    since, until = bounds(month, now)
    async with db.transaction() as tx:
        await queries_month.freeze(tx)
        span = Span(since, until, await queries_month.entry_before(tx, since))
        standing = await queries_month.standing(tx, user_id, currency.code, span)
        if standing is None:
            standing, moved, watched = Standing(0, 0, 0), [], []
        else:
            moved = await queries_month.movements(tx, standing.account_id, span)
            watched = await queries_month.watched(tx, user_id, standing.account_id, span)
        earnings = await _earnings(tx, currency, user_id, span)
        reconciled = await queries_reconciliation.reconciled_through(tx)
    charges = _charges(currency, watched)
    prove(standing, moved, charges)
    return Statement(
        user_id=user_id,
        month=month,
        currency=currency.code,
        minor_micros=currency.minor_micros,
        since=since,
        until=until,
        complete=now >= until,
        as_of=now,
        reconciled_through=reconciled,
        opening=currency.minor(standing.opening_micros),
        opening_micros=standing.opening_micros,
        deposits=_part(currency, moved, DEPOSITS),
        charges=charges,
        refunds=_part(currency, moved, REFUNDS),
        adjustments=_part(currency, moved, ADJUSTMENTS),
        closing=currency.minor(standing.closing_micros),
        closing_micros=standing.closing_micros,
        earnings=earnings,
    )


def prove(standing: Standing, moved: list[Movement], charges: Part) -> None:
    total = sum(each.amount_micros for each in moved) + charges.amount_micros
    known = {*DEPOSITS, *REFUNDS, *ADJUSTMENTS}
    if standing.opening_micros + total != standing.closing_micros or any(each.kind not in known for each in moved):
        raise Unbalanced(f"wallet {standing.account_id}: {standing.opening_micros} and {total} in {standing}")


def _part(currency: Currency, moved: list[Movement], kinds: tuple[str, ...]) -> Part:
    items = [
        Item(m.id, m.created_at, m.description, m.session_id, currency.minor(m.amount_micros), m.amount_micros)
        for m in moved
        if m.kind in kinds
    ]
    total = sum(item.amount_micros for item in items)
    return Part(currency.minor(total), total, items)


def _charges(currency: Currency, watched: list[Watched]) -> Part:
    items = [
        Charge(
            session_id=w.session_id,
            video_id=w.video_id,
            created_at=w.created_at,
            price_per_minute=currency.minor(w.price_micros_per_minute),
            price_micros_per_minute=w.price_micros_per_minute,
            delivered_ms=w.delivered_ms,
            free_ms=proofs.free_ms(w.delivered_ms, w.added_ms, w.charged_micros, w.price_micros_per_minute),
            forgiven_ms=w.forgiven_ms,
            amount=currency.minor(-w.month_micros),
            amount_micros=-w.month_micros,
        )
        for w in watched
    ]
    total = sum(item.amount_micros for item in items)
    return Part(currency.minor(total), total, items)


async def _earnings(tx: Connection, currency: Currency, user_id: int, span: Span) -> Earnings:
    found = await queries_month.earned(tx, user_id, currency.code, span)
    return Earnings(
        share=currency.minor(found.share_micros),
        share_micros=found.share_micros,
        matured=currency.minor(found.matured_micros),
        matured_micros=found.matured_micros,
        payouts=currency.minor(found.payout_micros),
        payouts_micros=found.payout_micros,
    )


def table(found: Statement) -> Iterator[str]:
    """The statement as CSV: a line per movement between the two balances; all amounts but the last add up to it."""
    charge = [field.name for field in fields(Charge)]
    yield sheets.line(["line", "description", *charge, "currency"])
    lines: list[tuple[str, str, Item | Charge | None, int]] = [("opening", "", None, found.opening_micros)]
    parts = {
        "deposit": found.deposits,
        "charge": found.charges,
        "refund": found.refunds,
        "adjustment": found.adjustments,
    }
    for kind, part in parts.items():
        lines += [(kind, getattr(item, "description", ""), item, item.amount_micros) for item in part.items]
    lines.append(("closing", "", None, found.closing_micros))
    currency = Currency(found.currency, found.minor_micros)
    for kind, words, item, micros in lines:
        amounts = {"amount": currency.minor(micros), "amount_micros": micros}
        cells = [amounts[name] if name in amounts else getattr(item, name, None) for name in charge]
        yield sheets.line([kind, words, *cells, found.currency])
