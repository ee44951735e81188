"""What billing's tests play: viewers with money, sessions, fetch lines through a real meter, the truth of the books."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from api.billing import metering
from api.billing.money import currency_of
from api.clients import Hold
from api.database import Database
from tests.conftest import Platform
from workers.follow import Chunk
from workers.meter import Meter

VIEWER, OTHER, CREATOR = 7, 8, 70
VIDEO = 5
PRICE = 6  # minor units a minute: 1,000 micros a second, a whole number per ms
SEGMENT_MS = 4000
FILM_MS = 600_000
NOW_MS = round(time.time() * 1000)


def fetched(session: str, start_ms: int, end_ms: int | None = None, **changes: Any) -> bytes:
    """A line of the fetch log: one segment, fully delivered, unless said otherwise."""
    end_ms = start_ms + SEGMENT_MS if end_ms is None else end_ms
    line = {
        "v": 1, "edge": "origin", "t_ms": NOW_MS + start_ms, "request_id": "r" * 32, "session_id": session,
        "user_id": VIEWER, "video": VIDEO, "generation": 1, "rendition": "360p", "index": start_ms // SEGMENT_MS,
        "start_ms": start_ms, "end_ms": end_ms, "method": "GET", "status": 200, "bytes": 1000, "size": 1000,
        "complete": True, "request_time_ms": 3, "verdict_cache": "HIT", "cache": "",
    }  # fmt: skip
    return msgspec.json.encode(line | changes)


def played(session: str, from_ms: int, to_ms: int, **changes: Any) -> list[bytes]:
    """The lines of a stretch, segment by segment."""
    return [fetched(session, start, **changes) for start in range(from_ms, to_ms, SEGMENT_MS)]


class Scene:
    """Billing as its callers see it, with a meter that reads what the test writes."""

    def __init__(self, p: Platform) -> None:
        self.p, self.db = p, p.db("billing")
        self.meter = Meter(self.db, currency_of(p.settings))
        self._offset = 0
        self._keys = itertools.count()

    def chunk(self, lines: list[bytes]) -> Chunk:
        """The lines as the next piece of the log."""
        payload = b"".join(line + b"\n" for line in lines)
        chunk = Chunk("fetches:origin", 1, self._offset, payload)
        self._offset += len(payload)
        return chunk

    async def log(self, *lines: bytes) -> None:
        await self.meter.apply([self.chunk(list(lines))])

    async def deposit(self, user: int = VIEWER, amount: int = 1000) -> None:
        headers = {"idempotency-key": f"scene-{next(self._keys)}"}
        body = {"amount": amount}
        done = await self.p.call(
            "POST", "billing", "/api/billing/deposit", json=body, headers=headers, token=self.p.user(user)
        )
        assert done.status_code == 201, done.text

    async def internal(self, method: str, path: str, body: object = None) -> Any:
        return await self.p.call(method, "billing", path, json=body, token=self.p.service_token("billing"))

    async def try_start(self, session: str, **changes: Any) -> Any:
        terms = {
            "session_id": session, "user_id": VIEWER, "video_id": VIDEO, "creator_id": CREATOR,
            "price_per_minute": PRICE, "duration_ms": FILM_MS, "free": False,
        }  # fmt: skip
        return await self.internal("POST", "/internal/holds", terms | changes)

    async def start(self, session: str, **changes: Any) -> Hold:
        return hold_of(await self.try_start(session, **changes))

    async def hold(self, session: str) -> Hold:
        return hold_of(await self.internal("GET", f"/internal/holds/{session}"))

    async def end(self, session: str, wall_ms: int, rate: float = 1.0) -> Hold:
        body = {"wall_ms": wall_ms, "rate": rate}
        return hold_of(await self.internal("POST", f"/internal/holds/{session}/end", body))

    async def finished(self, session: str, to_ms: int = 60_000, **terms: Any) -> Hold:
        """A session that was watched up to `to_ms` and ended, nothing forgiven."""
        await self.start(session, **terms)
        await self.log(*played(session, 0, to_ms, video=terms.get("video_id", VIDEO)))
        return await self.end(session, wall_ms=to_ms)

    async def money(
        self, path: str, body: object, key: str | None = None, *, user: int = VIEWER, role: str = "user"
    ) -> Any:
        """A POST that moves money, under a key of its own unless one is given."""
        headers = {"idempotency-key": f"scene-{next(self._keys)}" if key is None else key}
        token = self.p.user(user, role)
        return await self.p.call("POST", "billing", f"/api/billing/{path}", json=body, headers=headers, token=token)

    async def told(self, path: str, user: int = VIEWER) -> Any:
        return (await self.p.call("GET", "billing", f"/api/billing/{path}", token=self.p.user(user))).json()

    async def sweep(self) -> dict[str, int]:
        answer: dict[str, int] = (await self.internal("POST", "/internal/sweep")).json()
        return answer

    async def balance_micros(self, user: int = VIEWER) -> int:
        found = await self.p.call("GET", "billing", "/api/billing/balance", token=self.p.user(user))
        return int(found.json()["balance_micros"])

    async def total(self, kind: str) -> int:
        sql = "select coalesce(sum(e.amount_micros), 0)::bigint from entry e join account a on a.id = e.account_id"
        return int(await self.db.value(sql + " where a.kind = :kind", kind=kind))


def hold_of(response: Any) -> Hold:
    assert response.status_code < 300, response.text
    return msgspec.json.decode(response.content, type=Hold)


async def ledger(db: Database) -> list[tuple[str, int, int]]:
    """What every account came to, in a form that two runs can be compared by."""
    sql = """
        select string_agg(format('%s %s %s', kind, owner, total), ', ' order by kind, owner)
        from (select a.kind, a.owner, sum(e.amount_micros) as total from account a
              join entry e on e.account_id = a.id group by a.kind, a.owner) as sums
    """
    found = await db.value(sql)
    return [(k, int(o), int(t)) for k, o, t in (item.split() for item in (found or "").split(", ") if item)]


async def check_books(db: Database) -> None:
    """Everything the books must agree on, whatever happened."""
    wrong = {
        "journals that do not sum to zero": "select journal_id from entry group by 1 having sum(amount_micros) <> 0",
        "balances that are not the sum of their entries": """select a.id from account a
            where a.balance_micros <> (select coalesce(sum(amount_micros), 0) from entry where account_id = a.id)""",
        "wallets that hold something else than their sessions": """select a.id from account a where a.kind = 'wallet'
            and a.held_micros <> (select coalesce(sum(held_micros), 0) from hold where account_id = a.id)""",
        "broken chains of balances": """select id from (select id, balance_after, balance_after - amount_micros as was,
            lag(balance_after, 1, 0::bigint) over (partition by account_id order by id) as before from entry
            where balance_after is not null) as chain where was <> before""",
        "sessions that cost something else than their entries": """select h.session_id from hold h
            where h.charged_micros <> -(select coalesce(sum(e.amount_micros), 0) from entry e
            where e.session_id = h.session_id and e.balance_after is not null)""",
        "users whose debts are not what banks took back": """select owner from account a join entry e
            on e.account_id = a.id where a.kind = 'receivable' group by 1 having sum(e.amount_micros) > 0""",
        "sessions refunded beyond their price": """select session_id from hold h where charged_micros <
            (select coalesce(sum(amount_micros), 0) from refund r where r.session_id = h.session_id)""",
        "watches of which the sum of charges is not what is due": f"""select id from watch
            where charged_micros + uncollected_micros <> (greatest(seen_ms - (select
                coalesce(sum(upper(r) - lower(r)), 0) from unnest(seen * int8multirange(int8range(0, preview_ms))) as r
                ), claimed_ms - preview_ms) - forgiven_ms) * price_micros_per_minute / {metering.MINUTE_MS}""",
        "wallets with a limit that count a day wrongly": """select a.id from account a where daily_micros is not null
            and case when spent_day = (now() at time zone 'utc')::date then spent_micros else 0 end <>
            (select coalesce(-sum(e.amount_micros), 0) from entry e join journal j on j.id = e.journal_id
            where e.account_id = a.id and j.kind in ('charge', 'forgiven', 'refund')
            and j.created_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc')""",
        "watches whose length is wrong": """select id from watch where seen_ms <>
            (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(seen) as r)""",
    }
    for what, sql in wrong.items():
        assert await db.value(f"select array({sql})") == [], what


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait for a condition; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the awaited never came"
        await asyncio.sleep(0.02)
