"""Sessions put into the database and their tokens, for tests that need a playback and not its start."""

import time
import uuid

from redis.asyncio import Redis

from api.streaming import token
from tests.conftest import Platform

VIDEO, VIEWER, FILM_MS = 7, 41, 600_000


async def add_session(
    p: Platform, *, video_id: int = VIDEO, user_id: int = VIEWER, age_s: float = 0, silent_s: float = 0, **more: object
) -> str:
    """A live session of generation 1, begun `age_s` ago and not heard of for `silent_s`; `more` sets other columns."""
    session_id = uuid.uuid4().hex
    await p.db("streaming").run(
        """
        insert into stream_sessions
            (session_id, video_id, user_id, generation, duration_ms, price_per_minute, start_time, last_seen)
        values (:session_id, :video_id, :user_id, 1, :duration_ms, 60,
            now() - make_interval(secs => :age_s), now() - make_interval(secs => :silent_s))
        """,
        session_id=session_id,
        video_id=video_id,
        user_id=user_id,
        duration_ms=FILM_MS,
        age_s=age_s,
        silent_s=silent_s,
    )
    for column, value in more.items():
        await change(p, session_id, column, value)
    return session_id


async def change(p: Platform, session_id: str, column: str, value: object) -> None:
    """Set one column of a session, as another process of the service would: committed, then forgotten."""
    sql = f"update stream_sessions set {column} = :value, changed_at = now() where session_id = :session_id"
    assert await p.db("streaming").run(sql, session_id=session_id, value=value) == 1
    await forget(p, session_id)


async def forget(p: Platform, session_id: str) -> None:
    """What is kept in Redis of a session is out of date."""
    async with Redis.from_url(p.settings.text("REDIS_URL")) as redis:
        await redis.delete(f"live:{session_id}")


async def column(p: Platform, session_id: str, name: str) -> object:
    """One column of a session."""
    sql = f"select {name} from stream_sessions where session_id = :session_id"
    return await p.db("streaming").value(sql, session_id=session_id)


async def end(p: Platform, session_id: str) -> None:
    """End a session without a bill."""
    sql = """update stream_sessions set is_active = false, ended_at = now(), changed_at = now(), end_reason = 'ended'
             where session_id = :id"""
    assert await p.db("streaming").run(sql, id=session_id) == 1
    await forget(p, session_id)


def token_for(p: Platform, session_id: str, video_id: int = VIDEO, life_s: float = 3600) -> str:
    """A token as the service signs it."""
    signer = token.make_signer(p.settings.secret("TOKEN_SECRET"))
    return token.write(signer, token.Token(session_id, video_id, int(time.time() + life_s)))
