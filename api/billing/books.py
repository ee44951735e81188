"""The books of some wallets, opened under lock and closed in the same transaction: the only way to change money.

A wallet's lock covers its sessions and watches too, and wallets are locked in order, so nobody waits in a circle.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from api.billing import ledger, queries, queries_hold, settlement
from api.billing.money import Currency
from api.billing.settlement import Charge, Hold, Wallet, Watch
from api.database import Connection


@dataclass
class Books:
    """Working copies by id, and the charges made so far."""

    currency: Currency
    wallets: dict[int, Wallet]
    holds: dict[str, Hold]
    watches: dict[int, Watch]
    charges: list[Charge] = field(default_factory=list)

    def settle(self, hold: Hold, watch: Watch | None = None) -> None:
        """Charge for a watch of the session, its current one by default."""
        watch = watch or self.watches[hold.watch_id]
        if watch.id == hold.watch_id:
            settlement.forgive(hold, watch)
        charge = settlement.settle(self.wallets[hold.account_id], watch, hold)
        if charge is not None:
            self.charges.append(charge)

    def cover(self, hold: Hold) -> None:
        """Adjust what the session holds for its next minutes."""
        settlement.cover(self.wallets[hold.account_id], self.watches[hold.watch_id], hold)

    def cover_all(self) -> None:
        """Adjust every hold: first those that give, then the oldest sessions first."""
        for hold in sorted(self.holds.values(), key=lambda hold: hold.live):
            self.cover(hold)


async def open_sessions(tx: Connection, currency: Currency, session_ids: Collection[str]) -> Books:
    """The books of many sessions and their wallets; unknown sessions are left out."""
    wallets = await queries.lock_wallets_of(tx, list(session_ids))
    return await _open(tx, currency, wallets, await queries_hold.holds(tx, list(session_ids)))


async def open_wallet(tx: Connection, currency: Currency, account_id: int, *session_ids: str) -> Books:
    """The books of one wallet: every session of it that holds money, and these."""
    wallet = await queries.lock_wallet(tx, account_id)
    return await _open(tx, currency, [wallet], await queries_hold.holds(tx, list(session_ids), account_id))


async def _open(tx: Connection, currency: Currency, wallets: list[Wallet], holds: list[Hold]) -> Books:
    watches = await queries_hold.watches(tx, list({hold.watch_id for hold in holds}))
    return Books(currency, {w.id: w for w in wallets}, {h.session_id: h for h in holds}, {w.id: w for w in watches})


async def store(tx: Connection, books: Books) -> None:
    """Store everything, where nothing was charged."""
    await queries.store_wallets(tx, list(books.wallets.values()))
    await queries_hold.store_watches(tx, list(books.watches.values()))
    await queries_hold.store_holds(tx, list(books.holds.values()))


async def close(tx: Connection, books: Books, cause: str, effective_at: datetime) -> None:
    """Store everything and post the charges. `cause` is unique: the part of the log, the ended session…"""
    await store(tx, books)
    await ledger.post(tx, books.currency, cause, effective_at, ledger.charge_entries(books.charges))
