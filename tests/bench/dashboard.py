"""Every call of the analytics service over a year of numbers, as its pages and scripts make them.

The year is sample traffic (`api/analytics/sample.py`) of 2,000 films and 50,000 people, counted by the service's own
code into a real PostgreSQL (`year.py`); `analytics`, `auth` and `videos` run as a machine runs them. Each call is timed
at the service's port, one after another, over ranges and time zones that differ from call to call, so that no answer is
one that was kept. What is shown is the worst of the 95th percentiles.
"""

import argparse
import asyncio
import random
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2

from api.analytics.sample import library
from api.clients import Clients
from api.database import Database, open_database
from api.migrate import migrate
from api.settings import Settings
from tests.bench import year
from tests.bench.metering import machine_of_its_own, program
from tests.bench.table import Cell, last_line, median, percentile, rendered
from tests.stacks import ROOT

GOAL_MS = 150.0
PROGRAMS = ("redis", "postgres")
SERVICES = ("auth", "videos", "analytics")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney")
PATIENCE_S = 30.0
CREATORS = 200


@dataclass(frozen=True)
class Person:
    """Somebody who asks: an operator, a creator with films, a viewer with a history."""

    id: int
    token: str


@dataclass(frozen=True)
class Call:
    """One kind of question; `path` makes the next one."""

    name: str
    who: str
    path: Callable[["Asking"], str]


class Asking:
    """Draws ranges that end within the last days, each seen from another zone."""

    def __init__(self, days: int, seed: int, popular: list[int]) -> None:
        self._chance, self._days, self.popular = random.Random(seed), days, popular
        self._today = datetime.now(UTC).date()

    def range(self, days: int) -> str:
        """`days` days, the last of them today or up to a month ago where the year has room for it."""
        back = self._chance.randrange(max(1, min(30, self._days - days)))
        last = self._today - timedelta(days=back)
        first = last - timedelta(days=min(days, self._days) - 1)
        return f"from={first}&to={last}&tz={self._chance.choice(ZONES)}"

    def film(self) -> int:
        return self._chance.choice(self.popular)


def _range(path: str, days: int, more: str = "") -> Callable[[Asking], str]:
    return lambda asking: f"/api/analytics/{path}?{asking.range(days)}{more}"


def _film(days: int) -> Callable[[Asking], str]:
    return lambda asking: f"/api/analytics/videos/{asking.film()}?{asking.range(days)}"


def _report(days: int, more: str = "") -> Callable[[Asking], str]:
    def path(asking: Asking) -> str:
        asked = dict(part.split("=") for part in asking.range(days).split("&"))
        return f"/api/analytics/reports/{asked['from']}..{asked['to']}?tz={asked['tz']}{more}"

    return path


CALLS = (
    Call("dashboard, a day", "operator", _range("dashboard", 1)),
    Call("dashboard, 28 days", "operator", _range("dashboard", 28)),
    Call("dashboard, a year", "operator", _range("dashboard", 365)),
    Call("studio, 28 days", "creator", _range("studio", 28)),
    Call("studio, a year", "creator", _range("studio", 365)),
    Call("film, 28 days", "operator", _film(28)),
    Call("film, a year", "operator", _film(365)),
    *(Call(f"top by {by}, a year", "operator", _range("top-videos", 365, f"&by={by}"))
      for by in ("views", "watch_time", "revenue", "viewers")),
    Call("own top, a year", "creator", _range("top-videos", 365, "&by=views")),
    Call("revenue by film, a year", "operator", _range("revenue", 365, "&group=video")),
    Call("revenue by creator, a year", "operator", _range("revenue", 365, "&group=creator")),
    Call("own revenue, a year", "creator", _range("revenue", 365, "&interval=week&group=video")),
    Call("history", "viewer", lambda _: "/api/analytics/user"),
    Call("report, a month", "operator", _report(30)),
    Call("report, a year", "operator", _report(365)),
    Call("report as CSV, a year", "creator", _report(365, "&format=csv")),
    Call("live", "operator", lambda _: "/api/analytics/live"),
)  # fmt: skip


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    args = arguments()
    with ExitStack() as life:
        settings = life.enter_context(machine_of_its_own())
        for name in (*PROGRAMS, *SERVICES):
            life.enter_context(program(settings, name))
        waited, rows = asyncio.run(measure(settings, args))
    table: list[list[Cell]] = [
        [name, len(ms), median(ms), percentile(ms, 0.95), max(ms)] for name, ms in waited.items()
    ]
    print(rendered(["call", "times", "median ms", "p95 ms", "worst ms"], table))
    calls = {name: percentile(ms, 0.95) for name, ms in waited.items()}
    print(last_line("dashboard", {"p95_ms": max(calls.values()), "goal_ms": GOAL_MS, "p95_ms_of": calls, "rows": rows}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./streamify bench dashboard", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a month of a few films: tries the bench only")
    parser.add_argument("--films", type=int, default=2000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--plays", type=int, default=700, help="on a usual day")
    parser.add_argument("--times", type=int, default=40, help="each call")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.quick:
        args.films, args.users, args.days, args.plays, args.times = 40, 500, 42, 40, 3
    return args


async def measure(settings: Settings, args: argparse.Namespace) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Milliseconds of every call, and how many rows there are of what."""
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as http, Clients(settings, "command") as clients:
        await up(http, settings)
        people = await make_people(http, clients, settings)
        db = await open_database(settings.database_url("analytics"), size=2)
        try:
            await fill(db, args, people)
            popular = await db.value(POPULAR)
            rows = {name: await db.value(f"select count(*) from {name}") for name in COUNTED}
        finally:
            await db.close()
        asking = Asking(args.days, args.seed, popular)
        base = settings.service_url("analytics")
        waited = {call.name: await ask(http, base, call, people, asking, args.times) for call in CALLS}
    return waited, rows


COUNTED = ("session", "rollup", "viewer", "retention", "event")
POPULAR = """
    select array_agg(video_id)
    from (
        select video_id from rollup where grain_min = 1440 and video_id > 0
        group by video_id order by sum(watch_ms) desc limit 20
    ) as popular
"""


async def up(http: httpx2.AsyncClient, settings: Settings) -> None:
    """Return once every service answers."""
    deadline = time.monotonic() + PATIENCE_S
    for name in SERVICES:
        while True:
            try:
                if (await http.get(settings.service_url(name) + "/health/live")).status_code == 200:
                    break
            except httpx2.TransportError:
                pass
            assert time.monotonic() < deadline, f"{name} does not answer"
            await asyncio.sleep(0.1)


async def make_people(http: httpx2.AsyncClient, clients: Clients, settings: Settings) -> dict[str, Person]:
    """An operator, a creator and a viewer, by the auth service's own calls."""
    found = {}
    for role in ("operator", "creator", "viewer"):
        email, password = f"{role}@bench.example", secrets.token_urlsafe(12)
        body = {"email": email, "password": password, "first_name": role, "last_name": "Bench"}
        answer = await http.post(settings.service_url("auth") + "/api/auth/register", json=body)
        answer.raise_for_status()
        if role == "operator":
            await clients.auth_make_operator(email)
            login = {"email": email, "password": password}
            answer = await http.post(settings.service_url("auth") + "/api/auth/login", json=login)
            answer.raise_for_status()
        found[role] = Person(answer.json()["user"]["id"], answer.json()["access_token"])
    return found


async def fill(db: Database, args: argparse.Namespace, people: dict[str, Person]) -> None:
    """The year, up to today; the creator owns the first share of the films, the viewer is the most faithful one."""
    await migrate(db, ROOT / "api/analytics/migrations")
    owners = [people["creator"].id, *range(1000, 1000 + CREATORS)]
    films = library(args.films, owners, args.seed, days=1)
    print(f"{args.days} days of {args.films} films and {args.users} people …", flush=True)
    viewer = people["viewer"].id
    made = await year.fill(db, films, viewer, args.users, args.seed, args.plays, args.days)
    print(f"{made} playbacks", flush=True)


async def ask(
    http: httpx2.AsyncClient, base: str, call: Call, people: dict[str, Person], asking: Asking, times: int
) -> list[float]:
    """Milliseconds of each answer, the first one after two that warm up; of a stream, until its first event."""
    headers = {"authorization": f"Bearer {people[call.who].token}"}
    waited = []
    for _ in range(times + 2):
        path = call.path(asking)
        began = time.perf_counter()
        async with http.stream("GET", base + path, headers=headers) as answer:
            async for _piece in whole(answer):
                pass
            waited.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return waited[2:]


async def whole(answer: httpx2.Response) -> AsyncIterator[bytes]:
    """The body; of an event stream, the first event alone."""
    async for piece in answer.aiter_bytes():
        yield piece
        if answer.headers["content-type"].startswith("text/event-stream"):
            return


if __name__ == "__main__":
    main()
