"""Analytics against billing and the logs: money and time, video by video and day by day.

Money is compared with the ledger, time with what this code makes of the lines itself. Only days that are over, and only
as far back as the logs reach: a day before them is begun by sessions whose first lines are gone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from api.clients import Clients, Counted
from api.database import Database
from media import fetch_log
from workers.reconcile import queries_audience
from workers.reconcile.arithmetic import DAY_MS, Spans
from workers.reconcile.difference import Difference
from workers.reconcile.lines import Delivery, read_line
from workers.reconcile.logs import STREAM

SETTLED_MS = 10 * 60 * 1000  # what was fetched just before midnight is counted by then
TRIES = 3  # a fact may reach one side between two questions
Days = dict[tuple[int, int], dict[str, int]]  # by video and beginning of the day
NOTHING = {"watch_ms": 0, "gross_micros": 0, "refund_micros": 0}


@dataclass(frozen=True)
class Compared:
    """How many days of videos were compared, and what differs."""

    days: int
    differences: list[Difference]


async def compare(root: Path, db: Database, clients: Clients, day: date | None, now_ms: int) -> Compared:
    """The given day, or all that are over and in the logs. Raises Unavailable and Damaged."""
    until_ms = (now_ms - SETTLED_MS) // DAY_MS * DAY_MS
    since_ms = _oldest_ms(root, (await clients.analytics_days(0, 1)).positions)
    if day is not None:
        begin_ms = round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
        since_ms, until_ms = max(since_ms, begin_ms), min(until_ms, begin_ms + DAY_MS)
    if since_ms >= until_ms:
        return Compared(0, [])
    for attempt in range(TRIES):
        counted = await clients.analytics_days(since_ms, until_ms)
        right = await _derived(root, db, counted, since_ms, until_ms)
        found = {(one.video_id, one.day_ms): _figures(one) for one in counted.days}
        differences = list(_differences(found, right))
        if not differences or attempt == TRIES - 1:
            return Compared(len(found.keys() | right.keys()), differences)
    raise AssertionError("unreachable")


def _oldest_ms(root: Path, streams: Iterable[str]) -> int:
    """The first day whose sessions are whole: a day after the oldest line, or at once in a log that was never cut."""
    oldest, cut = None, False
    for stream in streams:
        edge = stream.removeprefix(STREAM)
        folder = fetch_log.folder(root, edge)
        for logged in fetch_log.read(folder, edge):
            if (said := read_line(logged.line)) is not None:
                oldest = min(said.t_ms, oldest or said.t_ms)
                cut |= logged.generation > 1
                break
    if oldest is None:
        return 2**62
    return (oldest + 2 * DAY_MS if cut else oldest) // DAY_MS * DAY_MS


def _figures(one: object) -> dict[str, int]:
    return {name: int(getattr(one, name)) for name in NOTHING}


async def _derived(root: Path, db: Database, counted: Counted, since_ms: int, until_ms: int) -> Days:
    """What should have been counted."""
    days: defaultdict[tuple[int, int], dict[str, int]] = defaultdict(lambda: dict(NOTHING))
    async with db.snapshot() as books:
        for row in await queries_audience.money(books, since_ms, until_ms):
            days[row.video_id, row.day_ms] |= {"gross_micros": row.gross_micros, "refund_micros": row.refund_micros}
        sound = await queries_audience.sound_sessions(books)
    for key, watch_ms in watched(deliveries(root, counted.positions, since_ms - DAY_MS), sound).items():
        if since_ms <= key[1] < until_ms:
            days[key]["watch_ms"] = watch_ms
    return dict(days)


def deliveries(root: Path, positions: Mapping[str, tuple[int, int]], since_ms: int) -> Iterator[Delivery]:
    """What lines from a moment on say, up to where analytics has read."""
    for stream, end in positions.items():
        edge = stream.removeprefix(STREAM)
        for logged in fetch_log.read(fetch_log.folder(root, edge), edge):
            if (logged.generation, logged.offset) >= tuple(end):
                break
            said = read_line(logged.line)
            if said is not None and said.t_ms >= since_ms and said.part is not None:
                yield said


def watched(lines: Iterator[Delivery], sound: set[str]) -> dict[tuple[int, int], int]:
    """Milliseconds of film by video and UTC day: each once a session, on the day of its first delivery."""
    sessions: defaultdict[tuple[str, int], list[tuple[int, int, int]]] = defaultdict(list)
    for said in lines:
        if said.part is not None and said.counts(audio_only=said.session_id in sound):
            sessions[said.session_id, said.video_id].append((said.t_ms, *said.part))
    sums: defaultdict[tuple[int, int], int] = defaultdict(int)
    for (_, video_id), parts in sessions.items():
        seen = Spans()
        for t_ms, start, end in sorted(parts):
            before_ms = seen.ms
            seen.add(start, end)
            sums[video_id, t_ms // DAY_MS * DAY_MS] += seen.ms - before_ms
    return sums


def _differences(found: Days, right: Days) -> Iterator[Difference]:
    for video_id, day_ms in sorted(found.keys() | right.keys()):
        has, should = (days.get((video_id, day_ms), NOTHING) for days in (found, right))
        if has != should:
            day = datetime.fromtimestamp(day_ms / 1000, UTC).date()
            yield Difference("analytics", f"video {video_id} {day}", has, should, video_id=video_id)
