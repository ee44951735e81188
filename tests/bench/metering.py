"""Lines on disk become committed charges: shipper, Valkey, meter and PostgreSQL as a machine runs them, nothing else.

First a log that is already there, as fast as it goes; then a thousand lines a second, each timed from its writing to
the commit that bills it. In the end the ledger is compared with what `viewings.py` makes of the same lines, and
reconciled as a machine does it at night. Processor seconds stand beside the clock: they do not depend on who else is
busy. The audience is another bench's business: the shipper, which waits for the slowest reader, is told that it has
read everything.
"""

import argparse
import asyncio
import itertools
import os
import random
import signal
import subprocess
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from redis.asyncio import Redis

from api import machine, stack
from api.database import Database, open_database
from api.migrate import migrate
from api.settings import Settings, load
from tests.bench.table import last_line, percentile, rendered
from tests.bench.viewings import CREATOR_BPS, PRICE, SEGMENT_MS, SEGMENTS, Viewing, lines, owed, viewings
from tests.servers import free_ports, stopped, wait_for_port
from tests.stacks import ROOT, own_home
from workers.consumed import AUDIENCE
from workers.follow import ORIGIN, STREAMS, Position, done_key

PROGRAMS = ("redis", "postgres", "ship", "meter")
CURRENCY = "USD"  # the default
PACE_S = 0.01
PATIENCE_S = 600.0


@dataclass
class Measured:
    """Of the log that was there: lines and seconds, processor seconds by program, transactions of the meter."""

    lines: int
    seconds: float
    cpu: dict[str, float]
    batches: int
    late: list[float] = field(default_factory=list)

    @property
    def per_100k(self) -> dict[str, float]:
        return {name: used / self.lines * 100_000 for name, used in self.cpu.items()}


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    args = arguments()
    chance = random.Random(args.seed)
    crowd = viewings(args.sessions, chance)
    with ExitStack() as life:
        settings = life.enter_context(machine_of_its_own())
        programs = {name: life.enter_context(program(settings, name)) for name in ("postgres", "redis")}
        life.enter_context(listeners(settings))
        measured, wrong = asyncio.run(measure(settings, crowd, args, chance, programs, life))
        print(rendered(*table(measured)), flush=True)
        found = reconciled(settings)
    print(last_line("metering", figures(measured) | {"difference_micros": wrong} | found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./streamify bench metering", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few lines of few sessions: tries the bench only")
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--sessions", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=1000, help="lines a second, of the second part")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the second part")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.quick:
        args.lines, args.sessions, args.seconds = 20_000, 500, 1.0
    return args


@contextmanager
def machine_of_its_own() -> Iterator[Settings]:
    """A prepared home with its own ports and secrets."""
    with own_home() as home:
        gateway, base = free_ports()
        os.environ |= {"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(gateway), "PORT_BASE": str(base)}
        yield machine.prepare(load(os.environ))


@contextmanager
def program(settings: Settings, name: str) -> Iterator[int]:
    """A program of the stack, by the stack's own command: its process."""
    (wanted,) = [one for one in stack.programs(settings) if one.name == name]
    with (settings.home / f"log/{name}.log").open("ab") as log:
        process = subprocess.Popen(  # type: ignore[call-overload]
            wanted.command,
            cwd=ROOT,
            env=stack.environment(settings),
            stdout=log,
            stderr=log,
            **stack.account(settings).popen(),
        )
    with stopped(process, signal.Signals[f"SIG{wanted.stop}"]):
        port = {"billing": 3, "postgres": 5, "redis": 6}.get(name)
        if port is not None:
            wait_for_port(settings.number("PORT_BASE") + port, process)
        yield process.pid


class Listener(BaseHTTPRequestHandler):
    """Streaming or analytics: agrees to everything."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_PUT(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def listeners(settings: Settings) -> Iterator[None]:
    """Those whom the meter tells about money."""
    made = [ThreadingHTTPServer(("127.0.0.1", settings.port(name)), Listener) for name in ("streaming", "analytics")]
    for server in made:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        for server in made:
            server.shutdown()


async def measure(
    settings: Settings,
    crowd: list[Viewing],
    args: argparse.Namespace,
    chance: random.Random,
    programs: dict[str, int],
    life: ExitStack,
) -> tuple[Measured, int]:
    db = await open_database(settings.database_url("billing"), size=1)
    await migrate(db, ROOT / "api/billing/migrations")
    await sell(db, crowd)
    log, hidden = put_by(settings, lines(crowd, args.lines, round(time.time() * 1000) - 600_000, chance))
    programs |= {name: life.enter_context(program(settings, name)) for name in ("ship", "meter")}
    await ready(settings, hidden.stat().st_size)
    print(f"{args.lines} lines, {hidden.stat().st_size >> 20} MiB …", flush=True)
    measured = await backlog(db, programs, hidden, log, args.lines)
    print(f"{args.rate} lines a second …", flush=True)
    more = list(lines(crowd, round(args.rate * args.seconds), round(time.time() * 1000), chance))
    measured.late = await paced(db, log, more, args.rate)
    wrong = await difference(db, crowd, log)
    await db.close()
    return measured, wrong


def put_by(settings: Settings, written: Iterable[bytes]) -> tuple[Path, Path]:
    """An empty fetch log, and beside it the file of lines that will be renamed into its place."""
    log = settings.path("FETCH_LOG_ROOT") / "origin-1.log"
    hidden = log.with_name("hidden")
    with hidden.open("wb") as file:
        file.writelines(written)
    hidden.chmod(0o644)
    log.touch()
    return log, hidden


def reconciled(settings: Settings) -> dict[str, object]:
    """`./streamify reconcile` over everything that was billed: it must find no difference."""
    print("./streamify reconcile …", flush=True)
    with program(settings, "billing"):
        began = time.monotonic()
        done = subprocess.run(  # type: ignore[call-overload]
            stack.ours("reconcile"),
            cwd=ROOT,
            env=stack.environment(settings),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            **stack.account(settings).popen(),
        )
        seconds = time.monotonic() - began
    print(done.stdout, flush=True)
    told = dict(row.split(maxsplit=1) for row in done.stdout.splitlines() if len(row.split()) == 2)
    assert done.returncode in (0, 1) and int(told["charges"]) > 0, f"reconcile ended with {done.returncode}"
    return {"reconcile_differences": int(told["differences"]), "reconcile_s": seconds}


async def sell(db: Database, crowd: list[Viewing]) -> None:
    """Wallets with money, and a session for everyone, as billing makes them."""
    balances = {viewing.user_id: viewing.balance for viewing in crowd}
    columns = ("kind", "owner", "currency", "minor_micros", "balance_micros", "held_micros")
    watched = sorted({(viewing.user_id, viewing.video) for viewing in crowd})
    async with db.transaction() as tx:
        wallets = [("wallet", user_id, CURRENCY, 10_000, balance, 0) for user_id, balance in balances.items()]
        await tx.copy("account", columns, wallets)
        await tx.copy("account", columns, [("clearing_test", 0, CURRENCY, 10_000, None, None)])
        await tx.run("insert into journal (idem_key, kind, effective_at) values ('deposit', 'deposit', now())")
        await tx.run(DEPOSIT)
        rows = [(user_id, video, PRICE, CREATOR_BPS) for user_id, video in watched]
        await tx.copy("watch", ("user_id", "video_id", "price_micros_per_minute", "creator_bps"), rows)
        starts = [{"s": v.session_id, "u": v.user_id, "v": v.video, "c": v.creator} for v in crowd]
        await tx.run(START, starts=starts, price=PRICE, duration_ms=SEGMENT_MS * SEGMENTS)
    for name in ("account", "watch", "hold", "entry"):
        await db.run(f"vacuum analyze {name}")


DEPOSIT = """
    with paid as (select id, balance_micros from account where kind = 'wallet')
    insert into entry (journal_id, account_id, amount_micros, balance_after)
    select (select id from journal), id, balance_micros, balance_micros from paid
    union all
    select (select id from journal), (select id from account where kind = 'clearing_test'),
        (select -sum(balance_micros) from paid), null
"""
START = """
    insert into hold (session_id, account_id, watch_id, user_id, video_id, creator_id, price_micros_per_minute,
        duration_ms, audio_only, expires_at)
    select s, a.id, w.id, u, v, c, :price, :duration_ms, false, now() + interval '5 minutes'
    from json_to_recordset(:starts) as r (s text, u bigint, v bigint, c bigint)
    join account a on a.kind = 'wallet' and a.owner = u
    join watch w on w.user_id = u and w.video_id = v
"""


async def ready(settings: Settings, size: int) -> None:
    """Return once both programs look for lines; the audience has read all `size` bytes that will be there."""
    async with Redis.from_url(settings.text("REDIS_URL"), protocol=2) as redis:
        await redis.hset(done_key(ORIGIN), AUDIENCE, str(Position(1, size)))
        while not (await redis.smembers(STREAMS) and "xread" in {c["cmd"] for c in await redis.client_list()}):
            await asyncio.sleep(0.05)


async def backlog(db: Database, programs: dict[str, int], hidden: Path, log: Path, count: int) -> Measured:
    """All at once: from the log's appearance to the commit of its end."""
    size = hidden.stat().st_size
    used = {name: seconds_used(programs[name]) for name in PROGRAMS}
    began = time.monotonic()
    hidden.rename(log)
    await reached(db, size, 0.05)
    seconds = time.monotonic() - began
    cpu = {name: seconds_used(programs[name]) - used[name] for name in PROGRAMS}
    batches = await db.value("select count(*) from journal where kind = 'charge'")
    return Measured(count, seconds, cpu, batches)


def seconds_used(pid: int) -> float:
    """Processor seconds of a process and of its children, dead or alive."""
    family = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    # Fields 14 to 17 of proc(5), counted behind the name, which may hold blanks.
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:15] for one in family]
    return sum(map(int, itertools.chain(*fields))) / os.sysconf("SC_CLK_TCK")


async def reached(db: Database, size: int, every_s: float) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while await place(db) < size:
        assert time.monotonic() < deadline, f"the meter has not read {size} bytes in {PATIENCE_S:.0f} s"
        await asyncio.sleep(every_s)


async def place(db: Database) -> int:
    return int(await db.value("select coalesce(max(byte_offset), 0) from log_position"))


async def paced(db: Database, log: Path, more: list[bytes], rate: int) -> list[float]:
    """Seconds from the writing of each line to the commit of its charge."""
    written: list[tuple[int, float]] = []
    writer = asyncio.create_task(asyncio.to_thread(write, log, more, rate, written))
    late: list[float] = []
    seen = 0
    while not writer.done() or seen < len(written):
        offset, now = await place(db), time.monotonic()
        upto = bisect_left(written, offset + 1, key=lambda one: one[0])
        late += [now - at for _, at in written[seen:upto]]
        seen = upto
        await asyncio.sleep(0.005)
    await writer
    return late


def write(log: Path, more: list[bytes], rate: int, written: list[tuple[int, float]]) -> None:
    """Append lines at an even pace; notes where each ends, and when it was there."""
    offset, began, done = log.stat().st_size, time.monotonic(), 0
    with log.open("ab", buffering=0) as file:
        while done < len(more):
            due = more[done : round((time.monotonic() - began) * rate)]
            file.write(b"".join(due))
            now = time.monotonic()
            for line in due:
                offset += len(line)
                written.append((offset, now))
            done += len(due)
            time.sleep(PACE_S)


async def difference(db: Database, crowd: list[Viewing], log: Path) -> int:
    """Micros by which ledger and lines differ, over every wallet, creator and film; refused lines count as one each."""
    with log.open("rb") as file:
        right = owed(crowd, file)
    wrong = abs(right.bad - await db.value("select coalesce(sum(lines), 0)::bigint from rejected_line"))
    for kind, sign, sums in (
        ("wallet", -1, right.wallets),
        ("creator", 1, right.creators),
        ("revenue", 1, right.revenue),
    ):
        found = await db.value(BOOKED, kind=kind)
        booked = {int(owner): sign * amount for owner, amount in (found or {}).items()}
        wrong += sum(abs(sums.get(owner, 0) - booked.get(owner, 0)) for owner in sums.keys() | booked.keys())
    missing = (await db.value(BOOKED, kind="uncollected") or {}).get("0", 0)
    return int(wrong + abs(right.uncollected + missing))


BOOKED = """
    select json_object_agg(owner, amount) from (
        select a.owner, sum(e.amount_micros)::bigint as amount
        from entry e join account a on a.id = e.account_id join journal j on j.id = e.journal_id
        where a.kind = :kind and j.kind <> 'deposit'
        group by a.owner
    ) sums
"""


def table(measured: Measured) -> tuple[list[str], list[list[str | float | None]]]:
    columns = ["program", "CPU s", "CPU s per 100,000 lines"]
    rows: list[list[str | float | None]] = [
        [name, measured.cpu[name], measured.per_100k[name]] for name in sorted(PROGRAMS)
    ]
    return columns, [*rows, ["all", sum(measured.cpu.values()), sum(measured.per_100k.values())]]


def figures(measured: Measured) -> dict[str, object]:
    return {
        "lines_per_s": measured.lines / measured.seconds,
        "end_to_end_p50_s": percentile(measured.late, 0.5),
        "end_to_end_p99_s": percentile(measured.late, 0.99),
        "lines": measured.lines,
        "seconds": measured.seconds,
        "batches": measured.batches,
        "cpu_s_per_100k": measured.per_100k,
    }


if __name__ == "__main__":
    main()
