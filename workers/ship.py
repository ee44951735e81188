"""Fetch log -> Redis stream: whole lines, in order, each exactly once in the stream.

The file is the durable truth and Redis's last id the only checkpoint: an entry's id says which byte of which generation
it ends at, and an append names the id it expects to follow. So a killed shipper resumes, a second one does no harm, and
what a Redis lost at its tail is sent again.
"""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from redis.asyncio import Redis

from api.settings import Settings
from workers.follow import STREAMS, Position, position
from workers.signals import pause, stop_event

log = structlog.get_logger()

FILE = re.compile(r"(?P<edge>[a-z0-9][a-z0-9-]*)-(?P<generation>[1-9][0-9]{0,9})\.log")
CHUNK_BYTES = 64 * 1024
READ_BYTES = 32 * CHUNK_BYTES
POLL_S = 0.05
ASK_S = 1.0  # how soon a quiet log finds out that Redis lost its tail
RETRY_S = 1.0
SETTLED_S = 5.0  # nginx goes on writing the old generation until every worker has heard the reopen signal
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


def log_files(folder: Path) -> dict[str, dict[int, Path]]:
    """The generations of each edge's log. The `<edge>.log` link is no generation."""
    found: dict[str, dict[int, Path]] = defaultdict(dict)
    for path in folder.iterdir() if folder.is_dir() else ():
        if match := FILE.fullmatch(path.name):
            found[match["edge"]][int(match["generation"])] = path
    return found


def unshipped(files: dict[int, Path], last: Position, settled_s: float) -> Iterator[Piece]:
    """The next pieces after `last`. A generation is left for the next one when it is read to its end and settled."""
    if last.generation > max(files):
        raise LogChanged(f"generation {last.generation} was shipped, but the newest file is {max(files)}")
    for generation in sorted(g for g in files if g >= last.generation):
        start = last.offset if generation == last.generation else 0
        status = files[generation].stat()
        if status.st_size < start:
            raise LogChanged(f"{files[generation].name} has {status.st_size} bytes, {start} were shipped")
        with files[generation].open("rb") as file:
            file.seek(start)
            data = file.read(READ_BYTES)
        settled = generation < max(files) and time.time() - status.st_mtime >= settled_s
        closed = settled and start + len(data) >= status.st_size
        ends = list(line_ends(data, closed=closed))
        yield from (Piece(generation, start + a, data[a:b]) for a, b in zip([0, *ends], ends, strict=False))
        if not closed or data:
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

    def __init__(self, redis: Redis, edge: str, settled_s: float) -> None:
        self._redis, self._stream, self._settled_s = redis, f"fetches:{edge}", settled_s
        self._append = redis.register_script(APPEND)
        self._last: str | None = None
        self._asked = 0.0

    async def ship(self, files: dict[int, Path]) -> bool:
        """Send what is next; False when there was nothing. Raises LogChanged, RedisError, OSError."""
        if self._last is None:
            self._last = await self._resume()
        pieces = list(unshipped(files, position(self._last), self._settled_s))
        if not pieces and time.monotonic() - self._asked < ASK_S:
            return False
        expected = pieces[-1].entry_id if pieces else self._last
        last = await self._send(self._last, pieces)
        # Any other answer means that Redis stands elsewhere than we thought: go on from there.
        self._last = last if last == expected else None
        return bool(pieces)

    async def _resume(self) -> str:
        await self._redis.sadd(STREAMS, self._stream)
        last = await self._send("", [])
        log.info("ship.resumed", stream=self._stream, last=last)
        return last

    async def _send(self, expected: str, pieces: list[Piece]) -> str:
        arguments: list[str | bytes] = [expected]
        for piece in pieces:
            first = piece.start == 0 and expected != NOTHING
            arguments += [piece.entry_id, str(piece.start), piece.payload, expected if first else ""]
        last: bytes = await self._append(keys=[self._stream], args=arguments)
        self._asked = time.monotonic()
        return last.decode()


async def ship(settings: Settings, stop: asyncio.Event, *, settled_s: float = SETTLED_S) -> None:
    """Ship every edge's log in FETCH_LOG_ROOT until `stop`; a failure of one edge does not stop the others."""
    redis = Redis.from_url(settings.text("REDIS_URL"), protocol=2)
    shippers: dict[str, Shipper] = {}
    resting: dict[str, float] = {}
    try:
        while not stop.is_set():
            busy = False
            for edge, files in log_files(settings.path("FETCH_LOG_ROOT")).items():
                if resting.get(edge, 0) > time.monotonic():
                    continue
                if edge not in shippers:
                    shippers[edge] = Shipper(redis, edge, settled_s)
                try:
                    busy |= await shippers[edge].ship(files)
                except Exception:
                    log.exception("ship.failed", edge=edge, retry_s=RETRY_S)
                    del shippers[edge]
                    resting[edge] = time.monotonic() + RETRY_S
            if not busy:
                await pause(stop, POLL_S)
    finally:
        await redis.aclose()


async def run(settings: Settings) -> None:
    """`streamify ship`: until SIGTERM."""
    await ship(settings, stop_event())
