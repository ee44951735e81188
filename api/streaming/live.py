"""Live state of sessions: kept in Redis for half a minute, PostgreSQL behind it. Read by every verdict.

Every change is committed in PostgreSQL and then forgotten here (`forget`), so that the next verdict reads it anew.
Nobody can fill in what was read before a change: who finds nothing leaves a lease of its own in the place before it
reads PostgreSQL, and fills in only while that lease is there; forgetting removes the lease too. What a killed writer
or a Redis that lost its last second did not forget, every process of the service forgets half a second later.
Most verdicts ask neither: what goes on without limits is remembered by the process itself, see near.py.
Redis away: PostgreSQL answers alone. PostgreSQL away: what is kept lives on, for half a minute.
"""

import asyncio
import math
import time
import uuid
from collections.abc import Sequence

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.database import Database
from api.streaming import queries_live
from api.streaming.batch import Batch
from api.streaming.near import Near

log = structlog.get_logger()

LIFE_S = 30
LEASE_MS = 3000
KEPT_S = LIFE_S + LEASE_MS / 1000
PATIENCE_S = 1.5  # with PostgreSQL; nginx waits 3 s for a verdict
REST_S = 1.0  # how long a Redis that failed is not asked
AT_ONCE = 500
AGAIN_S = 0.5  # how late what was not forgotten is; with a verdict's four and a half seconds, that is five
# How long ago Redis may have heard what it lost, or what is committed now may have been written.
LOST_S = 5.0

# Gives what is kept; where nothing is, an empty answer, and our lease in its place.
LOOK = """
local found = {}
for i, key in ipairs(KEYS) do
  found[i] = redis.call('GET', key)
  if not found[i] then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    found[i] = ''
  end
end
return found
"""
FILL = """
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('SET', key, ARGV[i + 2], 'PX', ARGV[2]) end
end
"""


class State(msgspec.Struct, frozen=True, array_like=True):
    """What a verdict decides by. `ended` is the reason or empty; `read_ms` when PostgreSQL said so (ms since 1970).

    `spent`: nothing to be paid is served; `limited`: by a daily limit. The first `preview_ms` of the film are free.
    """

    user_id: int
    video_id: int
    ended: str
    spent: bool
    final: bool
    limited: bool
    preview_ms: int
    ahead: int
    read_ms: int


class Leased(msgspec.Struct, frozen=True):
    """Nothing is kept; who holds `lease` may fill it in. Empty: somebody else does, or Redis is away."""

    lease: str


class Live:
    """The states of all sessions, as one process sees them."""

    def __init__(self, redis: Redis, db: Database) -> None:
        self._redis, self._db = redis, db
        self._look, self._fill = redis.register_script(LOOK), redis.register_script(FILL)
        self._resting_until = 0.0
        self._kept = Batch(self._read_kept)
        self._stored = Batch(self._read_stored)
        self._near: Near[State] = Near()

    async def state(self, session_id: str) -> State | None:
        """A session's state, None when there is no such session; raises when nobody can say."""
        if near := self._near.get(session_id):
            return near
        forgettings = self._near.forgettings
        found = await self._kept(session_id)
        state = found if isinstance(found, State) else await self._stored((session_id, found.lease if found else ""))
        if state and not (state.ended or state.spent or state.final):  # those are asked about until it changes
            self._near.put(session_id, state, state.read_ms / 1000 + LIFE_S, forgettings)
        return state

    async def forget(self, session_ids: Sequence[str]) -> None:
        """Sessions were changed, and that is committed. A failure is made good by `keep_forgetting`."""
        self._near.forget(session_ids)
        try:
            await self._delete(session_ids)
        except (RedisError, OSError) as error:
            log.warning("live.unforgotten", sessions=len(session_ids), error=str(error))

    async def forget_changed(self, within_s: float = KEPT_S) -> None:
        """Forget once more what changed lately: its first time may have failed. Raises when this one does."""
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            changed = await queries_live.changed(self._db, within_s)
        self._near.forget(changed)
        self._near.heard(began)
        await self._delete(changed)
        await self._redis.ping()  # nothing changed, or Redis is away: only the first is a success

    async def keep_forgetting(self) -> None:
        """For ever: forget what changed since the last time that this worked, at first all that may still be kept."""
        done = -math.inf
        while True:
            began = time.monotonic()
            try:
                await self.forget_changed(min(KEPT_S, began - done + LOST_S))
                done = began
            except Exception as error:  # noqa: BLE001 - whatever is wrong with Redis or PostgreSQL, it is tried again
                log.warning("live.unforgotten", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(AGAIN_S)

    async def _delete(self, session_ids: Sequence[str]) -> None:
        for first in range(0, len(session_ids), AT_ONCE):
            await self._redis.delete(*(_key(s) for s in session_ids[first : first + AT_ONCE]))

    async def _read_kept(self, session_ids: list[str]) -> dict[str, State | Leased]:
        if time.monotonic() < self._resting_until:
            return {}
        lease = f"lease {uuid.uuid4().hex}"
        try:
            found = await self._look(keys=[_key(s) for s in session_ids], args=[lease, LEASE_MS])
        except (RedisError, OSError) as error:
            self._rest(error)
            return {}
        return {s: _decoded(value, lease) for s, value in zip(session_ids, found, strict=True)}

    async def _read_stored(self, asked: list[tuple[str, str]]) -> dict[tuple[str, str], State]:
        read_ms = round(time.time() * 1000)
        async with asyncio.timeout(PATIENCE_S):
            known = await queries_live.known(self._db, list({session_id for session_id, _ in asked}))
        states = {k.session_id: _state(k, read_ms) for k in known}
        found = {(s, lease): states[s] for s, lease in asked if s in states}
        for lease in {lease for _, lease in found if lease}:
            await self._fill_in(lease, {s: state for (s, by), state in found.items() if by == lease})
        return found

    async def _fill_in(self, lease: str, states: dict[str, State]) -> None:
        values = [msgspec.json.encode(state) for state in states.values()]
        try:
            await self._fill(keys=[_key(s) for s in states], args=[lease, LIFE_S * 1000, *values])
        except (RedisError, OSError) as error:
            self._rest(error)

    def _rest(self, error: Exception) -> None:
        log.warning("live.redis_away", error=str(error), rest_s=REST_S)
        self._resting_until = time.monotonic() + REST_S


def _key(session_id: str) -> str:
    return f"live:{session_id}"


def _decoded(value: bytes, lease: str) -> State | Leased:
    if not value:
        return Leased(lease)
    try:
        return msgspec.json.decode(value, type=State)
    except msgspec.DecodeError:
        # Somebody else's lease, or what another version of ours wrote.
        return Leased("")


def _state(known: queries_live.Known, read_ms: int) -> State:
    ended = known.end_reason or ""
    money = (known.spent, known.final, known.limited, known.preview_ms)
    return State(known.user_id, known.video_id, ended, *money, known.ahead, read_ms)
