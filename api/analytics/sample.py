"""Plausible traffic from a seed: who watches which film when, for how long, and from where. Pure.

For demos and benches. A day of it is the same whatever other days are asked for. A playback is what the fetch log
would say of it: `fetches` one segment at a time, `arrived` the same by minute; `tests/analytics` holds them together.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from api.analytics.arrivals import MINUTE_MS, Arrived, slot_of
from api.analytics.spans import length, union
from api.analytics.times import to_ms
from media.fetch import Fetch

SEGMENT_MS = 4000
AHEAD = 7  # segments fetched at once; then each when there is room for it
AT_ONCE_MS = 150  # between two of those

# Share of viewers, hours ahead of UTC.
COUNTRIES = {
    "DE": (22, 1), "US": (19, -6), "GB": (11, 0), "FR": (9, 1), "IN": (8, 5), "BR": (7, -3), "NL": (6, 1),
    "JP": (5, 9), "PL": (5, 1), "SE": (4, 1), "AU": (3, 10), "ZA": (1, 2),
}  # fmt: skip
DEVICES = {"mobile": 46, "desktop": 37, "tv": 12, "tablet": 5}
RUNGS = {"mobile": "360p", "desktop": "720p", "tv": "1080p", "tablet": "540p"}
SYSTEMS = {
    "mobile": {"Android": 60, "iOS": 40},
    "tablet": {"iOS": 70, "Android": 30},
    "desktop": {"Windows": 66, "macOS": 24, "Linux": 10},
    "tv": {"other": 100},
}
BROWSERS = {"Chrome": 61, "Safari": 17, "Firefox": 12, "Edge": 10}
BANDWIDTHS = {"360p": 900_000, "540p": 1_700_000, "720p": 2_900_000, "1080p": 5_200_000}
BY_HOUR = (2, 1, 1, 1, 1, 1, 2, 3, 4, 4, 4, 5, 6, 6, 5, 5, 6, 8, 11, 14, 16, 15, 10, 5)
BY_WEEKDAY = (0.9, 0.87, 0.91, 0.95, 1.08, 1.3, 1.24)

FIRST = "Quiet Northern Paper Glass Second Hidden Last Copper Winter Slow Electric Borrowed Salt Blue Broken Open"
LATER = "Harbour Orchard Signal River Letters Garden Machine Summer Atlas Kitchen Engine Island Choir Lantern Tide Map"


@dataclass(frozen=True, slots=True)
class Film:
    """`weight`: how much it is asked for; `since`: days from the first on. `hook` of those who begin leave in the first
    tenth, `hold` of the others see the end; `loved` is the place people go back to, a share of the film."""

    video_id: int
    owner_id: int
    title: str
    duration_ms: int
    price_micros_per_minute: int
    weight: float
    since: int
    hook: float
    hold: float
    loved: float


@dataclass(frozen=True, slots=True)
class Run:
    """Segments one after another, the first asked for at `at_ms`."""

    first: int
    count: int
    at_ms: int

    def fetched_ms(self, number: int) -> int:
        """When the n-th of its segments was delivered."""
        return self.at_ms + min(number, AHEAD) * AT_ONCE_MS + max(0, number - AHEAD) * SEGMENT_MS


@dataclass(frozen=True, slots=True)
class Playback:
    """One session."""

    session_id: str
    user_id: int
    film: Film
    runs: tuple[Run, ...]
    country: str
    device: str
    startup_ms: int
    stall_ms: int

    @property
    def parts(self) -> dict[str, str]:
        """Where and on what, by the kinds of a breakdown."""
        system = _of(SYSTEMS[self.device], self.user_id * 31)
        browser = "Safari" if system == "iOS" else _of(BROWSERS, self.user_id * 17)
        return {"device": self.device, "country": self.country, "system": system, "browser": browser}

    @property
    def seen_ms(self) -> int:
        return length(union(self.span(run.first, run.count) for run in self.runs))

    @property
    def due_micros(self) -> int:
        return self.seen_ms * self.film.price_micros_per_minute // MINUTE_MS

    @property
    def end_ms(self) -> int:
        return max(run.fetched_ms(run.count - 1) for run in self.runs)

    def fetches(self) -> Iterator[Fetch]:
        """The lines of the fetch log."""
        for run in self.runs:
            for number in range(run.count):
                rendition = "360p" if number < AHEAD // 2 else RUNGS[self.device]
                yield _fetch(self, run.first + number, run.fetched_ms(number), rendition)

    def arrived(self) -> Arrived:
        """What reading those lines gives."""
        found = Arrived(self.user_id, self.runs[0].at_ms, self.end_ms)
        for run in self.runs:
            number = 0
            while number < run.count:
                minute = run.fetched_ms(number) // MINUTE_MS
                count = _within(run, number, (minute + 1) * MINUTE_MS) - number
                for some, rendition in self._rungs(number, count):
                    found.slots.setdefault(slot_of(minute, rendition), []).append(self.span(run.first + number, some))
                    number += some
        return found

    def _rungs(self, number: int, count: int) -> Iterator[tuple[int, str]]:
        """How many of some segments come in which rendition: the first are small."""
        small = max(0, min(count, AHEAD // 2 - number))
        if small:
            yield small, "360p"
        if count > small:
            yield count - small, RUNGS[self.device]

    def span(self, first: int, count: int) -> tuple[int, int]:
        return first * SEGMENT_MS, min((first + count) * SEGMENT_MS, self.film.duration_ms)


def _within(run: Run, number: int, end_ms: int) -> int:
    """The first segment after `number` that is delivered at `end_ms` or later, or the run's end."""
    while number < min(run.count, AHEAD + 1) and run.fetched_ms(number) < end_ms:
        number += 1
    if number <= AHEAD:
        return number
    return min(run.count, number + max(0, -(-(end_ms - run.fetched_ms(number)) // SEGMENT_MS)))


def _fetch(playback: Playback, index: int, at_ms: int, rendition: str) -> Fetch:
    start_ms, end_ms = playback.span(index, 1)
    size = (end_ms - start_ms) * 100
    return Fetch(
        1, "origin", at_ms, f"{playback.session_id[:20]}{index:012x}", playback.session_id, playback.user_id,
        playback.film.video_id, 1, rendition, index, start_ms, end_ms, "GET", 200, size, size, True, 40, "HIT", "",
    )  # fmt: skip


def library(count: int, creators: Sequence[int], seed: int, days: int = 365) -> list[Film]:
    """Films with ids from 1: a few that everybody knows and a long tail; two fifths appear during the `days`."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    ranks = chance.sample(range(count), count)
    return [_film(number, rank, creators, chance, days) for number, rank in enumerate(ranks, 1)]


def _film(number: int, rank: int, creators: Sequence[int], chance: random.Random, days: int) -> Film:
    words = f"{chance.choice(FIRST.split())} {chance.choice(LATER.split())}"
    minutes = min(150.0, max(2.0, chance.lognormvariate(2.6, 0.9)))
    return Film(
        number,
        creators[int(len(creators) * chance.random() ** 2)],
        words if chance.random() < 0.6 else f"{words}, part {chance.randint(2, 9)}",
        round(minutes * 60_000),
        0 if chance.random() < 0.15 else 10_000 * chance.randint(1, 9),
        1 / (rank + 2) ** 0.9,
        chance.randrange(days) if chance.random() < 0.4 else -1,
        chance.uniform(0.12, 0.45),
        chance.uniform(0.25, 0.75),
        chance.uniform(0.15, 0.85),
    )


class Crowd:
    """`users` viewers, numbered from `first_user`, of a library; about `plays` playbacks on a usual day."""

    def __init__(self, films: Sequence[Film], first_user: int, users: int, seed: int, plays: int) -> None:
        self._films, self._first, self._users = films, first_user, users
        self._seed, self._plays = seed, plays

    def day(self, number: int, day: date) -> list[Playback]:
        """The playbacks that begin on the n-th day (UTC), each at most once per user and film."""
        chance = random.Random(f"{self._seed}/{number}")  # noqa: S311 - no secret
        season = 1 + 0.18 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 15) / 365)
        growth = 0.6 + 0.8 * min(number, 730) / 365
        count = self._plays * season * growth * BY_WEEKDAY[day.weekday()] * chance.gauss(1, 0.05)
        weights = list(accumulate(film.weight * _fresh(number - film.since) for film in self._films))
        midnight = to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))
        found: dict[tuple[int, int], Playback] = {}
        for film in chance.choices(self._films, cum_weights=weights, k=max(1, round(count))):
            # The square makes regulars of some and guests of most.
            user = self._first + int(self._users * chance.random() ** 2)
            if user != film.owner_id and (user, film.video_id) not in found:
                found[user, film.video_id] = self._playback(film, user, midnight, chance)
        return sorted(found.values(), key=lambda playback: (playback.runs[0].at_ms, playback.session_id))

    def _playback(self, film: Film, user: int, midnight: int, chance: random.Random) -> Playback:
        country = _of({name: share for name, (share, _) in COUNTRIES.items()}, user * 7919 + self._seed)
        device = _of(DEVICES, user * 104_729 + self._seed)
        hour = (chance.choices(range(24), BY_HOUR)[0] - COUNTRIES[country][1]) % 24
        at_ms = midnight + hour * 3_600_000 + chance.randrange(3_600_000)
        session_id = f"{chance.getrandbits(128):032x}"
        startup_ms = round(chance.lognormvariate(6.3, 0.6) * (1.5 if device == "mobile" else 1))
        stall_ms = round(chance.expovariate(1 / 1800)) if chance.random() < 0.06 else 0
        return Playback(session_id, user, film, _runs(film, at_ms, chance), country, device, startup_ms, stall_ms)


def _fresh(age: int) -> float:
    """Nobody sees a film before it is there; most do in its first weeks."""
    return 0.0 if age < 0 else 1 + 6 * math.exp(-age / 12)


def _of(shares: dict[str, int], number: int) -> str:
    """The same for the same number, and in the end by the shares."""
    at = number % sum(shares.values())
    for name, share in shares.items():
        at -= share
        if at < 0:
            return name
    raise ValueError(f"no share for {number}")


def _runs(film: Film, at_ms: int, chance: random.Random) -> tuple[Run, ...]:
    """From the beginning or from where one stopped, to where one leaves; some go back to the place they loved."""
    last = -(-film.duration_ms // SEGMENT_MS)
    first = int(last * chance.uniform(0.1, 0.6)) if chance.random() < 0.1 else 0
    end = max(first + 1, math.ceil(last * _leaves(film, chance)))
    runs = [Run(first, end - first, at_ms)]
    if chance.random() < 0.12:
        back = min(last - 1, int(last * film.loved))
        runs.append(Run(back, min(last - back, 15), runs[0].fetched_ms(runs[0].count - 1) + 20_000))
    return tuple(runs)


def _leaves(film: Film, chance: random.Random) -> float:
    """The share of the film at which somebody stops."""
    if chance.random() < film.hook:
        return 0.1 * chance.random() ** 1.5
    if chance.random() < film.hold:
        return chance.uniform(0.92, 1.0)
    return chance.uniform(0.1, 0.92)


def days_until(last: date, count: int) -> Iterator[tuple[int, date]]:
    """The last `count` days up to and with `last`, numbered from 0."""
    return ((number, last - timedelta(days=count - 1 - number)) for number in range(count))
