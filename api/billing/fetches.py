"""A stretch of the fetch log becomes money, in the caller's transaction: the meter's work.

A line that cannot be billed is kept with its reason and never stops the others.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from api.billing import books, metering, queries_hold, queries_log, settlement
from api.billing.books import Books
from api.billing.money import Currency
from api.billing.settlement import Hold, Watch
from api.database import Connection
from media.credit import credited
from media.fetch import Fetch, Refused, parse_line

LONGEST_ID = 255
LONGEST_FILM_MS = 10**10  # what a segment's name can say


class Line(NamedTuple):
    """A raw line and where it is."""

    stream: str
    generation: int
    byte_offset: int
    text: bytes


class Delivered(NamedTuple):
    """A credited fetch: when, and which part of the film."""

    t_ms: int
    start_ms: int
    end_ms: int


async def bill(tx: Connection, currency: Currency, cause: str, lines: Iterable[Line], now_ms: int) -> None:
    """Charge for a stretch of the log. `cause` names it, so that no stretch is ever billed twice."""
    rejected: list[dict[str, object]] = []
    parsed = _parse(lines, rejected)
    opened = await books.open_sessions(tx, currency, {fetch.session_id for _, fetch in parsed})
    sessions = _by_session(parsed, opened.holds, now_ms, rejected)
    for session_id, fetches in sorted(sessions.items(), key=lambda item: (item[1][0], item[0])):
        hold = opened.holds[session_id]
        for watch, part in await _by_watch(tx, opened, hold, fetches):
            if watch.id > hold.watch_id:
                settlement.move(hold, watch)
            settlement.deliver(hold, watch, [(start, end) for _, start, end in part], part[0].t_ms)
            opened.settle(hold, watch)
        opened.cover(hold)
    if sessions:
        last_ms = max(fetches[-1].t_ms for fetches in sessions.values())
        await books.close(tx, opened, cause, datetime.fromtimestamp(last_ms / 1000, UTC))
    if rejected:
        await queries_log.reject(tx, rejected)


def _parse(lines: Iterable[Line], rejected: list[dict[str, object]]) -> list[tuple[Line, Fetch]]:
    parsed: list[tuple[Line, Fetch]] = []
    for line in lines:
        try:
            fetch = parse_line(line.text)
        except Refused as refused:
            rejected.append(_rejection(line, refused.reason))
            continue
        # What PostgreSQL cannot store would stop the whole stream.
        if "\0" in fetch.session_id or len(fetch.session_id) > LONGEST_ID or fetch.end_ms > LONGEST_FILM_MS:
            rejected.append(_rejection(line, "bad_field"))
        else:
            parsed.append((line, fetch))
    return parsed


def _by_session(
    parsed: list[tuple[Line, Fetch]], holds: dict[str, Hold], now_ms: int, rejected: list[dict[str, object]]
) -> dict[str, list[Delivered]]:
    """What counts (rule 1), in order of time, per session."""
    sessions: defaultdict[str, list[Delivered]] = defaultdict(list)
    for line, fetch in parsed:
        hold = holds.get(fetch.session_id)
        if hold is None:
            rejected.append(_rejection(line, "unknown_session"))
        elif (hold.user_id, hold.video_id) != (fetch.user_id, fetch.video):
            rejected.append(_rejection(line, "foreign"))
        elif now_ms - fetch.t_ms > metering.LATE_MS:
            rejected.append(_rejection(line, "late"))
        elif (interval := credited(fetch, audio_only=hold.audio_only)) is not None:
            sessions[fetch.session_id].append(Delivered(fetch.t_ms, *interval))
    for fetches in sessions.values():
        fetches.sort()
    return sessions


async def _by_watch(
    tx: Connection, opened: Books, hold: Hold, fetches: list[Delivered]
) -> list[tuple[Watch, list[Delivered]]]:
    """Rule 2: a session's fetches belong to its watch; those outside of its 24 hours to the one before or after."""
    watch = opened.watches[hold.watch_id]
    if watch.covers(fetches[0].t_ms) and watch.covers(fetches[-1].t_ms):
        return [(watch, fetches)]
    parts: dict[int, list[Delivered]] = {}
    for fetch in fetches:
        if not watch.covers(fetch.t_ms):
            watch = await _watch_at(tx, opened, hold, fetch.t_ms)
        parts.setdefault(watch.id, []).append(fetch)
    return [(opened.watches[watch_id], part) for watch_id, part in parts.items()]


async def _watch_at(tx: Connection, opened: Books, hold: Hold, t_ms: int) -> Watch:
    """The watch of the same user, video and price that was open at `t_ms`; a new one after all others closed."""
    key = (hold.user_id, hold.video_id, hold.price_micros_per_minute)
    watch_id = await queries_hold.watch_at(tx, *key, t_ms)
    if watch_id is None:
        watch_id = await queries_hold.add_watch(tx, *key, opened.watches[hold.watch_id].creator_bps)
    if watch_id not in opened.watches:
        [opened.watches[watch_id]] = await queries_hold.watches(tx, [watch_id])
    return opened.watches[watch_id]


def _rejection(line: Line, reason: str) -> dict[str, object]:
    text = line.text[:2048].decode("ascii", "backslashreplace").replace("\0", "\\0")
    place = {"stream": line.stream, "generation": line.generation, "byte_offset": line.byte_offset}
    return {**place, "reason": reason, "line": text}
