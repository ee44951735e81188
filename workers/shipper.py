"""Fetch log -> Redis stream: whole lines, in order, each exactly once in the stream.

The file is the durable truth and Redis's last id the only checkpoint: an entry's id says which byte of which generation
it ends at, and an append names the id it expects to follow. So a killed shipper resumes, a second one does no harm, and
what a Redis lost at its tail is sent again. What consumers have not read yet stays in the file, but for a window.
"""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from redis.asyncio import Redis

from media import fetch_log
from workers.consumed import Consumed, bytes_between, consumed
from workers.follow import STREAMS, Position, position

log = structlog.get_logger()

CHUNK_BYTES = 64 * 1024
READ_BYTES = 32 * CHUNK_BYTES
WINDOW_BYTES = 256 * 1024 * 1024  # how much that somebody has not read yet may lie in Redis
ASK_S = 1.0  # how soon a quiet log finds out that Redis lost its tail
HEAR_S = 0.1
NOTHING = "0-0"

# Append only behind the id we believe to be the last; always answers with the true last id.
# Asking first and appending then would not do: the client may reconnect in between, to a Redis that lost its tail.
APPEND = """
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
if last ~= ARGV[1] then return last end
for i = 2, #ARGV, 4 do
  if ARGV[i + 3] == '' then
    redis.call('XADD', KEYS[1], ARGV[i], 'start', ARGV[i + 1], 'lines', ARGV[i + 2])
  else
    redis.call('XADD', KEYS[1], ARGV[i], 'start', ARGV[i + 1], 'lines', ARGV[i + 2], 'after', ARGV[i + 3])
  end
  last = ARGV[i]
end
return last
"""


class LogChanged(RuntimeError):
    """The log files are not the ones Redis knows: one shrank, or the newest is older than what was shipped."""


@dataclass(frozen=True)
class Piece:
    """Some bytes of one generation, ending with a whole line."""

    generation: int
    start: int
    payload: bytes

    @property
    def entry_id(self) -> str:
        return f"{self.generation}-{self.start + len(self.payload)}"


def unshipped(files: dict[int, Path], last: Position, closed: Collection[int]) -> Iterator[Piece]:
    """The next pieces after `last`. A generation is left for the next one when it is closed and read to its end."""
    if last.generation > max(files):
        raise LogChanged(f"generation {last.generation} was shipped, but the newest file is {max(files)}")
    for generation in sorted(g for g in files if g >= last.generation):
        start = last.offset if generation == last.generation else 0
        size = files[generation].stat().st_size
        if size < start:
            raise LogChanged(f"{files[generation].name} has {size} bytes, {start} were shipped")
        with files[generation].open("rb") as file:
            file.seek(start)
            data = file.read(READ_BYTES)
        ended = generation in closed and start + len(data) >= size
        ends = list(line_ends(data, closed=ended))
        yield from (Piece(generation, start + a, data[a:b]) for a, b in zip([0, *ends], ends, strict=False))
        if not ended or data:
            return


def line_ends(data: bytes, *, closed: bool) -> Iterator[int]:
    """Where to cut so that each piece is at most CHUNK_BYTES of whole lines.

    A line that does not end goes out as it is when its file is closed, or when it is longer than any line of ours:
    the consumers refuse it, and the log goes on.
    """
    at = 0
    while at < len(data):
        end = data.rfind(b"\n", at, at + CHUNK_BYTES) + 1
        if end == 0:
            end = min(at + CHUNK_BYTES, len(data))
            if end - at < CHUNK_BYTES and not closed:
                return
        yield end
        at = end


class Shipper:
    """The way of one edge's log into its stream."""

    def __init__(self, redis: Redis, root: Path, edge: str, window_bytes: int = WINDOW_BYTES) -> None:
        self._redis, self._root, self.edge, self._stream = redis, root, edge, f"fetches:{edge}"
        self._window_bytes = window_bytes
        self._append = redis.register_script(APPEND)
        self._last: str | None = None
        self._asked = self._heard = 0.0
        self._trimmed = Position(0, 0)
        self.consumed: Consumed | None = None
        self.waits = ""  # for whom, when the window is full

    async def ship(self, files: dict[int, Path], closed: Collection[int]) -> bool:
        """Send what is next; False when there was nothing. Raises LogChanged, Damaged, RedisError, OSError."""
        if self._last is None:
            self._last = await self._resume()
        heard = await self._hear(files)
        last = position(self._last)
        self.waits = self._full(files, heard, last)
        pieces = [] if self.waits else list(unshipped(files, last, closed))
        if not pieces and time.monotonic() - self._asked < ASK_S:
            return False
        expected = pieces[-1].entry_id if pieces else self._last
        found = await self._send(self._last, pieces)
        # Any other answer means that Redis stands elsewhere than we thought: go on from there.
        self._last = found if found == expected else None
        return bool(pieces)

    def forget(self) -> None:
        """After a failure: ask Redis where it stands."""
        self._last = self.consumed = None

    async def _resume(self) -> str:
        await self._redis.sadd(STREAMS, self._stream)
        last = await self._send("", [])
        log.info("ship.resumed", stream=self._stream, last=last)
        return last

    async def _hear(self, files: dict[int, Path]) -> Consumed:
        """How far the consumers are; what all have read is dropped from Redis."""
        if self.consumed is not None and time.monotonic() - self._heard < HEAR_S:
            return self.consumed
        self.consumed = heard = await consumed(self._redis, self._stream)
        self._heard = time.monotonic()
        newest = max(files)
        if heard.furthest > (end := Position(newest, files[newest].stat().st_size)):
            raise LogChanged(f"a consumer has read up to {heard.furthest}, but the newest file ends at {end}")
        if heard.by_all != self._trimmed:
            # Entries before the one that ends where everybody is; its id stays, so nothing is ever sent twice.
            await self._redis.xtrim(self._stream, minid=str(heard.by_all), approximate=True)
            self._trimmed = heard.by_all
        return heard

    def _full(self, files: dict[int, Path], heard: Consumed, last: Position) -> str:
        """Words about who is too far behind for more to be sent."""
        behind = bytes_between(files, heard.by_all, last)
        if behind < self._window_bytes:
            return ""
        return f"{heard.behind()} is {behind} bytes behind: more waits in the log files until it goes on"

    async def _send(self, expected: str, pieces: list[Piece]) -> str:
        arguments: list[str | bytes] = [expected]
        for piece in pieces:
            after = self._end_before(piece.generation) if piece.start == 0 else ""
            arguments += [piece.entry_id, str(piece.start), piece.payload, after]
        last: bytes = await self._append(keys=[self._stream], args=arguments)
        self._asked = time.monotonic()
        return last.decode()

    def _end_before(self, generation: int) -> str:
        """What a consumer must have read before it goes on with a new file; 0-0 when nobody knows."""
        end = fetch_log.end_before(self._root, self.edge, generation)
        return str(Position(*end)) if end else NOTHING
