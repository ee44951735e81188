"""Whatever people do, in whatever order: after every step the books agree, and cost what `model.py` counts.

Hypothesis tells the story and shortens the one that fails. `pytest tests/billing/test_machine.py --full` tells many
more and longer ones, others each time.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from random import Random
from typing import Any, ClassVar, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.billing.model import DAY_MS, Line, Model
from tests.billing.scenes import CREATOR, NOW_MS, OTHER, VIEWER, Scene, check_books, fetched, ledger
from tests.conftest import PlatformMaker
from workers.follow import Chunk

HOUR_MS = 3_600_000
BEGUN_MS = NOW_MS - DAY_MS + HOUR_MS  # no line from then on is late, and the next day of a watch comes within two hours
OPERATOR, BPS = 1, 8000
SEGMENT, FILM = 4, 160  # seconds
SEGMENTS = FILM // SEGMENT
PRICES = (6, 7, 90)  # minor units a minute; the last one empties a wallet
BODIES = {1000: 4, 750: 3, 500: 2, 499: 0}  # of a segment's 1,000 bytes, and the seconds they deliver
users, videos = st.sampled_from([VIEWER, VIEWER, OTHER]), st.integers(1, 3)
places = st.integers(0, SEGMENTS - 1)
days = st.sampled_from([0, 0, 0, DAY_MS])
chances = st.randoms(use_true_random=False)
sessions: Bundle[str] = Bundle("sessions")


class Told(NamedTuple):
    """A line of the log, and what it says."""

    line: Line
    text: bytes


class Money(RuleBasedStateMachine):
    """Viewers, a creator and an operator before one billing service, a real meter and a real PostgreSQL."""

    scene: ClassVar[Scene]
    loop: ClassVar[asyncio.AbstractEventLoop]
    most_uncollected: ClassVar[int] = 0
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        Money.scene = Scene(Money.scene.p)
        self.at: dict[str, int] = {}
        self.prices = dict.fromkeys((1, 2, 3), PRICES[0])
        self.clock, self.count = BEGUN_MS, 0
        self.chunks: list[Chunk] = []
        self.told: list[Told] = []
        self.late = 0
        self.later = False
        self.money_in: dict[int, int] = {VIEWER: 0, OTHER: 0}
        self.repeats: list[tuple[str, object, str, int, str]] = []
        self.payouts: list[int] = []
        self.run(empty(self.scene))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def post(self, path: str, body: object, *, user: int = OPERATOR) -> Any:
        """A request under a key of its own, to be repeated later."""
        self.count += 1
        key, role = f"key-{self.count}", "operator" if user == OPERATOR else "user"
        answer = self.run(self.scene.money(path, body, key, user=user, role=role))
        if answer.status_code == 201:
            self.repeats.append((path, body, key, user, answer.text))
        return answer

    def segments(self, name: str, wanted: list[tuple[int, int]], *, rung: str = "360p", day: int = 0) -> list[Told]:
        """Lines of one session: numbers of segments, and how many of their bytes were sent."""
        user, video, _ = self.model.sessions[name].film
        told = []
        for index, size in wanted:
            self.clock += 900
            start = index * SEGMENT
            said = {"t_ms": self.clock + day, "user_id": user, "video": video, "rendition": rung, "bytes": size}
            line = Line(name, self.clock + day, start, start + BODIES[size])
            told.append(Told(line, fetched(name, 1000 * start, 1000 * (start + SEGMENT), **said)))
        self.at[name] = wanted[-1][0]
        return told

    def fetch(self, name: str, told: list[Told]) -> None:
        """A batch of one session: what its hold and the free balance cover is paid, the rest is uncollected."""
        film = self.model.sessions[name].film
        before, due = self.run(standing(self.scene, name)), self.model.due()[film]
        self.tell(told)
        owed = self.model.due()[film] - due
        if owed > 0:
            missing = self.run(standing(self.scene, name))["uncollected"] - before["uncollected"]
            assert missing == max(0, owed - before["payable"])

    def tell(self, told: list[Told]) -> None:
        """The meter reads a batch."""
        chunk = self.scene.chunk([each.text for each in told])
        self.run(self.scene.meter.apply([chunk]))
        self.model.bill([each.line for each in told if each.line.end > each.line.start])
        self.chunks.append(chunk)
        self.told += told

    @initialize(target=sessions, amount=st.sampled_from([100, 1000]))
    def first(self, amount: int) -> Any:
        self.deposit(VIEWER, amount)
        return self.start(VIEWER, 1, free=False, known=True)

    @rule(user=users, amount=st.sampled_from([100, 100, 300, 1000]))
    def deposit(self, user: int, amount: int) -> None:
        assert self.post("deposit", {"amount": amount}, user=user).status_code == 201
        self.money_in[user] += amount * 10_000

    @rule(user=users, amount=st.sampled_from([-40, 25]))
    def adjustment(self, user: int, amount: int) -> None:
        made = self.post("adjustments", {"user_id": user, "amount": amount, "reason": "because"})
        if made.status_code == 201:
            self.money_in[user] += amount * 10_000

    @rule(video=videos, price=st.sampled_from(PRICES))
    def price_change(self, video: int, price: int) -> None:
        self.prices[video] = price

    @rule(target=sessions, user=users, video=videos, free=st.sampled_from([False] * 5 + [True]), known=st.booleans())
    def start(self, user: int, video: int, *, free: bool, known: bool) -> Any:
        """`known`: how long the film is."""
        self.count += 1
        name, film_ms, price = f"s{self.count}", 1000 * FILM * known, 0 if free else self.prices[video]
        terms = {"user_id": user, "video_id": video, "free": free, "price_per_minute": self.prices[video]}
        made = self.run(self.scene.try_start(name, duration_ms=film_ms, **terms))
        if made.status_code == 402:
            return multiple()
        assert made.status_code == 201, made.text
        self.model.start(name, (user, video, 10_000 * price), film_ms, NOW_MS)
        self.at[name] = -1
        return name

    @rule(name=sessions, count=st.integers(1, 30), day=days)
    def play(self, name: str, count: int, day: int) -> None:
        first = self.at[name] + 1
        wanted = [(index % SEGMENTS, 1000) for index in range(first, first + count)]
        self.fetch(name, self.segments(name, wanted, day=day))

    @rule(name=sessions, place=places, count=st.integers(1, 8))
    def seek(self, name: str, place: int, count: int) -> None:
        wanted = [(min(place + each, SEGMENTS - 1), 1000) for each in range(count)]
        self.fetch(name, self.segments(name, wanted))

    @rule(name=sessions, rung=st.sampled_from(["720p", "1080p-av1", "audio-0"]))
    def rung_switch(self, name: str, rung: str) -> None:
        """The same segment once more in another rung; or its sound, which costs nothing beside pictures."""
        told = self.segments(name, [(max(0, self.at[name]), 1000)], rung=rung)
        if rung.startswith("audio"):
            told = [Told(replace(each.line, end=each.line.start), each.text) for each in told]
        self.fetch(name, told)

    @rule(name=sessions, size=st.sampled_from([750, 500, 499]))
    def abort(self, name: str, size: int) -> None:
        self.fetch(name, self.segments(name, [((self.at[name] + 1) % SEGMENTS, size)]))

    @rule(names=st.lists(sessions, min_size=2, max_size=5), chance=chances)
    def side_by_side(self, names: list[str], chance: Random) -> None:
        """Several sessions in one batch, and no order in it."""
        told = [each for name in names for each in self.segments(name, [((self.at[name] + 1) % SEGMENTS, 1000)] * 2)]
        self.tell(chance.sample(told, k=len(told)))

    @precondition(lambda self: self.told)
    @rule(chance=chances)
    def duplicates(self, chance: Random) -> None:
        """An edge logs again what was logged; nothing happens twice."""
        again = chance.sample(self.told, k=min(len(self.told), 20))
        before = self.run(ledger(self.scene.db))
        self.tell(again)
        if all(self.model.sessions[each.line.session].played_ms is None for each in again):
            assert self.run(ledger(self.scene.db)) == before

    @precondition(lambda self: self.chunks)
    @rule(number=st.integers(0, 1000))
    def a_batch_read_again(self, number: int) -> None:
        before = self.run(everything(self.scene))
        self.run(self.scene.meter.apply(self.chunks[number % len(self.chunks) :][:2]))
        assert self.run(everything(self.scene)) == before

    @rule(name=sessions, place=places)
    def late_line(self, name: str, place: int) -> None:
        """Rule 7: after a day nothing is billed any more."""
        user, video, _ = self.model.sessions[name].film
        line = fetched(name, 4000 * place, t_ms=NOW_MS - DAY_MS - HOUR_MS, user_id=user, video=video)
        before = self.run(ledger(self.scene.db))
        self.chunks.append(self.scene.chunk([line]))
        self.run(self.scene.meter.apply(self.chunks[-1:]))
        assert self.run(ledger(self.scene.db)) == before
        self.late += 1

    @rule(name=sessions, wall=st.integers(0, 120), rate=st.sampled_from([1.0, 2.0]))
    def end(self, name: str, wall: int, rate: float) -> None:
        """Only the first end counts."""
        self.run(self.scene.end(name, 1000 * wall, rate))
        self.model.end(name, round(1000 * wall * rate))

    @rule(name=sessions, seen=st.integers(0, FILM + 20))
    def claim(self, name: str, seen: int) -> None:
        """A service says how much was seen; the log may say the same."""
        body = {"session_id": name, "seen_ms": 1000 * seen}
        assert self.run(self.scene.internal("POST", "/api/billing/charge", body)).status_code == 200
        self.model.claim(name, 1000 * seen)

    @rule(name=sessions)
    def heartbeat(self, name: str) -> None:
        self.run(self.scene.hold(name))

    @rule(name=sessions)
    def silence(self, name: str) -> None:
        """Nobody hears of a session for five minutes: what it holds goes back."""
        self.run(silent(self.scene, name))

    @rule(name=sessions, amount=st.sampled_from([None, None, 1]))
    def refund(self, name: str, amount: int | None) -> None:
        body: dict[str, object] = {"session_id": name, "reason": "sorry"}
        made = self.post("refunds", body | ({} if amount is None else {"amount": amount}))
        assert made.status_code in (201, 409, 422), made.text

    @precondition(lambda self: self.repeats)
    @rule(number=st.integers(0, 1000))
    def the_same_request(self, number: int) -> None:
        """A key has one effect and one answer."""
        path, body, key, user, text = self.repeats[number % len(self.repeats)]
        before, role = self.run(everything(self.scene)), "operator" if user == OPERATOR else "user"
        again = self.run(self.scene.money(path, body, key, user=user, role=role))
        assert (again.status_code, again.text) == (201, text)
        assert self.run(everything(self.scene)) == before

    @precondition(lambda self: not self.later)
    @rule()
    def three_weeks_pass(self) -> None:
        """All that was earned until now matures; what comes is of today."""
        self.later = True
        self.run(matured(self.scene))

    @rule(amount=st.sampled_from([None, 30]))
    def payout(self, amount: int | None) -> None:
        made = self.post("payouts", {} if amount is None else {"amount": amount}, user=CREATOR)
        assert made.status_code in (201, 409, 422), made.text
        if made.status_code == 201:
            self.payouts.append(made.json()["id"])

    @precondition(lambda self: self.payouts)
    @rule(state=st.sampled_from(["paid", "returned"]), number=st.integers(0, 1000))
    def what_became_of_a_payout(self, state: str, number: int) -> None:
        path = f"payouts/{self.payouts[number % len(self.payouts)]}"
        done = self.run(self.scene.money(path, {"state": state}, user=OPERATOR, role="operator"))
        assert done.status_code in (200, 409), done.text

    @invariant()
    def the_books_agree(self) -> None:
        Money.steps += 1
        self.run(check_books(self.scene.db))
        found = self.run(everything(self.scene))
        due = {film: micros for film, micros in self.model.due().items() if micros}
        assert {(u, v, p): c for u, v, p, c in found["films"]} == due
        assert all(spent == self.money_in[user] for user, spent in found["wallets"])
        assert (found["unfunded"], found["overheld"], found["late"]) == (0, 0, self.late)
        assert found["creators"] == found["shares"]
        Money.most_uncollected = max(Money.most_uncollected, found["uncollected"])


TABLES = """
    select string_agg(quote_ident(tablename), ', ') from pg_tables
    where schemaname = 'public' and tablename not like '%migration%'
"""


async def empty(s: Scene) -> None:
    """As if it were new: what cannot be deleted is deleted by the superuser, without triggers."""
    tables = await s.db.value(TABLES)
    async with s.db.transaction() as tx:
        await tx.raw.execute("reset role")
        await tx.raw.execute("set local session_replication_role = replica")
        await tx.raw.execute(f"truncate {tables} restart identity cascade")
    await s.db.run("alter table journal alter column created_at set default now() - interval '20 days'")


async def matured(s: Scene) -> None:
    await s.db.run("alter table journal alter column created_at set default now()")
    closed = "select coalesce(max(day) = ((now() - interval '10 minutes') at time zone 'utc')::date - 1, true)"
    while await s.db.value("select exists (select from journal)") and not await s.db.value(f"{closed} from closed_day"):
        await s.sweep()
    await s.sweep()


async def silent(s: Scene, name: str) -> None:
    await s.db.run("update hold set expires_at = now() - interval '1 s' where session_id = :name and expires_at "
        "is not null", name=name)  # fmt: skip
    await s.sweep()


async def standing(s: Scene, name: str) -> dict[str, int]:
    """What a session can pay with, and what its film's watches could not be paid for."""
    sql = """
        select json_build_object('payable', a.balance_micros - a.held_micros + h.held_micros,
            'uncollected', (select sum(uncollected_micros) from watch w where (w.user_id, w.video_id,
                w.price_micros_per_minute) = (h.user_id, h.video_id, h.price_micros_per_minute)))
        from hold h join account a on a.id = h.account_id where h.session_id = :name
    """
    found: dict[str, int] = await s.db.value(sql, name=name)
    return found


async def everything(s: Scene) -> dict[str, Any]:
    """`wallets`: what came in from outside, by what is there and what was paid. `creators`: likewise."""
    sql = """
        select json_build_object(
            'films', (select coalesce(json_agg(json_build_array(user_id, video_id, price, due)), '[]') from (
                select user_id, video_id, price_micros_per_minute as price,
                    sum(charged_micros + uncollected_micros) as due from watch group by 1, 2, 3) f where due <> 0),
            'wallets', (select coalesce(json_agg(json_build_array(owner, balance_micros
                + (select coalesce(sum(charged_micros), 0) from watch w where w.user_id = a.owner)
                - (select coalesce(sum(amount_micros), 0) from refund r where r.user_id = a.owner))), '[]')
                from account a where kind = 'wallet'),
            'unfunded', (select count(*) from account where held_micros not between 0 and balance_micros),
            'overheld', (select count(*) from hold where held_micros > 2 * price_micros_per_minute + 1
                or (state = 'ended' and held_micros > 0)),
            'late', (select coalesce(sum(lines), 0) from rejected_line where reason = 'late'),
            'creators', (select coalesce(sum(amount_micros), 0) from entry e join account a on a.id = e.account_id
                where a.kind in ('creator', 'payable', 'clearing_payout')),
            'shares', (select coalesce(sum(charged_micros * 8000 / 10000), 0) from watch)
                - (select coalesce(sum(creator_micros), 0) from refund),
            'uncollected', (select coalesce(max(uncollected_micros), 0) from watch))
    """
    found: dict[str, Any] = await s.db.value(sql)
    return found


async def test_whatever_people_do_the_books_agree(platform: PlatformMaker, full: bool) -> None:
    Money.scene = Scene(await platform("billing", PAYOUT_HOLD_DAYS="0", PAYOUT_MINIMUM="10"))
    Money.loop, Money.steps, Money.most_uncollected = asyncio.get_running_loop(), 0, 0
    chosen = settings(
        max_examples=400 if full else 12,
        stateful_step_count=60 if full else 30,
        derandomize=not full,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, Money, settings=chosen)
    print(f"{Money.steps} steps; largest uncollected: {Money.most_uncollected} micros")
    assert Money.steps > 100
