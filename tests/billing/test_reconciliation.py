"""Other code derives every charge again from the logs: honest books agree, whatever is wrong with them is found."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.billing import books, settlement
from api.billing.money import currency_of
from api.clients import Clients
from tests.billing.scenes import (
    CREATOR,
    NOW_MS,
    OTHER,
    PRICE,
    VIDEO,
    VIEWER,
    Scene,
    check_books,
    fetched,
    played,
)
from tests.conftest import PlatformMaker
from workers.follow import Chunk, Position
from workers.reconcile.difference import Difference
from workers.reconcile.run import Report, reconcile

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
OPERATOR = 1


class Kept(Scene):
    """A scene whose lines stand in a log file too, as nginx writes it."""

    generation = 1
    edge = "origin"

    async def log(self, *lines: bytes) -> None:
        folder = self.p.settings.path("FETCH_LOG_ROOT")
        folder.mkdir(parents=True, exist_ok=True)
        payload = b"".join(line + b"\n" for line in lines)
        path = folder / f"{self.edge}-{self.generation}.log"
        start = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(payload)
        reached = (await self.meter.positions()).get(f"fetches:{self.edge}")
        after = reached if start == 0 and reached else Position(0, 0)
        await self.meter.apply([Chunk(f"fetches:{self.edge}", self.generation, start, payload, after)])

    async def reconcile(self, **arguments: Any) -> tuple[Report, list[Difference]]:
        found: list[Difference] = []
        wanted = {"day": None, "nightly": False} | arguments
        async with Clients(self.p.settings, caller="tests") as clients:
            report = await reconcile(self.p.settings, self.db, clients, found.append, **wanted)
        assert report is not None
        return report, found

    async def agree(self) -> Report:
        report, found = await self.reconcile()
        assert found == []
        return report

    async def tamper(self, sql: str) -> None:
        """Change what cannot be changed: as superuser, without triggers."""
        async with self.db.transaction() as tx:
            await tx.raw.execute("reset role")
            await tx.raw.execute("set local session_replication_role = replica")
            await tx.raw.execute(sql)

    async def incidents(self) -> list[tuple[str, str, str]]:
        rows = await self.db.value("select json_agg(json_build_array(kind, state, outcome) order by id) from incident")
        return [(kind, state, outcome) for kind, state, outcome in rows or []]


async def scene(platform: PlatformMaker, **overrides: str) -> Kept:
    made = Kept(await platform("billing", **overrides))
    await made.deposit()
    return made


async def two_sessions(s: Kept) -> None:
    """A session with everything usual: retries, rungs, an early end, a second device that fetches the same and more."""
    await s.start("s")
    await s.log(*played("s", 0, 60_000), *played("s", 40_000, 60_000, rendition="720p"))
    await s.start("tablet")
    await s.log(*played("tablet", 40_000, 100_000), fetched("s", 60_000, bytes=600, complete=False))
    await s.end("s", 50_000)
    await s.end("tablet", 60_000)


async def hostile_lines(s: Kept) -> None:
    await s.start("s")
    await s.log(
        b"", b"{torn", b"[1]", b"[" * 2000, b"\0" * 300, fetched("s", 0).replace(b"origin", b"\xff"),
        fetched("stranger", 0), fetched("nul\0", 0), fetched("s" * 255, 0), fetched("s" * 256, 0),
        fetched("s", 0, user_id=OTHER), fetched("s", 0, video=VIDEO + 1),
        fetched("s", 0, t_ms=NOW_MS - DAY_MS - 60_000),
        fetched("s", 0, end_ms=10**12), fetched("s", 0, v=2), fetched("s", 8_000, 4_000),
        fetched("s", 0)[:-1] + b',"x":1}',
        fetched("s", 0).replace(b'"index":0', b'"index":0.0'), fetched("s", 0).replace(b"360p", b"\\ud800"),
        fetched("s", 0).replace(b'"v":1', b'"v":2,"v":1'), fetched("s", 4_000, bytes=-1),
        fetched("s", 0, user_id=2**60),
        fetched("s", 8_000, status=403), fetched("s", 8_000, method="HEAD"), fetched("s", 8_000, size=0),
        fetched("s", 8_000, bytes=499), fetched("s", 8_000, rendition="audio-0"),
        fetched("s", 12_000, 15_333, bytes=777),
        fetched("s", 16_000, rendition="iframes-0"), fetched("s", 20_000, complete=False), b" " + fetched("s", 24_000),
    )  # fmt: skip


async def many_watches(s: Kept) -> None:
    """A day that ends in the middle of a session, a price change, another viewer, a free view."""
    begun = NOW_MS - DAY_MS + HOUR_MS
    await s.start("s")
    await s.log(fetched("s", 0, t_ms=begun))
    await s.log(fetched("s", 0, t_ms=begun + DAY_MS), fetched("s", 4_000, t_ms=begun + DAY_MS - 1))
    await s.log(fetched("s", 8_000, t_ms=begun + 500))
    await s.start("dearer", price_per_minute=2 * PRICE, preview_ms=30_000)
    await s.start("free", user_id=CREATOR, free=True)
    await s.log(*played("dearer", 0, 60_000), *played("free", 0, 60_000, user_id=CREATOR))
    await s.deposit(OTHER)
    await s.start("other", user_id=OTHER, video_id=9, audio_only=True)
    await s.log(*played("other", 0, 32_000, user_id=OTHER, video=9, rendition="audio-0"))
    for session, wall_ms in (("s", 2_000), ("dearer", 10_000), ("other", 0)):
        await s.end(session, wall_ms)


async def spent_and_claimed(s: Kept) -> None:
    await s.start("dear", video_id=1, price_per_minute=600)
    await s.log(*played("dear", 0, 100_000, video=1), *played("dear", 100_000, 112_000, video=1))
    await s.end("dear", 104_000)
    await s.deposit()
    await s.start("claimed")
    await s.internal("POST", "/api/billing/charge", {"session_id": "claimed", "seen_ms": 90_500})
    await s.log(*played("claimed", 0, 60_000))
    await s.end("claimed", 200_000)
    refund = {"session_id": "claimed", "reason": "sound was missing", "amount": 2}
    assert (await s.money("refunds", refund, user=OPERATOR, role="operator")).status_code == 201
    await s.money(
        "adjustments", {"user_id": VIEWER, "amount": -30, "reason": "a mistake"}, user=OPERATOR, role="operator"
    )


async def several_logs(s: Kept) -> None:
    """Two generations, the first one's last line without an end, and an edge that logs some of the same."""
    await s.start("s")
    lines = played("s", 0, 80_000)
    await s.log(*lines[:10])
    s.generation = 2
    await s.log(*lines[10:])
    s.edge, s.generation = "edge", 1
    await s.log(*lines[5:15], *played("s", 80_000, 88_000, edge="edge"))
    await s.end("s", 88_000)


async def faster_than_any_player(s: Kept) -> None:
    """A film within a second, told by two sessions; then at a pace that can be."""
    await s.start("s", duration_ms=2_000_000)
    await s.start("t", duration_ms=2_000_000)
    await s.log(*played("s", 0, 800_000, t_ms=NOW_MS), *played("t", 100_000, 400_000, t_ms=NOW_MS + 500))
    await s.log(*played("t", 1_000_000, 1_200_000, t_ms=NOW_MS + 60_000))
    assert await s.db.value("select sum(lines) > 100 from rejected_line where reason = 'too_fast'")
    await s.end("t", 60_000)


SCENES: list[Callable[[Kept], Awaitable[None]]] = [
    two_sessions, hostile_lines, many_watches, spent_and_claimed, several_logs, faster_than_any_player,
]  # fmt: skip


@pytest.mark.parametrize("play", SCENES, ids=lambda play: play.__name__)
async def test_honest_books_agree(platform: PlatformMaker, play: Callable[[Kept], Awaitable[None]]) -> None:
    s = await scene(platform)
    await play(s)
    await check_books(s.db)
    report = await s.agree()
    assert report.counts.lines > 0
    assert report.counts.charges > 0
    assert report.counts.watches == await s.db.value("select count(*) from watch")
    assert report.counts.sessions == await s.db.value("select count(*) from hold")
    assert report.differences == 0


async def test_a_shuffled_and_doubled_log_agrees(platform: PlatformMaker) -> None:
    s = await scene(platform)
    lines = []
    for i in range(6):
        await s.start(f"s{i}", video_id=i // 2 + 1)
        lines += played(f"s{i}", i * 8_000, 120_000, video=i // 2 + 1)
    mixed = random.Random(3).sample(lines * 2, k=len(lines) * 2)
    for number, first in enumerate(range(0, len(mixed), 17)):
        await s.log(*mixed[first : first + 17])
        if number < 6:
            await s.end(f"s{number}", 30_000 + 10_000 * number)
    await s.agree()


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_viewers_do_the_books_agree(platform: PlatformMaker, seed: int) -> None:
    """Devices of one viewer side by side over the end of a watch, with disorder, ends, claims, and little money."""
    dice, s = random.Random(seed), await scene(platform)
    begun, live, count = NOW_MS - DAY_MS + HOUR_MS, set[str](), 0
    for step in range(40):
        act = dice.choice(["start", "log", "log", "log", "log", "end", "claim", "deposit"])
        if act == "start":
            count += 1
            terms = {"price_per_minute": dice.choice([PRICE, PRICE, 700]), "duration_ms": dice.choice([0, 600_000])}
            if (await s.try_start(f"s{count}", **terms)).status_code == 201:
                live.add(f"s{count}")
        elif act == "log" and count:
            lines = []
            for _ in range(dice.randrange(1, 5)):
                at, who = dice.randrange(0, 400_000, 4_000), f"s{dice.randrange(count + 1)}"
                t_ms = begun + dice.choice([step * 60_000, DAY_MS - 2_000, DAY_MS + 2_000, DAY_MS + step * 1_000])
                lines += played(who, at, at + dice.randrange(4_000, 60_000, 4_000), t_ms=t_ms + dice.randrange(9_000))
            await s.log(*dice.sample(lines, k=len(lines)), *dice.sample(lines, k=1))
        elif act == "end" and live:
            await s.end(dice.choice(sorted(live)), dice.randrange(0, 200_000), dice.choice([1.0, 2.0]))
        elif act == "claim" and live:
            claim = {"session_id": dice.choice(sorted(live)), "seen_ms": dice.randrange(100_000)}
            await s.internal("POST", "/api/billing/charge", claim)
        elif act == "deposit":
            await s.deposit(amount=dice.choice([100, 300]))
    await s.agree()


TAMPERED = {
    "a charge": ("update watch set charged_micros = charged_micros + 7 where id = 1", {"watch", "film"}),
    "a share": ("update watch set creator_micros = creator_micros - 7 where id = 1", {"watch", "film"}),
    "a session's charge": ("update hold set charged_micros = charged_micros + 7 where session_id = 's'",
        {"session", "film", "share"}),
    "media": ("update watch set seen = '{[0,52000)}', seen_ms = 52000 where id = 1", {"watch"}),
    "a gift": ("update watch set forgiven_ms = 29999", {"watch"}),
    "an opening": ("update watch set opened_ms = opened_ms - 1", {"watch"}),
    "a delivery": ("update hold set delivered_ms = delivered_ms - 1 where session_id = 's'", {"session"}),
    "a balance": ("update account set balance_micros = balance_micros + 1 where kind = 'wallet'", {"wallet"}),
    "money held": ("update account set held_micros = 5 where kind = 'wallet'", {"wallet"}),
    "an entry twice": ("""insert into entry (journal_id, account_id, amount_micros, balance_after, session_id)
        select journal_id, account_id, amount_micros, balance_after, session_id from entry
        where session_id = 's' limit 1""",
        {"journal", "session", "wallet"}),
    "an entry gone": ("delete from entry where account_id = (select id from account where kind = 'creator')",
        {"journal", "share"}),
    "uncollected": ("update watch set uncollected_micros = 5", {"watch", "share"}),
    "a refused line": ("""insert into rejected_line values ('fetches:origin', 1, 0, 'not_json', '')""", {"line"}),
    "a line called late": ("""insert into rejected_line values ('fetches:origin', 1, 0, 'late', '')""", {"line"}),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "kinds"), TAMPERED.values(), ids=TAMPERED.keys())
async def test_what_was_tampered_with_is_found(platform: PlatformMaker, sql: str, kinds: set[str]) -> None:
    s = await scene(platform)
    await two_sessions(s)
    await s.tamper(sql)
    report, found = await s.reconcile()
    assert {each.kind for each in found} == kinds
    assert report.differences == len(found)
    assert {kind for kind, *_ in await s.incidents()} == kinds
    assert await s.db.value("select count(*) from journal where kind = 'adjustment'") == 0


async def test_a_line_missing_in_the_log_is_found_and_pays_nobody(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await two_sessions(s)
    path = s.p.settings.path("FETCH_LOG_ROOT") / "origin-1.log"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:20] + lines[21:]))
    _, found = await s.reconcile()
    assert [(each.kind, each.subject) for each in found] == [("log", "fetches:origin end")]
    assert found[0].derived["unproven"] > 0
    path.unlink()
    assert [each.subject for each in (await s.reconcile())[1]] == ["fetches:origin start"]
    assert await s.db.value("select count(*) from journal where kind = 'adjustment'") == 0


async def overcharge(s: Kept, session: str, micros: int) -> None:
    """A mistake of the meter's: it takes more than is due, through the books, with all that belongs to it."""
    async with s.db.transaction() as tx:
        opened = await books.open_sessions(tx, currency_of(s.p.settings), [session])
        hold = opened.holds[session]
        wallet, watch = opened.wallets[hold.account_id], opened.watches[hold.watch_id]
        wallet.balance_micros -= micros
        opened.charges.append(settlement._book(wallet, watch, hold, micros, 0))
        await books.close(tx, opened, f"a mistake of {micros}", datetime.now(UTC))


async def test_what_was_charged_too_much_is_given_back_once(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    await overcharge(s, "s", 12_345)
    await check_books_but_charges(s)
    for differences, settled in ((1, 0), (0, 1), (0, 1)):
        report, found = await s.reconcile()
        assert [(each.kind, each.overcharged_micros) for each in found] == [("watch", 12_345)]
        assert (report.differences, report.settled) == (differences, settled)
        assert await s.balance_micros() == 10_000_000 - 60_000
    assert await s.incidents() == [("watch", "closed", "refunded")]
    [refund] = (await s.told("transactions?type=adjustment"))["items"]
    assert refund["amount_micros"] == 12_345
    assert "charged too much" in refund["description"]


async def check_books_but_charges(s: Kept) -> None:
    with pytest.raises(AssertionError, match="sum of charges is not what is due"):
        await check_books(s.db)


async def test_a_second_mistake_gives_back_only_what_is_new(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    for mistake in (1_000, 500):
        await overcharge(s, "s", mistake)
        await asyncio.gather(*(s.reconcile() for _ in range(3)))
        assert await s.balance_micros() == 10_000_000 - 60_000


async def test_what_was_charged_too_little_is_the_platforms_loss(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    await overcharge(s, "s", -500)
    _, found = await s.reconcile()
    assert [each.undercharged for each in found] == [True]
    assert await s.incidents() == [("watch", "closed", "absorbed")]
    assert await s.balance_micros() == 10_000_000 - 59_500


async def test_the_nightly_check_is_done_once(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    done = await asyncio.gather(*(s.reconcile(day=yesterday, nightly=True) for _ in range(4)), return_exceptions=True)
    assert sorted(getattr(each, "code", "") for each in done) == ["", *["being_reconciled"] * 3]
    async with Clients(s.p.settings, caller="tests") as clients:
        assert await clients.billing_reconcile(yesterday.isoformat(), nightly=True) is None
    seen = await s.p.call("GET", "billing", "/api/billing/reconciliation", token=s.p.user(OPERATOR, "operator"))
    assert (seen.status_code, seen.json()["differences"], seen.json()["open_incidents"]) == (200, 0, [])
    assert [(each["day"], each["nightly"], each["watches"]) for each in seen.json()["days"]] == [
        (yesterday.isoformat(), True, 1)
    ]
    refused = await s.p.call("GET", "billing", "/api/billing/reconciliation", token=s.p.user(VIEWER))
    assert refused.status_code == 403


async def test_one_day_is_looked_at_alone(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    today = datetime.fromtimestamp(NOW_MS / 1000, UTC).date()
    for day, watches in ((today, 1), (today - timedelta(days=1), 0)):
        report, found = await s.reconcile(day=day)
        assert (found, report.counts.watches) == ([], watches)
    assert (await revenue(s))["reconciled_through"] is None


async def revenue(s: Kept) -> Any:
    found = await s.p.call("GET", "billing", "/api/billing/revenue/total", token=s.p.user(OPERATOR, "operator"))
    return found.json()


async def test_revenue_says_how_far_the_books_are_proven(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    report = await s.agree()
    proven = (await revenue(s))["reconciled_through"]
    assert abs(datetime.fromisoformat(proven) - report.through) < timedelta(milliseconds=2)
    await s.tamper("update account set balance_micros = balance_micros + 1 where kind = 'wallet'")
    await s.reconcile()
    assert (await revenue(s))["reconciled_through"] == proven
    await s.tamper("update account set balance_micros = balance_micros - 1 where kind = 'wallet'")
    await s.agree()
    assert (await revenue(s))["reconciled_through"] > proven
    assert await s.incidents() == [("wallet", "closed", "gone")]
