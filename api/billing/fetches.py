"""A stretch of the fetch log becomes money, in the caller's transaction: the meter's work.

A line that cannot be billed is kept with its reason and never stops the others.
"""

from datetime import UTC, datetime
from itertools import islice

from api.billing import books, metering, queries_hold, queries_log, settlement
from api.billing.books import Books
from api.billing.money import Currency
from api.billing.settlement import Hold, Watch
from api.billing.stretch import Fetched, Said
from api.database import Connection

REJECTED_AT_ONCE = 5000


async def bill(
    tx: Connection, currency: Currency, cause: str, said: Said, now_ms: int, *, media_rate: int = metering.MEDIA_RATE
) -> None:
    """Charge for a stretch of the log. `cause` names it, so that no stretch is ever billed twice.

    `media_rate`: segments a second and session beyond which the gateway slows a player down.
    """
    opened = await books.open_sessions(tx, currency, said.session_ids)
    sessions = _by_session(said, opened.holds, now_ms)
    for session_id, fetches in sorted(sessions.items(), key=lambda item: (item[1][0][0], item[0])):
        hold = opened.holds[session_id]
        for watch, whole in await _by_watch(tx, opened, hold, fetches):
            part = _paced(said, watch, whole, media_rate)
            if not part:
                continue
            if watch.id > hold.watch_id:
                settlement.move(hold, watch)
            settlement.deliver(hold, watch, [(start, end) for _, start, end, _ in part], part[0][0])
            opened.settle(hold, watch)
        opened.cover(hold)
    if sessions:
        last_ms = max(fetches[-1][0] for fetches in sessions.values())
        await books.close(tx, opened, cause, datetime.fromtimestamp(last_ms / 1000, UTC))
    rejected = said.rejected()
    while lines := list(islice(rejected, REJECTED_AT_ONCE)):
        await queries_log.reject(tx, lines)


def _by_session(said: Said, holds: dict[str, Hold], now_ms: int) -> dict[str, list[Fetched]]:
    """What counts (rule 1), in order of time, per session. The other lines are rejected, or simply cost nothing."""
    sessions: dict[str, list[Fetched]] = {}
    oldest_ms = now_ms - metering.LATE_MS
    for kind in (said.pictures, said.sound, said.nothing):
        for (session_id, user_id, video), fetches in kind.items():
            hold = holds.get(session_id)
            if hold is None or (hold.user_id, hold.video_id) != (user_id, video):
                for fetch in fetches:
                    said.reject(fetch[3], "foreign" if hold else "unknown_session")
                continue
            fetches.sort()
            timely = fetches if fetches[0][0] >= oldest_ms else _in_time(said, fetches, oldest_ms)
            if timely and (kind is said.pictures or (kind is said.sound and hold.audio_only)):
                sessions[session_id] = sorted(sessions[session_id] + timely) if session_id in sessions else timely
    return sessions


def _in_time(said: Said, fetches: list[Fetched], oldest_ms: int) -> list[Fetched]:
    for fetch in fetches:
        if fetch[0] < oldest_ms:
            said.reject(fetch[3], "late")
    return [fetch for fetch in fetches if fetch[0] >= oldest_ms]


def _paced(said: Said, watch: Watch, part: list[Fetched], media_rate: int) -> list[Fetched]:
    """Rule 5: nobody is charged for more new media than pacing lets through; the lines beyond it are no player's."""
    opened_ms = part[0][0] if watch.opened_ms is None else watch.opened_ms
    seen, seen_ms, kept = watch.seen, watch.seen_ms, list[Fetched]()
    if seen_ms + sum([end - start for _, start, end, _ in part]) <= metering.most_ms(
        part[0][0] - opened_ms, media_rate
    ):
        return part
    for fetch in part:
        t_ms, start, end, where = fetch
        fresh_ms = metering.fresh_ms(seen, start, end)
        if fresh_ms and seen_ms + fresh_ms > metering.most_ms(t_ms - opened_ms, media_rate):
            said.reject(where, "too_fast")
            continue
        kept.append(fetch)
        if fresh_ms:
            seen, seen_ms = metering.union([*seen, (start, end)]), seen_ms + fresh_ms
    return kept


async def _by_watch(
    tx: Connection, opened: Books, hold: Hold, fetches: list[Fetched]
) -> list[tuple[Watch, list[Fetched]]]:
    """Rule 2: a session's fetches belong to its watch; those outside of its 24 hours to the one before or after."""
    watch = opened.watches[hold.watch_id]
    if watch.covers(fetches[0][0]) and watch.covers(fetches[-1][0]):
        return [(watch, fetches)]
    parts: dict[int, list[Fetched]] = {}
    for fetch in fetches:
        if not watch.covers(fetch[0]):
            watch = await _watch_at(tx, opened, hold, fetch[0])
        parts.setdefault(watch.id, []).append(fetch)
    return [(opened.watches[watch_id], part) for watch_id, part in parts.items()]


async def _watch_at(tx: Connection, opened: Books, hold: Hold, t_ms: int) -> Watch:
    """The watch of the same user, video and price that was open at `t_ms`; a new one after all others closed."""
    key = (hold.user_id, hold.video_id, hold.price_micros_per_minute)
    watch_id = await queries_hold.watch_at(tx, *key, t_ms)
    if watch_id is None:
        known = opened.watches[hold.watch_id]
        terms = {"creator_bps": known.creator_bps, "preview_ms": known.preview_ms}
        watch_id = await queries_hold.add_watch(tx, *key, **terms)
    if watch_id not in opened.watches:
        [opened.watches[watch_id]] = await queries_hold.watches(tx, [watch_id])
    return opened.watches[watch_id]
