"""The ledger against itself: sessions and wallets against their entries, journals, refunds, shares."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain

from api.database import Queries
from workers.reconcile import queries, queries_ledger
from workers.reconcile.difference import Counts, Difference
from workers.reconcile.queries import Session
from workers.reconcile.queries_ledger import Moved, Refund, Reversal, Wallet
from workers.reconcile.reading import Reading
from workers.reconcile.watches import Scope

WALLETS, SESSIONS, JOURNALS, REFUNDS = 200, 5_000, 5_000, 1_000


async def compare(db: Queries, reading: Reading, scope: Scope, counts: Counts) -> AsyncIterator[Difference]:
    """Every wallet and its sessions, the journals since the scope began, all refunds, reversals and shares."""
    for part in (_wallets(db, reading, scope, counts), _journals(db, scope, counts), _given_back(db), _shares(db)):
        async for found in part:
            yield found


async def _wallets(db: Queries, reading: Reading, scope: Scope, counts: Counts) -> AsyncIterator[Difference]:
    after = 0
    while wallets := await queries_ledger.wallets(db, after, WALLETS):
        after = wallets[-1].id
        counts.wallets += len(wallets)
        moved = await queries_ledger.moved(db, [wallet.id for wallet in wallets])
        held = {wallet.id: 0 for wallet in wallets}
        charged = {(m.account_id, m.session_id): m for m in moved if m.session_id is not None}
        async for session in _sessions(db, wallets):
            held[session.account_id] += session.held_micros
            entries = charged.pop((session.account_id, session.session_id), None)
            for found in _session(session, entries, reading, scope, counts):
                yield found
        for each in chain(_strangers(charged.values()), _balances(wallets, moved, held)):
            yield each


async def _sessions(db: Queries, wallets: list[Wallet]) -> AsyncIterator[Session]:
    accounts, owners, after = {w.id for w in wallets}, sorted({w.owner for w in wallets}), 0
    while page := await queries.sessions_of_users(db, owners, after, SESSIONS):
        after = page[-1].id
        for session in page:
            if session.account_id in accounts:
                yield session


def _session(
    session: Session, entries: Moved | None, reading: Reading, scope: Scope, counts: Counts
) -> Iterator[Difference]:
    """What a session paid must be its entries; what it fetched, if it began in scope, what the log says."""
    whose = (session.user_id, session.video_id)
    paid = -entries.amount_micros if entries else 0
    counts.charges += entries.entries if entries else 0
    if session.charged_micros != paid:
        recorded, derived = {"charged_micros": session.charged_micros}, {"charged_micros": paid}
        yield Difference("session", f"{session.session_id} charge", recorded, derived, *whose)
    if not scope.since_ms <= session.created_ms < scope.until_ms:
        return
    counts.sessions += 1
    viewing = reading.viewings.get(session.session_id)
    fetched_ms = viewing.whole().ms if viewing else 0
    if session.delivered_ms > fetched_ms and not scope.whole:
        counts.unproven += 1
    elif session.delivered_ms != fetched_ms:
        recorded, derived = {"delivered_ms": session.delivered_ms}, {"delivered_ms": fetched_ms}
        yield Difference("session", f"{session.session_id} delivery", recorded, derived, *whose)


def _strangers(entries: Iterable[Moved]) -> Iterator[Difference]:
    """Entries for sessions that the wallet never had."""
    for each in entries:
        recorded = {"account": each.account_id, "amount_micros": each.amount_micros}
        yield Difference("session", f"{each.session_id} unknown", recorded, {"sessions": 0})


def _balances(wallets: list[Wallet], moved: list[Moved], held: dict[int, int]) -> Iterator[Difference]:
    sums = {wallet.id: 0 for wallet in wallets}
    for each in moved:
        sums[each.account_id] += each.amount_micros
    for wallet in wallets:
        recorded = {"balance_micros": wallet.balance_micros, "held_micros": wallet.held_micros}
        derived = {"balance_micros": sums[wallet.id], "held_micros": held[wallet.id]}
        if recorded != derived or min(derived.values()) < 0:
            yield Difference("wallet", str(wallet.id), recorded, derived, user_id=wallet.owner)


async def _journals(db: Queries, scope: Scope, counts: Counts) -> AsyncIterator[Difference]:
    after, since = 0, datetime.fromtimestamp(scope.since_ms / 1000, UTC)
    while page := await queries_ledger.journals(db, since, after, JOURNALS):
        after = page[-1].id
        counts.journals += len(page)
        for journal in page:
            if journal.amount_micros != 0 or journal.entries < 2:
                recorded = {"kind": journal.kind, "entries": journal.entries, "sum_micros": journal.amount_micros}
                yield Difference("journal", str(journal.id), recorded, {"entries": "two or more", "sum_micros": 0})


async def _given_back(db: Queries) -> AsyncIterator[Difference]:
    """Refunds and reversals never go beyond what was taken."""
    last = ""
    while refunds := await queries_ledger.refunds(db, last, REFUNDS):
        last = refunds[-1].session_id
        for found in filter(None, map(_refund, refunds)):
            yield found
    after = 0
    while reversals := await queries_ledger.reversals(db, after, REFUNDS):
        after = reversals[-1].journal_id
        for each in filter(None, map(_reversal, reversals)):
            yield each


def _refund(refund: Refund) -> Difference | None:
    within = refund.listed_micros <= refund.charged_micros and refund.listed_creator_micros <= refund.creator_micros
    if within and refund.paid_back_micros == refund.listed_micros:
        return None
    recorded = {"refunds_micros": refund.listed_micros, "of_creator_micros": refund.listed_creator_micros}
    derived = {
        "paid_back_micros": refund.paid_back_micros,
        "at_most_micros": refund.charged_micros,
        "of_creator_at_most_micros": refund.creator_micros,
    }
    return Difference("refund", refund.session_id, recorded, derived)


def _reversal(reversal: Reversal) -> Difference | None:
    taken, back = reversal.amount_micros, reversal.back_micros
    if back == 0 or ((taken > 0) != (back > 0) and abs(back) <= abs(taken)):
        return None
    subject = f"{reversal.journal_id} account {reversal.account_id}"
    return Difference("reversal", subject, {"back_micros": back}, {"at_most_micros": -taken})


async def _shares(db: Queries) -> AsyncIterator[Difference]:
    for share in await queries_ledger.shares(db):
        subject = f"{share.kind} {share.owner} {share.currency}"
        recorded, derived = {"entries_micros": share.entries_micros}, {"sessions_micros": share.sessions_micros}
        yield Difference("share", subject, recorded, derived)
    by_entries, by_watches = await queries_ledger.uncollected(db)
    if by_entries != by_watches:
        yield Difference("share", "uncollected", {"entries_micros": by_entries}, {"watches_micros": by_watches})
