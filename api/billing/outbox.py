"""What billing owes the others to hear: money facts to analytics, how sessions stand for money to streaming.

Both are written with the money and told after the commit, as often as it takes; hearing them twice changes nothing.
"""

import structlog

from api.billing import queries_log
from api.billing.queries_log import Fact
from api.clients import Clients
from api.database import Database
from api.problems import Problem

log = structlog.get_logger()

EVENTS_AT_ONCE = 500
AT_ONCE = 100


async def relay(db: Database, clients: Clients) -> int:
    """Send analytics the charges it has not heard of; the number of journals told. Stops at the first failure."""
    for told in range(AT_ONCE):
        async with db.transaction() as tx:
            journal_id = await queries_log.next_untold_journal(tx)
            if journal_id is None:
                return told
            events = [_event(fact) for fact in await queries_log.facts(tx, journal_id)]
            try:
                for first in range(0, len(events), EVENTS_AT_ONCE):
                    await clients.analytics_track(events[first : first + EVENTS_AT_ONCE])
            except Problem as problem:
                log.warning("outbox.waiting", journal_id=journal_id, problem=problem.detail)
                return told
            await queries_log.set_journal_told(tx, journal_id)
    return AT_ONCE


def _event(fact: Fact) -> dict[str, object]:
    return {
        "id": f"entry-{fact.id}",
        "type": "charge" if fact.kind == "charge" else "refund",
        "session_id": fact.session_id,
        "user_id": fact.user_id,
        "video_id": fact.video_id,
        "creator_id": fact.creator_id,
        "amount_micros": fact.amount_micros,
        "at_ms": round(fact.effective_at.timestamp() * 1000),
    }


async def tell_spent(db: Database, clients: Clients, user_id: int | None = None) -> int:
    """Tell streaming which sessions ran out of money, will soon, or may go on; of one user, or all. Gives how many."""
    told = 0
    for session_id in await queries_log.untold(db, user_id, AT_ONCE):
        async with db.transaction() as tx:
            await queries_log.lock_telling(tx, session_id)
            word = await queries_log.untold_word(tx, session_id)
            if word is None:
                continue
            try:
                word_told = {"spent": word.spent, "final": word.final, "limited": word.limited}
                await clients.streaming_set_spent(session_id, word.number, **word_told)
            except Problem as problem:
                log.warning("spent.untold", session_id=session_id, problem=problem.detail)
                if problem.status == 404:
                    # Its start is not finished: told now and forgotten there, it would play on for free.
                    continue
                return told
            await queries_log.set_told(tx, session_id, word)
            told += 1
    return told
