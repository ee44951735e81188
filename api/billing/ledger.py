"""Double entry: every movement of money is a journal whose entries sum to zero, written once, with its reason.

Wallet rows are changed by `books.py` under their lock; the database checks that entries and balances agree.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from api.billing import queries
from api.billing.money import Currency
from api.billing.settlement import Charge
from api.database import Connection

Kind = Literal[
    "deposit",
    "charge",
    "forgiven",
    "uncollected",
    "refund",
    "adjustment",
    "chargeback",
    "reinstated",
    "recovery",
    "payout_earning",
    "payout",
    "payout_returned",
]


class Place(NamedTuple):
    """An account that is no wallet; it comes into being with its first entry."""

    kind: str
    owner: int


class About(NamedTuple):
    """What a journal refers to: the journal it `reverses`, the session it refunds, the reason its user reads."""

    reverses: int | None = None
    session_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal `kind` that is being posted. `account`: a wallet's id, or a place."""

    kind: Kind
    account: int | Place
    amount_micros: int
    balance_after: int | None = None
    session_id: str | None = None


def charge_entries(charges: Iterable[Charge]) -> list[Entry]:
    """Rule 8: wallets pay creators and the platform; one entry per session, one per creator and journal.

    What nobody paid (rule 5) is booked apart, between two accounts of the platform, and is nobody's revenue.
    """
    entries: list[Entry] = []
    sums: defaultdict[tuple[Kind, Place], int] = defaultdict(int)
    for charge in charges:
        kind: Kind = "charge" if charge.paid_micros > 0 else "forgiven"
        paid = charge.paid_micros
        entries.append(Entry(kind, charge.account_id, -paid, charge.balance_after, charge.session_id))
        sums[kind, Place("creator", charge.creator_id)] += charge.creator_micros
        sums[kind, Place("revenue", charge.creator_id)] += paid - charge.creator_micros
        missing = charge.uncollected_micros
        entries.append(Entry("uncollected", Place("uncollected", 0), -missing, None, charge.session_id))
        sums["uncollected", Place("writeoff", 0)] += missing
    entries += [Entry(kind, place, amount) for (kind, place), amount in sums.items()]
    return [entry for entry in entries if entry.amount_micros != 0]


NOTHING = About()


async def post(
    tx: Connection,
    currency: Currency,
    cause: str,
    effective_at: datetime,
    entries: Sequence[Entry],
    *,
    about: About = NOTHING,
) -> dict[str, int]:
    """Write the journals of one cause, one per kind; their ids. Entries of a wallet come in the order of balances.

    Raises UniqueViolation when the same cause was posted before.
    """
    if not entries:
        return {}
    kinds = list(dict.fromkeys(entry.kind for entry in entries))
    journals = [_journal(kind, cause, effective_at) | about._asdict() for kind in kinds]
    ids = await queries.add_journals(tx, journals)
    places = await _places(tx, currency, {e.account for e in entries if isinstance(e.account, Place)})
    await queries.add_entries(
        tx,
        [
            {
                "journal_id": ids[entry.kind],
                "account_id": places[entry.account] if isinstance(entry.account, Place) else entry.account,
                "amount_micros": entry.amount_micros,
                "balance_after": entry.balance_after,
                "session_id": entry.session_id,
            }
            for entry in entries
        ],
    )
    return ids


def _journal(kind: Kind, cause: str, effective_at: datetime) -> dict[str, object]:
    return {"kind": kind, "idem_key": f"{kind} {cause}", "effective_at": effective_at}


async def _places(tx: Connection, currency: Currency, wanted: set[Place]) -> dict[Place, int]:
    """The ids of accounts, in one currency; missing ones are made."""
    rows = [{"kind": place.kind, "owner": place.owner} for place in sorted(wanted)]
    found = await queries.account_ids(tx, rows, currency.code)
    if len(found) < len(wanted):
        await queries.add_accounts(tx, rows, currency.code, currency.minor_micros)
        found = await queries.account_ids(tx, rows, currency.code)
    return {Place(row.kind, row.owner): row.id for row in found}
