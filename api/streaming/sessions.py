"""Sessions: who may start one, its media address, the lists. One session is one playback on one screen."""

import math
import time
import uuid
from dataclasses import dataclass
from datetime import datetime

import structlog

from api.clients import Clients, Hold, VideoFacts
from api.database import Database
from api.identity import User
from api.problems import Forbidden, NotFound, Problem
from api.streaming import queries, queries_position, token
from api.streaming.live import Live
from api.streaming.queries import Money
from api.streaming.token import Signer

log = structlog.get_logger()

HEARTBEAT_INTERVAL_MS = 15_000
LONGEST_LIST = 100
LARGEST_VIDEO_ID = 2**31 - 1


class NotPlayable(Problem):
    code, status = "not_playable", 409
    detail = "This video cannot be played yet. Try again when it is ready."


class TooManySessions(Problem):
    code, status = "too_many_sessions", 409
    detail = "You are already watching on as many screens as are allowed. End one of them first."


class Revoked(Forbidden):
    code = "account_disabled"
    detail = "This account was disabled. If it is open again, you can go on watching in a quarter of an hour."


class SessionEnded(Problem):
    code, status = "session_ended", 410
    detail = "This session has ended. Start the video again."


@dataclass(frozen=True)
class Address:
    """Where the media is: `url` is relative to MEDIA_URL, or to the gateway."""

    url: str
    expires_at: datetime


@dataclass(frozen=True)
class Started:
    """Money in minor units; `minutes_left` None when nothing is to be paid. The film's first `preview_ms` are free."""

    session_id: str
    video_id: int
    price_per_minute: int
    balance: int
    minutes_left: float | None
    preview_ms: int
    resume_position_ms: int
    heartbeat_interval_ms: int
    url: str
    expires_at: datetime


async def start(
    db: Database, clients: Clients, signer: Signer, user: User, video_id: int, *, max_sessions: int
) -> Started:
    """Hold the first minutes and open a session; raises NotFound, NotPlayable, TooManySessions and billing's 402s."""
    video = await _playable(clients, user, video_id)
    if await queries.is_revoked(db, user.id):
        raise Revoked
    if await queries.count_live(db, user.id) >= max_sessions:
        raise TooManySessions(limit=max_sessions)
    session_id = uuid.uuid4().hex
    free = user.is_operator or video.uploaded_by == user.id or video.price_per_minute == 0
    # Money first: a hold without a session is released by billing's own sweep, a session without a hold plays free.
    hold = await clients.billing_open_hold(session_id, user.id, video, free=free)
    position_ms = await queries_position.position(db, user.id, video.id)
    bounds = {"position_ms": position_ms, "max_sessions": max_sessions}
    if not await _open(db, session_id, user, video, hold, **bounds):
        await _give_back(clients, session_id)
        raise TooManySessions(limit=max_sessions)
    log.info("session.started", session_id=session_id, user_id=user.id, video_id=video.id, free=free)
    await _count_play(clients, video.id)
    return _started(signer, session_id, video, hold, position_ms)


async def _playable(clients: Clients, user: User, video_id: int) -> VideoFacts:
    if video_id > LARGEST_VIDEO_ID:
        raise NotFound("There is no such video.")
    video = await clients.videos_fact(video_id)
    if video.visibility == "private" and not (user.is_operator or video.uploaded_by == user.id):
        raise NotFound("There is no such video.")
    if video.status not in ("playable", "ready") or video.generation == 0:
        raise NotPlayable(video_status=video.status)
    return video


async def _open(
    db: Database, session_id: str, user: User, video: VideoFacts, hold: Hold, *, position_ms: int, max_sessions: int
) -> bool:
    """False when other starts of the same user, or an operator who disabled them, were faster."""
    async with db.transaction() as tx:
        await queries.lock_user(tx, user.id)
        if await queries.count_live(tx, user.id) >= max_sessions or await queries.is_revoked(tx, user.id):
            return False
        await queries.add_session(
            tx,
            session_id,
            user.id,
            video.id,
            generation=video.generation,
            duration_ms=video.duration_ms,
            price_per_minute=video.price_per_minute,
            position_ms=position_ms,
            preview_ms=hold.preview_ms,
            money=Money(hold.state == "spent", hold.final, hold.limited),
        )
    return True


async def _count_play(clients: Clients, video_id: int) -> None:
    try:
        await clients.videos_count_play(video_id)
    except Problem as problem:
        log.warning("play.uncounted", video_id=video_id, code=problem.code)


async def _give_back(clients: Clients, session_id: str) -> None:
    try:
        await clients.billing_end_hold(session_id, 0, 1.0)
    except Problem as problem:
        log.warning("hold.left", session_id=session_id, code=problem.code)


def _started(signer: Signer, session_id: str, video: VideoFacts, hold: Hold, position_ms: int) -> Started:
    address = media_address(signer, session_id, video.id, video.generation, video.duration_ms)
    return Started(
        session_id=session_id,
        video_id=video.id,
        price_per_minute=video.price_per_minute,
        balance=hold.balance,
        minutes_left=hold.minutes_left,
        preview_ms=hold.preview_ms,
        resume_position_ms=position_ms,
        heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
        url=address.url,
        expires_at=address.expires_at,
    )


def media_address(signer: Signer, session_id: str, video_id: int, generation: int, duration_ms: int) -> Address:
    """The multivariant playlist under a fresh token; relative playlists below it inherit the token."""
    issued = token.issue(session_id, video_id, duration_ms, time.time())
    text = token.write(signer, issued)
    return Address(f"/v/{text}/{video_id}/{generation}/master.m3u8", issued.expires_at)


async def find(db: Database, session_id: str, user: User, *, for_operators: bool = False) -> queries.Session:
    """A session the user may touch; raises NotFound, also for other people's."""
    found = await queries.session(db, session_id) if token.SESSION_ID.fullmatch(session_id) else None
    if found is None or not (found.user_id == user.id or (for_operators and user.is_operator)):
        raise NotFound("There is no such session.")
    return found


async def address(db: Database, signer: Signer, user: User, session_id: str) -> Address:
    """The media address of a live session; raises NotFound, SessionEnded."""
    session = await find(db, session_id, user)
    if not session.is_active:
        raise SessionEnded
    return media_address(signer, session_id, session.video_id, session.generation, session.duration_ms)


async def listed(db: Database, user: User, active: bool | None) -> list[queries.Listed]:
    """The newest sessions: one's own, for operators everybody's."""
    return await queries.sessions(db, None if user.is_operator else user.id, active, LONGEST_LIST)


async def set_money(db: Database, live: Live, session_id: str, word: int, money: Money) -> None:
    """Billing's word, which counts unless a later one was heard.

    Raises NotFound about a session we have not opened yet: billing must say it again.
    """
    if not await queries.set_money(db, session_id, word, money):
        raise NotFound("There is no such session.")
    await live.forget([session_id])


async def positions(db: Database, user: User) -> list[queries_position.Position]:
    """Films the user began and can go on with."""
    return await queries_position.positions(db, user.id, LONGEST_LIST)


def resume_at(position_ms: int, duration_ms: int) -> int:
    """Where to go on: at the start again once no more than the closing titles are left (5 %, at most 30 s)."""
    credits_ms = min(30_000, math.ceil(duration_ms / 20))
    return 0 if position_ms >= duration_ms - credits_ms else position_ms


async def move(db: Database, session: queries.Session, position_ms: int) -> None:
    """Keep where the viewer is, for the next session."""
    await queries_position.move(db, session.user_id, session.video_id, resume_at(position_ms, session.duration_ms))
