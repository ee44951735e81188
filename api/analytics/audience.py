"""The audience's use cases: take in what the fetch log says, count sessions once their video is known.

`workers/audience.py` calls `begin` and `finish` in one transaction: what lines change commits with the position
behind them, so lines read twice are as if read once.
"""

from collections.abc import Collection, Iterable, Mapping

from api.analytics import queries_position, queries_session, queries_video, queries_viewing, rollup
from api.analytics.arrivals import Arrivals, Arrived, Key
from api.analytics.queries_position import Read
from api.analytics.queries_viewing import Slot
from api.analytics.session import Facts, Minutes, Session, advance, count, judged
from api.analytics.tally import Tally
from api.analytics.times import from_ms, to_minute
from api.database import Connection, Database

COUNT_AT_ONCE = 500
HOUR_MS = 3_600_000


async def begin(tx: Connection) -> dict[str, Read]:
    """Become the only writer of sessions until the transaction ends; gives where every stream was left."""
    await queries_position.lock_writer(tx)
    return {read.stream: read for read in await queries_position.positions(tx)}


async def finish(tx: Connection, arrivals: Arrivals, reads: Iterable[Read]) -> None:
    """Write what newly read lines mean, and where they ended."""
    await _take_in(tx, arrivals.sessions)
    if arrivals.rejected:
        await queries_position.add_rejected(tx, arrivals.rejected)
    for read in reads:
        await queries_position.save_position(tx, read)


async def _take_in(tx: Connection, arrived: Mapping[Key, Arrived]) -> None:
    """Advance the sessions that were delivered something."""
    if not arrived:
        return
    await queries_video.expect_videos(tx, {key.video_id for key in arrived})
    known = await _facts(tx, {key.video_id for key in arrived})
    before = {session.key: session for session in await queries_session.sessions(tx, arrived.keys())}
    for key, new in arrived.items():
        before.setdefault(key, Session(key, new.user_id, new.first_ms, new.last_ms))
    # A session that is counted only now brings all its minutes; otherwise those from the earliest change on will do.
    since = {
        key: min(new.minutes) if before[key].counted or key.video_id not in known else 0 for key, new in arrived.items()
    }
    minutes = await queries_session.minutes(tx, since)
    after = {key: advance(before[key], minutes[key], new) for key, new in arrived.items()}
    await _store(tx, known, {key: (before[key], minutes[key]) for key in arrived}, after)


async def settle(db: Database) -> int:
    """Count sessions whose video became known after they were read; gives how many, 0 when none is left."""
    async with db.transaction() as tx:
        await queries_position.lock_writer(tx)
        waiting = {session.key: session for session in await queries_session.uncounted(tx, COUNT_AT_ONCE)}
        if waiting:
            known = await _facts(tx, {key.video_id for key in waiting})
            minutes = await queries_session.minutes(tx, dict.fromkeys(waiting, 0))
            same = {key: (session, minutes[key]) for key, session in waiting.items()}
            await _store(tx, known, same, same)
    return len(waiting)


async def _facts(tx: Connection, video_ids: Collection[int]) -> dict[int, Facts]:
    found = await queries_video.videos(tx, video_ids)
    return {video.video_id: Facts(video.owner_id, video.duration_ms) for video in found.values() if video.known}


async def _store(
    tx: Connection,
    known: Mapping[int, Facts],
    before: Mapping[Key, tuple[Session, Minutes]],
    after: Mapping[Key, tuple[Session, Minutes]],
) -> None:
    """Write changed sessions, and what the change means for views and rollups."""
    tally = Tally()
    slots: set[Slot] = set()
    changed: list[Session] = []
    for key, (session, minutes) in after.items():
        facts = known.get(key.video_id)
        changed.append(judged(session, facts))
        slots |= _slots(before[key][0], changed[-1])
        if facts is not None:
            count(tally, facts, before[key], (changed[-1], minutes))
    await queries_session.save_sessions(tx, changed)
    await queries_session.save_minutes(
        tx,
        [
            (key, minute, spans)
            for key, (_, minutes) in after.items()
            for minute, spans in minutes.items()
            if before[key][1].get(minute) != spans
        ],
    )
    await _recount_views(tx, tally, sorted(slots))
    await rollup.add(tx, tally)


def _slots(before: Session, after: Session) -> set[Slot]:
    """The hours whose view may have changed with a session."""
    was, now = ((s.qualified, s.completed, s.first_ms) for s in (before, after))
    if was == now or not (before.qualified or after.qualified):
        return set()
    hours = {session.first_ms // HOUR_MS * HOUR_MS for session in (before, after)}
    return {(after.key.video_id, after.user_id, from_ms(hour_ms)) for hour_ms in hours}


async def _recount_views(tx: Connection, tally: Tally, slots: Collection[Slot]) -> None:
    if not slots:
        return
    for sign, viewings in (
        (-1, await queries_viewing.drop_viewings(tx, slots)),
        (1, await queries_viewing.make_viewings(tx, slots)),
    ):
        for viewing in viewings:
            tally.add(viewing.video_id, to_minute(viewing.at), views=sign, completions=sign * viewing.completed)
