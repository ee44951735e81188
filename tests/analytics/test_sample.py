"""Sample traffic: the same from the same seed, the same by lines and by minutes, and worth looking at."""

from datetime import date

from api.analytics import sampling
from api.analytics.arrivals import Arrivals, Key
from api.analytics.sample import Crowd, library
from tests.analytics.feed import Stream, audience, lines
from tests.conftest import PlatformMaker

DAY = date(2026, 3, 6)


def crowd(plays: int = 40, users: int = 60) -> Crowd:
    return Crowd(library(12, [1, 2], seed=5), first_user=100, users=users, seed=5, plays=plays)


def test_a_day_is_made_of_its_seed_and_number_alone() -> None:
    assert crowd().day(300, DAY) == crowd().day(300, DAY)
    assert crowd().day(300, DAY) != crowd().day(301, DAY)


def test_minutes_say_what_the_lines_of_the_log_say() -> None:
    for playback in crowd().day(300, DAY):
        read = Arrivals()
        for fetch in playback.fetches():
            read.add(fetch)
        whole = read.sessions[Key(playback.session_id, playback.film.video_id)]
        made = playback.arrived()
        assert (made.user_id, made.first_ms, made.last_ms) == (whole.user_id, whole.first_ms, whole.last_ms)
        assert {minute: joined(spans) for minute, spans in made.slots.items()} == {
            minute: joined(spans) for minute, spans in whole.slots.items()
        }


def joined(spans: list[tuple[int, int]]) -> set[int]:
    """The four-second pieces of intervals."""
    return {piece for start, end in spans for piece in range(start // 4000, -(-end // 4000))}


def test_a_week_has_its_rhythm_and_a_library_its_tail() -> None:
    busy = crowd(3000, 50_000)
    friday, tuesday = busy.day(300, date(2026, 3, 6)), busy.day(297, date(2026, 3, 3))
    assert len(tuesday) < len(friday)
    evening = [p for p in friday if 17 <= p.runs[0].at_ms // 3_600_000 % 24 < 22]
    night = [p for p in friday if p.runs[0].at_ms // 3_600_000 % 24 < 5]
    assert len(evening) > 2 * len(night)
    counts = sorted((sum(p.film.video_id == video for p in friday) for video in range(1, 13)), reverse=True)
    assert sum(counts[:3]) > sum(counts[6:])


async def test_filled_in_bulk_the_numbers_are_those_of_the_log(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    db, films = p.db("analytics"), library(12, [1, 2], seed=5)
    playbacks = crowd().day(300, DAY)
    assert await sampling.is_empty(db)
    await sampling.know(db, films)
    await sampling.deliver(db, playbacks)
    tables = ["rollup", "viewer", "retention", "viewing", "session", "session_minute"]
    bulk = [await db.value(f"select array_agg(t::text order by t::text) from {name} t") for name in tables]
    assert not await sampling.is_empty(db)
    await db.run(f"truncate {', '.join(tables)} cascade")
    fetches = sorted((f for playback in playbacks for f in playback.fetches()), key=lambda fetch: fetch.t_ms)
    await audience(p).apply([Stream().chunk(lines(fetches))])
    assert [await db.value(f"select array_agg(t::text order by t::text) from {name} t") for name in tables] == bulk
