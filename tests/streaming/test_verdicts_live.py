"""What verdicts rest on: Redis and PostgreSQL, each of them late, empty, away or out of date."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from api.database import Database, open_database
from api.streaming import queries, settlement
from api.streaming.live import LIFE_S, Leased, Live
from tests import servers
from tests.conftest import Platform, PlatformMaker
from tests.nginx.wires import Wire
from tests.streaming.playback import VIEWER, add_session


@dataclass
class Parts:
    """A streaming service's state of sessions, over wires that can be cut."""

    p: Platform
    redis: Redis
    redis_wire: Wire
    db: Database
    db_wire: Wire
    live: Live = field(init=False)

    def __post_init__(self) -> None:
        self.live = Live(self.redis, self.db)

    async def ended(self, session_id: str) -> str:
        state = await self.live.state(session_id)
        assert state is not None
        return state.ended

    async def kept(self, session_id: str) -> bytes | None:
        found = await self.redis.get(f"live:{session_id}")
        assert not isinstance(found, str)
        return found


@pytest.fixture
async def parts(platform: PlatformMaker, postgres: servers.Server) -> AsyncIterator[Parts]:
    p = await platform("streaming")
    redis_url = urlsplit(p.settings.text("REDIS_URL"))
    name = await p.db("streaming").value("select current_database()")
    async with Wire(redis_url.geturl()) as redis_wire, Wire(f"http://127.0.0.1:{postgres.port}") as db_wire:
        near = redis_url._replace(netloc=f":{redis_url.password}@{urlsplit(redis_wire.url).netloc}").geturl()
        redis = Redis.from_url(near, socket_timeout=0.3, retry=Retry(NoBackoff(), 1), protocol=2)
        place = f"postgres:{postgres.password}@{urlsplit(db_wire.url).netloc}"
        db = await open_database(f"postgresql://{place}/{name}", size=4)
        yield Parts(p, redis, redis_wire, db, db_wire)
        await db_wire.cut()
        await redis.aclose()
        await db.close()


async def test_a_state_is_read_once_and_kept_for_a_bounded_time(parts: Parts) -> None:
    session = await add_session(parts.p)
    first = await parts.live.state(session)
    assert first is not None
    assert (first.user_id, first.ended, first.spent, first.final, first.ahead) == (VIEWER, "", False, False, 0)
    await parts.db_wire.cut()
    assert await parts.live.state(session) == first
    assert 0 < await parts.redis.pttl(f"live:{session}") <= LIFE_S * 1000


async def test_many_questions_at_once_are_one_round_trip(parts: Parts) -> None:
    sessions = [await add_session(parts.p, user_id=user) for user in range(1, 31)]

    async def calls() -> int:
        return int((await parts.redis.info("commandstats"))["cmdstat_evalsha"]["calls"])

    await parts.live.state(sessions[0])
    before = await calls()
    found = await asyncio.gather(*(parts.live.state(session) for session in sessions * 3))
    assert [state.user_id for state in found if state] == [*range(1, 31)] * 3
    assert await calls() - before == 2  # one that looked, one that filled in


async def test_a_session_nobody_knows_is_not_kept(parts: Parts) -> None:
    assert await parts.live.state("f" * 32) is None
    assert (await parts.kept("f" * 32) or b"lease").startswith(b"lease")


async def test_what_was_read_before_a_change_is_never_filled_in_after_it(parts: Parts) -> None:
    session = await add_session(parts.p)
    leased = (await parts.live._read_kept([session]))[session]
    assert isinstance(leased, Leased)
    old = (await parts.live._read_stored([(session, "")]))[(session, "")]
    await queries.end(parts.db, session, "ended")
    await parts.live.forget([session])
    await parts.live._fill_in(leased.lease, {session: old})
    assert await parts.kept(session) is None
    # The next reader takes a lease of its own, and the late one does not fit it either.
    assert isinstance((await parts.live._read_kept([session]))[session], Leased)
    await parts.live._fill_in(leased.lease, {session: old})
    assert await parts.ended(session) == "ended"


async def test_readers_and_enders_in_any_order_leave_nothing_old(parts: Parts) -> None:
    sessions = [await add_session(parts.p, user_id=user) for user in range(1, 61)]

    async def end(session: str) -> None:
        await queries.end(parts.db, session, "ended")
        await parts.live.forget([session])

    async def read(session: str) -> None:
        for _ in range(8):
            await parts.live.state(session)

    await asyncio.gather(*(read(s) for s in sessions), *(end(s) for s in sessions), *(read(s) for s in sessions))
    assert [await parts.ended(session) for session in sessions] == ["ended"] * 60


async def test_what_a_killed_writer_did_not_forget_is_forgotten(parts: Parts) -> None:
    session = await add_session(parts.p)
    assert await parts.ended(session) == ""
    await queries.end(parts.db, session, "ended")  # and killed here
    await parts.live.forget_changed()
    assert await parts.ended(session) == "ended"


async def test_a_redis_that_lost_everything_is_filled_again(parts: Parts) -> None:
    sessions = [await add_session(parts.p, user_id=user) for user in range(1, 11)]
    before = await asyncio.gather(*(parts.live.state(session) for session in sessions))
    await parts.redis.flushdb()
    await parts.redis.script_flush()
    after = await asyncio.gather(*(parts.live.state(session) for session in sessions))
    assert [state and state.user_id for state in before] == [state and state.user_id for state in after]
    assert (await parts.kept(sessions[0]) or b"").startswith(b"[")


async def test_without_redis_postgresql_answers_alone(parts: Parts) -> None:
    session = await add_session(parts.p)
    assert await parts.ended(session) == ""
    await parts.redis_wire.cut()
    assert await parts.ended(session) == ""
    assert await settlement.withdraw(parts.db, parts.live, None, VIEWER, deleted=False) == 1
    assert await parts.ended(session) == "disabled"


async def test_without_postgresql_what_is_kept_goes_on_and_nothing_else(parts: Parts) -> None:
    kept, other = await add_session(parts.p), await add_session(parts.p)
    assert await parts.ended(kept) == ""
    await parts.db_wire.cut()
    assert await parts.ended(kept) == ""
    for session in (other, "f" * 32):
        with pytest.raises((OSError, TimeoutError)):
            await parts.live.state(session)
    await parts.live.forget([kept])
    with pytest.raises((OSError, TimeoutError)):
        await parts.live.state(kept)


async def test_without_both_nobody_can_say(parts: Parts) -> None:
    session = await add_session(parts.p)
    assert await parts.ended(session) == ""
    await parts.db_wire.cut()
    await parts.redis_wire.cut()
    with pytest.raises((OSError, TimeoutError)):
        await parts.live.state(session)


async def test_what_another_version_left_in_redis_is_read_anew(parts: Parts) -> None:
    session = await add_session(parts.p)
    for left in (b"", b"{}", b"[1]", b"\xff", b"[1,2,3,4,5,6,7]"):
        await parts.redis.set(f"live:{session}", left, px=60_000)
        assert await parts.ended(session) == ""
        await parts.live.forget([session])
