"""The audience's use cases: take in what the fetch log says, count sessions once their video is known.

`workers/audience.py` calls `begin` and `finish` in one transaction: what lines change commits with the position
behind them, so lines read twice are as if read once.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from api.analytics import incident, queries_position, queries_session, queries_video, queries_viewing, rollup
from api.analytics.arrivals import Arrivals, Arrived, Key
from api.analytics.memory import Memory
from api.analytics.queries_position import Read
from api.analytics.queries_viewing import Slot as ViewSlot
from api.analytics.session import Facts, Session, Slots, advance, count, judged
from api.analytics.tally import Tally
from api.analytics.times import from_ms, to_minute
from api.database import Connection, Database

COUNT_AT_ONCE = 500
HOUR_MS = 3_600_000


class Unlearned(RuntimeError):
    """Whether sound alone counts is up to videos nobody has asked about yet."""

    def __init__(self, video_ids: Collection[int]) -> None:
        super().__init__(f"nothing is known of the videos {sorted(video_ids)}")
        self.video_ids = video_ids


@dataclass(frozen=True)
class Begun:
    """Where every stream was left, and the minute from which on detail is kept."""

    reads: dict[str, Read]
    kept_from: int


async def begin(tx: Connection, memory: Memory) -> Begun:
    """Become the only writer of sessions until the transaction ends; gives where every stream was left."""
    await queries_position.lock_writer(tx)
    reads = {read.stream: read for read in await queries_position.positions(tx)}
    state = await queries_position.state(tx)
    memory.check((reads, state))
    return Begun(reads, state.kept_from)


async def finish(tx: Connection, memory: Memory, arrivals: Arrivals, reads: Iterable[Read]) -> None:
    """Write what newly read lines mean, and where they ended. Raises Unlearned."""
    tally = Tally()
    await _take_in(tx, memory, tally, arrivals)
    await incident.add(tx, tally, "error", arrivals.errors)
    await rollup.add(tx, tally)
    if arrivals.rejected:
        await queries_position.add_rejected(tx, arrivals.rejected)
    for read in reads:
        await queries_position.save_position(tx, read)


async def _take_in(tx: Connection, memory: Memory, tally: Tally, arrivals: Arrivals) -> None:
    """Advance the sessions that were delivered something."""
    arrived = dict(arrivals.sessions)
    sound = {key: new for key, new in arrivals.sound.items() if key not in arrived}
    video_ids = {key.video_id for key in (*arrived, *sound)}
    if not video_ids:
        return
    known = await _known(tx, memory, video_ids)
    if unknown := {key.video_id for key in sound} - known.keys():
        raise Unlearned(unknown)
    arrived |= {key: new for key, new in sound.items() if known[key.video_id].audio_only}
    await queries_video.expect_videos(tx, {key.video_id for key in arrived} - known.keys())
    before = await _before(tx, memory, known, arrived)
    after = {key: advance(*before[key], new) for key, new in arrived.items()}
    await _store(tx, tally, known, before, after)
    memory.keep(after, {key: min(new.slots).minute for key, new in arrived.items()})


async def _known(tx: Connection, memory: Memory, video_ids: Collection[int]) -> Mapping[int, Facts]:
    """Facts of those of the videos that were told of; they never change."""
    if missing := [video_id for video_id in video_ids if video_id not in memory.facts]:
        memory.facts |= await _facts(tx, missing)
    return memory.facts


async def _before(
    tx: Connection, memory: Memory, known: Mapping[int, Facts], arrived: Mapping[Key, Arrived]
) -> dict[Key, tuple[Session, Slots]]:
    """The sessions as they stand, with their slots from the earliest arrived minute on."""
    found = memory.recall({key: min(new.slots).minute for key, new in arrived.items()})
    missing = [key for key in arrived if key not in found]
    if not missing:
        return found
    before = {session.key: session for session in await queries_session.sessions(tx, missing)}
    # A session that is counted only now brings all its minutes; otherwise those from the earliest change on will do.
    since = {
        key: min(arrived[key].slots).minute if session.counted or key.video_id not in known else 0
        for key, session in before.items()
    }
    slots = await queries_session.slots(tx, since)
    for key in missing:
        new = arrived[key]
        session = before.get(key) or Session(key, new.user_id, new.first_ms, new.last_ms)
        found[key] = session, slots.get(key, {})
    return found


async def settle(db: Database, memory: Memory) -> int:
    """Count sessions whose video became known after they were read; gives how many, 0 when none is left."""
    async with db.transaction() as tx:
        await queries_position.lock_writer(tx)
        waiting = {session.key: session for session in await queries_session.uncounted(tx, COUNT_AT_ONCE)}
        if waiting:
            memory.forget(waiting)
            known = await _facts(tx, {key.video_id for key in waiting})
            slots = await queries_session.slots(tx, dict.fromkeys(waiting, 0))
            same = {key: (session, slots[key]) for key, session in waiting.items()}
            tally = Tally()
            await _store(tx, tally, known, same, same)
            await rollup.add(tx, tally)
    return len(waiting)


async def _facts(tx: Connection, video_ids: Collection[int]) -> dict[int, Facts]:
    found = await queries_video.videos(tx, video_ids)
    return {
        video.video_id: Facts(
            video.owner_id,
            video.duration_ms,
            video.audio_only,
            {name: bandwidth // 1000 for name, bandwidth in video.bandwidths.items()},
        )
        for video in found.values()
        if video.known
    }


async def _store(
    tx: Connection,
    tally: Tally,
    known: Mapping[int, Facts],
    before: Mapping[Key, tuple[Session, Slots]],
    after: dict[Key, tuple[Session, Slots]],
) -> None:
    """Write changed sessions, and what the change means for views and rollups. Puts the verdicts into `after`."""
    views: set[ViewSlot] = set()
    changed: list[Session] = []
    for key, (session, slots) in list(after.items()):
        facts, was = known.get(key.video_id), before[key]
        now = judged(session, facts)
        after[key] = now, slots
        changed.append(now)
        views |= _view_slots(was[0], now)
        if facts is not None:
            count(tally, facts, was, (now, slots))
    await queries_session.save_sessions(tx, changed)
    await queries_session.save_slots(
        tx,
        [
            (key, slot, spans)
            for key, (_, slots) in after.items()
            for slot, spans in slots.items()
            if before[key][1].get(slot) != spans
        ],
    )
    await _recount_views(tx, tally, sorted(views))


def _view_slots(before: Session, after: Session) -> set[ViewSlot]:
    """The hours whose view may have changed with a session."""
    if not (before.qualified or after.qualified) or (
        (before.qualified, before.completed, before.first_ms) == (after.qualified, after.completed, after.first_ms)
    ):
        return set()
    hours = {session.first_ms // HOUR_MS * HOUR_MS for session in (before, after)}
    return {(after.key.video_id, after.user_id, from_ms(hour_ms)) for hour_ms in hours}


async def _recount_views(tx: Connection, tally: Tally, slots: Collection[ViewSlot]) -> None:
    if not slots:
        return
    for sign, viewings in (
        (-1, await queries_viewing.drop_viewings(tx, slots)),
        (1, await queries_viewing.make_viewings(tx, slots)),
    ):
        for viewing in viewings:
            minute = to_minute(viewing.at)
            tally.add(viewing.video_id, minute, "views", sign)
            tally.add(viewing.video_id, minute, "completions", sign * viewing.completed)
