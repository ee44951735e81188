"""Heartbeats: the player says where it is and how it fares every 15 seconds. They never bill."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.clients import Clients, Hold
from api.database import Database
from api.identity import User
from api.problems import Problem
from api.streaming import queries, sessions, settlement
from api.streaming.live import Live
from media.segment import RENDITION

DAY_MS = 86_400_000
Milliseconds = Annotated[int, Field(ge=0, le=DAY_MS)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


class Beat(BaseModel):
    """What a player tells; counters run from the start of the session."""

    model_config = ConfigDict(extra="forbid", strict=True)

    position_ms: Annotated[int, Field(ge=0, le=365 * DAY_MS)]
    playing: bool | None = None
    rate: Annotated[float, Field(gt=0, le=16)] | None = None
    buffer_ms: Milliseconds | None = None
    rendition: Annotated[str, Field(max_length=40, pattern=f"^{RENDITION}$")] | None = None
    stalls: Count | None = None
    stall_ms: Milliseconds | None = None
    startup_ms: Milliseconds | None = None
    dropped_frames: Count | None = None


class InsufficientBalance(Problem):
    code, status = "insufficient_balance", 402
    detail = "Your balance is used up. Add funds to go on watching."


class DailyLimit(Problem):
    code, status = "daily_limit", 402
    detail = "The daily limit you set yourself is reached. Watch on after midnight UTC, or raise it in your wallet."


@dataclass(frozen=True)
class Heartbeat:
    """Billing's view of the session, for the player. Money in minor units.

    `limited`: what is left, or `final`, is so by the user's own daily limit.
    """

    is_active: bool
    balance: int
    charged: int
    delivered_ms: int
    minutes_left: float | None
    low_balance: bool
    final: bool
    limited: bool


async def beat(db: Database, clients: Clients, user: User, session_id: str, told: Beat, *, live: Live) -> Heartbeat:
    """Keep what the player tells, then ask billing; raises NotFound, SessionEnded, and `_answer`'s."""
    session = await sessions.find(db, session_id, user)
    if not await queries.beat(db, session_id, told.model_dump()):
        raise sessions.SessionEnded
    await sessions.move(db, session, told.position_ms)
    hold = await _hold(clients, session_id)
    if hold is None or hold.state == "ended":
        # Billing gave the session up: nothing would pay for what it still fetches.
        await settlement.end(db, clients, live, session_id, "settled")
        raise sessions.SessionEnded
    await queries.note_delivered(db, session_id, hold.delivered_ms, hold.charged)
    return _answer(session, hold, told.position_ms)


async def _hold(clients: Clients, session_id: str) -> Hold | None:
    """Billing's state of the session; None when billing knows it no more."""
    try:
        return await clients.billing_hold(session_id)
    except Problem as problem:
        if problem.status == 404:
            return None
        raise


def _answer(session: queries.Session, hold: Hold, position_ms: int) -> Heartbeat:
    """Raises InsufficientBalance, DailyLimit: not before the end of a preview, which needs no money (rule 6)."""
    if hold.state == "spent" and position_ms >= session.preview_ms:
        problem = DailyLimit if hold.limited else InsufficientBalance
        raise problem(balance=hold.balance, required=session.price_per_minute)
    return Heartbeat(
        is_active=True,
        balance=hold.balance,
        charged=hold.charged,
        delivered_ms=hold.delivered_ms,
        minutes_left=hold.minutes_left,
        low_balance=hold.low_balance,
        final=hold.final,
        limited=hold.limited,
    )
