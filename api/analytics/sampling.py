"""Sample traffic on its way into the numbers, through the same use cases as the fetch log and billing's outbox.

Nothing here defines a figure. Only for a platform without numbers of its own: nobody was charged for any of this, and
what billing does not know must not stand beside what it does.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from api.analytics import audience, event, queries_position, queries_sample, queries_video, rollup
from api.analytics.arrivals import MINUTE_MS, Arrivals, Key
from api.analytics.event import Event
from api.analytics.memory import Memory
from api.analytics.part import startup_step
from api.analytics.queries_video import Video
from api.analytics.sample import BANDWIDTHS, Crowd, Film, Playback, days_until
from api.analytics.tally import Tally
from api.database import Database

EVENTS_AT_ONCE = 5000
REFUNDED = 90  # one charge of so many
REFUND_AFTER_MS = 3 * 3_600_000


async def is_empty(db: Database) -> bool:
    """Whether this platform has no numbers yet."""
    return await queries_sample.is_empty(db)


async def know(db: Database, films: Sequence[Film]) -> None:
    """Tell of the films, as the videos service would."""
    rows = [
        Video(film.video_id, film.title, film.owner_id, film.duration_ms, True, bandwidths=BANDWIDTHS) for film in films
    ]
    await queries_video.save_videos(db, rows)


async def fill(db: Database, crowd: Crowd, last: date, days: int) -> int:
    """The traffic of `days` days up to and with `last`; gives how many playbacks."""
    playbacks = 0
    for number, day in days_until(last, days):
        today = crowd.day(number, day)
        await deliver(db, today)
        await tell(db, today)
        await charge(db, today)
        playbacks += len(today)
    return playbacks


async def deliver(db: Database, playbacks: Iterable[Playback]) -> None:
    """What the audience would have read."""
    arrivals = Arrivals()
    for playback in playbacks:
        arrivals.sessions[Key(playback.session_id, playback.film.video_id)] = playback.arrived()
    memory = Memory()
    async with db.transaction() as tx:
        await audience.begin(tx, memory)
        await audience.finish(tx, memory, arrivals, ())


async def tell(db: Database, playbacks: Iterable[Playback]) -> None:
    """What players would have told of themselves."""
    tally = Tally()
    for playback in playbacks:
        _tell(tally, playback)
    async with db.transaction() as tx:
        await queries_position.lock_writer(tx)
        await rollup.add(tx, tally)


def _tell(tally: Tally, playback: Playback) -> None:
    video_id, minute = playback.film.video_id, playback.runs[0].at_ms // MINUTE_MS
    tally.owns(playback.film.owner_id, video_id)
    for kind, name in playback.parts.items():
        tally.started(video_id, minute, kind, name, 1)
        tally.part_viewer(video_id, minute, kind, name, playback.user_id)
    tally.started(video_id, minute, "startup", startup_step(playback.startup_ms), 1)
    amounts = {"playbacks": 1, "startups": 1, "startup_ms": playback.startup_ms, "stall_ms": playback.stall_ms}
    for name, amount in (amounts | {"stalls": int(playback.stall_ms > 0)}).items():
        tally.quality(video_id, minute, name, amount)


async def charge(db: Database, playbacks: Iterable[Playback]) -> None:
    """What billing would have told."""
    told = list(events(playbacks))
    for start in range(0, len(told), EVENTS_AT_ONCE):
        await event.track(db, told[start : start + EVENTS_AT_ONCE])


def events(playbacks: Iterable[Playback]) -> Iterator[Event]:
    """A charge when a session ends; a few are refunded."""
    for playback in playbacks:
        if playback.due_micros == 0:
            continue
        charged = Event(
            id=f"sample-{playback.session_id}",
            type="charge",
            session_id=playback.session_id,
            user_id=playback.user_id,
            video_id=playback.film.video_id,
            creator_id=playback.film.owner_id,
            amount_micros=playback.due_micros,
            at_ms=playback.end_ms,
        )
        yield charged
        if int(playback.session_id, 16) % REFUNDED == 0:
            later = {"id": f"{charged.id}-refund", "type": "refund", "at_ms": charged.at_ms + REFUND_AFTER_MS}
            yield charged.model_copy(update=later)
