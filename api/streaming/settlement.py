"""The end of a session and its bill: ending is ours and at once, the bill is billing's, asked for until it comes."""

import structlog

from api.clients import Clients
from api.database import Database
from api.identity import User
from api.problems import Problem, Unavailable
from api.streaming import queries, queries_bill, sessions
from api.streaming.live import Live
from api.streaming.seen import Seen

log = structlog.get_logger()

SILENCE_S = 90
SETTLED_AT_ONCE = 100


async def end_for(
    db: Database, clients: Clients, user: User, session_id: str, position_ms: int | None, *, live: Live
) -> queries_bill.Settled:
    """The viewer, or an operator, ends a session; raises NotFound, and Unavailable as `end` does."""
    session = await sessions.find(db, session_id, user, for_operators=True)
    if position_ms is not None and session.is_active:
        await sessions.move(db, session, position_ms)
    return await end(db, clients, live, session_id, "ended" if session.user_id == user.id else "operator")


async def end(db: Database, clients: Clients, live: Live, session_id: str, reason: str) -> queries_bill.Settled:
    """End a session, settle it, say what it came to; repeating it gives the same answer.

    Raises Unavailable when billing is away: the session has ended all the same, and the sweep settles it.
    """
    if await queries.end(db, session_id, reason):
        await live.forget([session_id])
        log.info("session.ended", session_id=session_id, reason=reason)
    owed = await queries_bill.owed(db, session_id)
    if owed is not None:
        await settle(db, clients, owed)
    return await queries_bill.settled(db, session_id)


async def settle(db: Database, clients: Clients, owed: queries_bill.Owed) -> None:
    """Ask billing for the last word on an ended session and keep it; a failure is put off and raised."""
    try:
        hold = await clients.billing_end_hold(owed.session_id, owed.wall_ms, owed.fastest_rate)
    except Problem as problem:
        if problem.status != 404:
            await queries_bill.postpone(db, owed.session_id)
            raise
        # Billing knows no hold, so nothing was ever charged.
        await queries_bill.settle(db, owed.session_id, 0, 0, 0)
    else:
        await queries_bill.settle(db, owed.session_id, hold.delivered_ms, hold.forgiven_ms, hold.charged)


async def withdraw(db: Database, live: Live, video_id: int | None, user_id: int | None, *, deleted: bool) -> int:
    """End all live sessions of a video or of a disabled user, who starts no new ones; the sweep settles them."""
    disabled = user_id is not None and video_id is None
    reason = "disabled" if disabled else "deleted" if deleted else "withdrawn"
    async with db.transaction() as tx:
        if user_id is not None and disabled:
            await queries.lock_user(tx, user_id)
            await queries.revoke(tx, user_id)
        ended = await queries.end_all(tx, video_id, user_id, reason)
    await live.forget(ended)
    log.info("sessions.withdrawn", video_id=video_id, user_id=user_id, reason=reason, ended=len(ended))
    return len(ended)


async def sweep(db: Database, clients: Clients, seen: Seen) -> dict[str, int]:
    """End silent sessions and settle what is still owed; stops at the first sign that billing is away."""
    await seen.write()
    ended, settled = await queries.end_silent(db, SILENCE_S), 0
    for owed in await queries_bill.due(db, SETTLED_AT_ONCE):
        try:
            await settle(db, clients, owed)
        except Unavailable:
            break
        except Problem as problem:
            log.error("session.unsettled", session_id=owed.session_id, code=problem.code, detail=problem.detail)
        else:
            settled += 1
    return {"ended": ended, "settled": settled}
