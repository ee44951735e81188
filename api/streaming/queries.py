"""The statements on sessions; for verdicts, bills and resume positions see the other queries."""

from dataclasses import asdict, dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Session:
    """What the use cases decide by."""

    session_id: str
    video_id: int
    user_id: int
    generation: int
    duration_ms: int
    price_per_minute: int
    is_active: bool
    preview_ms: int


@dataclass(frozen=True)
class Money:
    """What billing says of a session: it may fetch nothing to be paid, or not for long; `limited` by a daily limit."""

    spent: bool
    final: bool
    limited: bool


@dataclass(frozen=True)
class Listed:
    """A line of the sessions list."""

    session_id: str
    video_id: int
    user_id: int
    start_time: datetime
    watched_time: int
    is_active: bool
    last_heartbeat: datetime
    position_ms: int
    playing: bool | None
    rendition: str | None
    price_per_minute: int
    delivered_ms: int
    charged: int
    ended_at: datetime | None
    end_reason: str | None


async def lock_user(db: Queries, user_id: int) -> None:
    """Until the transaction ends nobody else counts or adds sessions of this user."""
    await db.run(
        "select pg_advisory_xact_lock(hashtextextended('sessions of ' || :user_id::bigint, 0))", user_id=user_id
    )


async def count_live(db: Queries, user_id: int) -> int:
    """Live sessions of a user."""
    sql = "select count(*) from stream_sessions where user_id = :user_id and is_active"
    return int(await db.value(sql, user_id=user_id))


async def revoke(db: Queries, user_id: int) -> None:
    """Let a user start nothing for as long as an access token lives."""
    await db.run(
        """
        insert into revoked_users (user_id) values (:user_id)
        on conflict (user_id) do update set revoked_at = now()
        """,
        user_id=user_id,
    )


async def is_revoked(db: Queries, user_id: int) -> bool:
    """Whether an access token of this user may be one from before; auth's live for fifteen minutes."""
    sql = """
        select exists (
            select from revoked_users where user_id = :user_id and revoked_at > now() - interval '15 minutes'
        )
        """
    return bool(await db.value(sql, user_id=user_id))


async def add_session(
    db: Queries,
    session_id: str,
    user_id: int,
    video_id: int,
    *,
    generation: int,
    duration_ms: int,
    price_per_minute: int,
    position_ms: int,
    preview_ms: int,
    money: Money,
) -> None:
    """Open a session."""
    await db.run(
        """
        insert into stream_sessions
            (session_id, user_id, video_id, generation, duration_ms, price_per_minute, position_ms, preview_ms,
            spent, final, limited)
        values (:session_id, :user_id, :video_id, :generation, :duration_ms, :price_per_minute, :position_ms,
            :preview_ms, :spent, :final, :limited)
        """,
        session_id=session_id,
        user_id=user_id,
        video_id=video_id,
        generation=generation,
        duration_ms=duration_ms,
        price_per_minute=price_per_minute,
        position_ms=position_ms,
        preview_ms=preview_ms,
        **asdict(money),
    )


async def session(db: Queries, session_id: str) -> Session | None:
    """One session."""
    return await db.maybe(
        Session,
        """
        select session_id, video_id, user_id, generation, duration_ms, price_per_minute, is_active, preview_ms
        from stream_sessions where session_id = :session_id
        """,
        session_id=session_id,
    )


async def beat(db: Queries, session_id: str, told: dict[str, object]) -> int:
    """Keep what the player told; counters only grow, absent values stay. Gives 0 when the session has ended."""
    return await db.run(
        """
        update stream_sessions set
            last_heartbeat = now(), last_seen = now(), position_ms = :position_ms,
            playing = coalesce(:playing, playing), rendition = coalesce(:rendition, rendition),
            fastest_rate = greatest(fastest_rate, :rate), buffer_ms = coalesce(:buffer_ms, buffer_ms),
            stalls = greatest(stalls, :stalls), stall_ms = greatest(stall_ms, :stall_ms),
            startup_ms = coalesce(startup_ms, :startup_ms),
            dropped_frames = greatest(dropped_frames, :dropped_frames)
        where session_id = :session_id and is_active
        """,
        session_id=session_id,
        **told,
    )


async def note_delivered(db: Queries, session_id: str, delivered_ms: int, charged: int) -> None:
    """Keep billing's figures of a live session for the sessions list."""
    await db.run(
        """
        update stream_sessions
        set delivered_ms = :delivered_ms, charged = :charged, watched_time = :delivered_ms / 1000
        where session_id = :session_id and is_active and delivered_ms <> :delivered_ms
        """,
        session_id=session_id,
        delivered_ms=delivered_ms,
        charged=charged,
    )


async def set_money(db: Queries, session_id: str, word: int, money: Money) -> int:
    """Note billing's word on a session's money unless a later one was heard; gives 0 when there is no such session."""
    return await db.run(
        """
        update stream_sessions set
            spent = case when word < :word then :spent else spent end,
            final = case when word < :word then :final else final end,
            limited = case when word < :word then :limited else limited end,
            changed_at = case when word < :word then clock_timestamp() else changed_at end,
            word = greatest(word, :word)
        where session_id = :session_id
        """,
        session_id=session_id,
        word=word,
        **asdict(money),
    )


async def end(db: Queries, session_id: str, reason: str) -> int:
    """End a live session; gives 0 when it had ended already."""
    return await db.run(
        """
        update stream_sessions
        set is_active = false, ended_at = now(), changed_at = clock_timestamp(), end_reason = :reason
        where session_id = :session_id and is_active
        """,
        session_id=session_id,
        reason=reason,
    )


async def end_silent(db: Queries, silence_s: float) -> int:
    """End sessions that gave no sign of life for `silence_s`; they ended when they were last seen."""
    return await db.run(
        """
        update stream_sessions
        set is_active = false, ended_at = last_seen, changed_at = clock_timestamp(), end_reason = 'silent'
        where is_active and last_seen < now() - make_interval(secs => :silence_s)
        """,
        silence_s=silence_s,
    )


async def end_all(db: Queries, video_id: int | None, user_id: int | None, reason: str) -> list[str]:
    """End every live session of a video, of a user, or of both together; gives which."""
    sql = """
        with ended as (
            update stream_sessions
            set is_active = false, ended_at = now(), changed_at = clock_timestamp(), end_reason = :reason
            where is_active
                and video_id = coalesce(:video_id, video_id) and user_id = coalesce(:user_id, user_id)
            returning session_id
        )
        select array(select session_id from ended)
        """
    ended: list[str] = await db.value(sql, video_id=video_id, user_id=user_id, reason=reason)
    return ended


async def sessions(db: Queries, user_id: int | None, active: bool | None, limit: int) -> list[Listed]:
    """The newest sessions, of one user or all, live or ended or both."""
    return await db.all(
        Listed,
        """
        select session_id, video_id, user_id, start_time, watched_time, is_active, last_heartbeat, position_ms,
            playing, rendition, price_per_minute, delivered_ms, charged, ended_at, end_reason
        from stream_sessions
        where (:user_id::bigint is null or user_id = :user_id)
            and (:active::boolean is null or is_active = :active)
        order by id desc limit :limit
        """,
        user_id=user_id,
        active=active,
        limit=limit,
    )
