"""How playbacks went, as their players told: asked of streaming once they ended. It is never used for charging.

Everything a player says is its viewer's word: numbers beyond reason are cut, and one viewer is one playback of many.
"""

from collections.abc import Sequence
from dataclasses import replace

from api.analytics import queries_playback, queries_position, queries_video, rollup
from api.analytics.part import STARTUP_STEPS_MS, startup_step
from api.analytics.queries_playback import Playback
from api.analytics.queries_video import Video
from api.analytics.tally import Tally
from api.analytics.times import to_minute
from api.clients import Clients, Told
from api.database import Connection, Database

AT_ONCE = 500
LONGEST_MS = 24 * 3_600_000
MOST = 1_000_000


async def hear(db: Database, clients: Clients) -> int:
    """Take in the next ended playbacks; gives how many. Raises what `clients` raises."""
    async with db.transaction() as tx:
        reached = await queries_playback.lock_through(tx)
        told = await clients.streaming_told(reached.through, reached.session_id, AT_ONCE)
        if told:
            await _take_in(tx, [_playback(one) for one in told])
            await queries_playback.save_through(tx, told[-1].changed_at, told[-1].session_id)
    return len(told)


def _playback(told: Told) -> Playback:
    startup_ms = None if told.startup_ms is None else min(told.startup_ms, STARTUP_STEPS_MS[-1])
    numbers = min(told.stalls, MOST), min(told.stall_ms, LONGEST_MS), min(told.dropped_frames, MOST)
    return Playback(told.session_id, told.video_id, told.user_id, told.started_at, startup_ms, *numbers)


async def settle(db: Database) -> int:
    """Count playbacks whose video became known after they were heard of; gives how many."""
    async with db.transaction() as tx:
        waiting = await queries_playback.uncounted(tx, AT_ONCE)
        if waiting:
            await _take_in(tx, waiting)
    return len(waiting)


async def _take_in(tx: Connection, new: Sequence[Playback]) -> None:
    """Replace what was known of each, in the numbers too."""
    await queries_position.lock_writer(tx)
    video_ids = {one.video_id for one in new}
    await queries_video.expect_videos(tx, video_ids)
    videos = await queries_video.videos(tx, video_ids)
    before = {one.session_id: one for one in await queries_playback.playbacks(tx, [one.session_id for one in new])}
    tally, changed = Tally(), []
    for one in {one.session_id: one for one in new}.values():
        video, was = videos[one.video_id], before.get(one.session_id)
        if was is not None and was.counted:
            _count(tally, video, was, -1)
        if video.known:
            _count(tally, video, one, 1)
        # Who it was stays what was heard first: an erased user has become a number below zero.
        changed.append(replace(one, counted=video.known, user_id=was.user_id if was else one.user_id))
    await queries_playback.save_playbacks(tx, changed)
    await rollup.add(tx, tally)


def _count(tally: Tally, video: Video, one: Playback, sign: int) -> None:
    """Add or take back a playback; owners' own are none."""
    if one.user_id == video.owner_id:
        return
    minute = to_minute(one.started_at)
    tally.owns(video.owner_id, video.video_id)
    amounts = {
        "playbacks": 1,
        "startups": one.startup_ms is not None,
        "startup_ms": one.startup_ms or 0,
        "start_failures": one.startup_ms is None,
        "stalls": one.stalls,
        "stall_ms": one.stall_ms,
        "dropped_frames": one.dropped_frames,
    }
    for name, amount in amounts.items():
        tally.quality(video.video_id, minute, name, sign * amount)
    if one.startup_ms is not None:
        tally.started(video.video_id, minute, "startup", startup_step(one.startup_ms), sign)
