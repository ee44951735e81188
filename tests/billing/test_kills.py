"""The meter is killed between any two of its steps, again and again: every line is billed once, and the books agree.

`pytest tests/billing/test_kills.py --full` kills it at 240 places, a dozen of them within the suite.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from api.billing import queries_log
from tests import servers
from tests.billing import killed
from tests.billing.model import Line, Model
from tests.billing.scenes import NOW_MS, OTHER, VIEWER, Scene, check_books, fetched
from tests.conftest import PlatformMaker
from workers.follow import ORIGIN, STREAMS, Position

DAY_MS = 86_400_000
PRICE, RICH, POOR = 60, 100_000, 100  # minor units: a minute, and in two wallets
FILM_S = 3600
SESSIONS = {"tv": (VIEWER, 1), "phone": (VIEWER, 1), "tablet": (VIEWER, 2), "other": (OTHER, 1)}
NEVER = 10**12
KINDS: list[tuple[str, ...]] = [killed.OURS, killed.SQL]
LOOK_S, LOOKS = 0.04, 4


class Viewing:
    """Four sessions of two viewers, of whom one runs dry now and then. Their lines as an nginx writes them.

    It serves those who are `playing`: whose money is gone is refused by the next batch.
    """

    def __init__(self, seed: int) -> None:
        self.chance, self.clock = random.Random(seed), NOW_MS - 7_200_000
        self.at = dict.fromkeys(SESSIONS, 0)
        self.told: list[tuple[Line | None, bytes]] = []
        self.playing = sorted(SESSIONS)

    def lines(self) -> Iterator[tuple[Line | None, bytes]]:
        """About twenty fetches: forward, sometimes elsewhere, cut off, told twice, late, or no fetch at all."""
        for _ in range(20):
            dice, name = self.chance.random(), self.chance.choice(self.playing)
            if dice < 0.1 and self.told:
                yield self.chance.choice(self.told)
                continue
            if dice < 0.15:
                late = self._text(name, 0, 1000, t_ms=NOW_MS - 2 * DAY_MS)
                yield None, self.chance.choice([b'{"v":1,', b"\xff", late])
                continue
            step = self.chance.randrange(FILM_S // 4) if dice < 0.2 else 1
            self.at[name] = (self.at[name] + step) % (FILM_S // 4)
            sent, start = self.chance.choice([1000, 1000, 1000, 750, 499]), 4 * self.at[name]
            length = {1000: 4, 750: 3, 499: 0}[sent]
            self.clock += 500
            line = Line(name, self.clock, start, start + length) if length else None
            yield line, self._text(name, start, sent, t_ms=self.clock)

    def _text(self, name: str, start: int, sent: int, t_ms: int) -> bytes:
        user, video = SESSIONS[name]
        return fetched(name, 1000 * start, t_ms=t_ms, user_id=user, video=video, bytes=sent)


class Killed:
    """A stream that grows, meters that die on it, and what the lines that took effect must have cost."""

    def __init__(self, scene: Scene, redis: Redis, values: dict[str, str]) -> None:
        self.scene, self.redis, self.values = scene, redis, values
        self.viewing, self.model = Viewing(5), Model()
        self.ends: list[tuple[int, Line | None]] = []  # behind which byte a line has taken effect
        self.size = self.billed = 0
        self.places: Counter[str] = Counter()
        self.uncollected = self.most_uncollected = 0

    async def begin(self) -> None:
        await self.scene.deposit(VIEWER, RICH)
        await self.scene.deposit(OTHER, POOR)
        await self.redis.sadd(STREAMS, ORIGIN)
        for name, (user, video) in SESSIONS.items():
            terms = {"user_id": user, "video_id": video, "price_per_minute": PRICE, "duration_ms": 1000 * FILM_S}
            await self.scene.start(name, **terms)
            self.model.start(name, (user, video, 10_000 * PRICE), 1000 * FILM_S, NOW_MS)

    async def write(self) -> None:
        """One more chunk, as the shipper sends it."""
        start, payload = self.size, b""
        for line, text in self.viewing.lines():
            payload += text + b"\n"
            self.ends.append((start + len(payload), line))
            self.viewing.told.append((line, text))
        self.size += len(payload)
        await self.redis.xadd(ORIGIN, {"start": str(start), "lines": payload}, id=f"1-{self.size}")

    async def place(self) -> int:
        return (await self.scene.meter.positions()).get(ORIGIN, Position(1, 0)).offset

    async def run(self, files: tuple[str, ...], point: int) -> int:
        """A meter, until it dies at `point`, or is killed when it has nothing left to do; the steps it made."""
        doomed = killed.start(self.values, files, point)
        after = 0  # looks at it since it has read everything
        while doomed.process.is_alive() and after < LOOKS:
            after += await self.place() == self.size
            await asyncio.to_thread(doomed.process.join, LOOK_S)
        doomed.process.kill()
        await asyncio.to_thread(doomed.process.join)
        where = doomed.place.value.decode() or "idle"
        self.places[where] += 1
        return int(doomed.steps.value)

    async def check(self) -> None:
        """What has taken effect is a beginning of the log, all of it, once."""
        async with self.scene.db.transaction() as tx:
            await queries_log.lock_log(tx)  # a dead meter's commit may still be under way
        reached = await self.place()
        fresh = [line for end, line in self.ends[self.billed :] if end <= reached]
        assert reached == (self.ends[self.billed + len(fresh) - 1][0] if self.billed + len(fresh) else 0)
        self.billed += len(fresh)
        self.model.bill([line for line in fresh if line is not None])
        found = await self.scene.db.value(CHARGED)
        assert {(u, v, p): c for u, v, p, c, _ in found} == self.model.due()
        missing = sum(each for *_, each in found)
        self.most_uncollected = max(self.most_uncollected, missing - self.uncollected)
        # Whoever's money is gone is refused from the next batch on.
        assert missing - self.uncollected <= len(fresh) * 4 * PRICE * 10_000 // 60
        self.uncollected = missing
        await check_books(self.scene.db)
        spent = await self.scene.db.value("select array(select session_id from hold where state = 'spent')")
        self.viewing.playing = sorted(SESSIONS.keys() - spent)
        if spent and self.places.total() % 3 == 0:
            await self.scene.deposit(OTHER, POOR)


CHARGED = """
    select json_agg(json_build_array(user_id, video_id, price_micros_per_minute, charged_micros + uncollected_micros,
        uncollected_micros)) from watch
"""


@pytest.mark.timeout(3600)
async def test_a_meter_killed_anywhere_bills_every_line_once(
    platform: PlatformMaker, postgres: servers.Server, full: bool
) -> None:
    scene, chance = Scene(await platform("billing")), random.Random(None if full else 11)
    name = await scene.db.value("select current_database()")
    url = f"postgresql://postgres:{postgres.password}@127.0.0.1:{postgres.port}/{name}"
    values = {**scene.p.settings.values, "DATABASE_URL": url}
    async with Redis.from_url(values["REDIS_URL"], protocol=2) as redis:
        story = Killed(scene, redis, values)
        await story.begin()
        most: dict[tuple[str, ...], int] = {}
        for files in KINDS:
            await story.write()
            most[files] = await story.run(files, NEVER)
            await story.check()
        for _ in range(240 if full else 12):
            await story.write()
            files = chance.choice(KINDS)
            await story.run(files, chance.randrange(1, most[files]))
            await story.check()
        await story.run(killed.OURS, NEVER)
        await story.check()
    assert story.billed == len(story.ends)
    died = story.places.total() - story.places["idle"]
    print(f"{story.places.total()} kills, {died} of them within a batch")
    print(f"largest uncollected at a time: {story.most_uncollected} micros; in all: {story.uncollected}")
    print("\n".join(f"{count:4} {where}" for where, count in story.places.most_common()))
    assert died >= (150 if full else 6)
    assert story.uncollected > 0
