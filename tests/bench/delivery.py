"""Signed files through the gateway against the same nginx serving the same files to anybody.

5,000 sessions with a token each, verdicts as short-lived as shipped, only the pace per session raised. Signed and plain
take turns in short rounds and the ratio of a round is what counts, so that a noisy machine disturbs both alike. Beside
requests per second stand the processor microseconds that nginx itself spends on one request: they depend neither on
this client, which shares the machine, nor on who else is busy. Plain turns are short, so that verdicts are renewed
as they are while people watch, and not all together at the start of a signed turn. `bound_*` is the same ratio of an
nginx that only reads a verdict it was given long ago: how near to plain files `auth_request` can come at all.
"""

import argparse
import asyncio
import math
import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from api.database import open_database
from api.streaming import token
from tests.bench import plain
from tests.bench.load import Crowd, Target, request
from tests.bench.table import last_line, median, percentile, rendered
from tests.servers import free_port
from tests.stacks import Stack, running_stack

VIDEO, FILM_MS, ASK_EVERY_S = 7, 600_000, 4
PLAIN_TURN = 0.25
KEPT = 50  # tokens for the bound: few enough that each has its verdict before anything is measured
FOLDER = f"{VIDEO}/1/1080p"


@dataclass(frozen=True)
class Case:
    """A file of `size` bytes and the least ratio that is good enough; `program`: which nginx serves it signed."""

    name: str
    file: str
    size: int
    goal: float
    program: str = "gateway"


CASES = (
    Case("1mb", "0-0-4000.m4s", 1 << 20, 0.97),
    Case("100kb", "1-4000-8000.m4s", 100 << 10, 0.85),
    Case("playlist", "index.m3u8", 2 << 10, 0.40),
    Case("edge_hit", "2-8000-12000.m4s", 100 << 10, 0.85, "edge"),
)


@dataclass
class Side:
    """One of the ways to a file, and what it took, round by round."""

    target: Target
    nginx: int
    rates: list[float] = field(default_factory=list)
    microseconds: list[float] = field(default_factory=list)


# Signed, plain, and behind a verdict that is never renewed.
Sides = tuple[Side, Side, Side]


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    args = arguments()
    with ExitStack() as life:
        edge_port = free_port()
        stack = life.enter_context(running_stack("--edge", EDGE_PORT=str(edge_port), MEDIA_RATE="1000000"))
        life.enter_context(quiet(stack))
        put_files(stack)
        tokens = asyncio.run(sessions(stack, args.tokens))
        port, pid = life.enter_context(plain.running(stack.home / "media", stack.settings.path("VERDICT_SOCKET")))
        crowd = life.enter_context(Crowd(os.cpu_count() or 1))
        ports, programs = {"gateway": stack.gateway_port, "edge": edge_port}, stack.programs()
        measured = {}
        for case in args.cases:
            print(f"{case.name} …", flush=True)
            signed = tuple(request(f"/v/{text}/{FOLDER}/{case.file}") for text in tokens)
            authorised = tuple(request(f"/authorised/{text}/{FOLDER}/{case.file}") for text in tokens[:KEPT])
            sides = (
                Side(Target(ports[case.program], signed, case.size), programs[case.program]["pid"]),
                Side(Target(port, (request(f"/{FOLDER}/{case.file}"),), case.size), pid),
                Side(Target(port, authorised, case.size), pid),
            )
            measured[case.name] = take_turns(crowd, sides, args.rounds, args.seconds)
        print(rendered(*table(measured)), flush=True)
        print("latency …", flush=True)
        added = added_p99_ms(crowd, [side.target for side in measured["100kb"][:2]], args)
    print(last_line("delivery", figures(measured) | {"added_p99_ms": added}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./streamify bench delivery", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few tokens, short rounds: tries the bench only")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0, help="of the signed turn in a round")
    args = parser.parse_args()
    args.cases, args.tokens = CASES, 5000
    if args.quick:
        args.rounds, args.seconds, args.tokens = 2, 0.3, 50
    return args


@contextmanager
def quiet(stack: Stack) -> Iterator[None]:
    """Hold the shipper, as the speed of money is another bench's, and the sweeper, which ends sessions that pause."""
    programs = stack.programs()
    pids = [programs[name]["pid"] for name in ("ship", "sweep")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def put_files(stack: Stack) -> None:
    folder = stack.home / "media" / FOLDER
    folder.mkdir(parents=True)
    for case in CASES:
        (folder / case.file).write_bytes(os.urandom(case.size))
    for path in (folder, *folder.parents):
        if path == stack.home:
            break
        path.chmod(0o755)


async def sessions(stack: Stack, count: int) -> list[str]:
    """Tokens of as many sessions of as many viewers."""
    db = await open_database(stack.settings.database_url("streaming"), size=1)
    ids = [uuid.uuid4().hex for _ in range(count)]
    columns = ("session_id", "user_id", "video_id", "generation", "duration_ms", "price_per_minute")
    async with db.transaction() as tx:
        rows = [(one, 1000 + number, VIDEO, 1, FILM_MS, 0) for number, one in enumerate(ids)]
        await tx.copy("stream_sessions", columns, rows)
    await db.close()
    signer = token.make_signer(stack.settings.secret("TOKEN_SECRET"))
    return [token.write(signer, token.issue(one, VIDEO, FILM_MS, time.time())) for one in ids]


def take_turns(crowd: Crowd, sides: Sides, rounds: int, seconds: float) -> Sides:
    turns = tuple(zip(sides, (seconds, seconds * PLAIN_TURN, seconds * PLAIN_TURN), strict=True))
    for side, turn in reversed(turns):
        crowd.flood(side.target, turn)  # files into the page cache, first verdicts
    for _ in range(rounds):
        for side, turn in turns:
            used = plain.seconds_used(side.nginx)
            done, rate = crowd.flood(side.target, turn)
            side.rates.append(rate)
            side.microseconds.append((plain.seconds_used(side.nginx) - used) * 1e6 / done)
    return sides


def added_p99_ms(crowd: Crowd, targets: list[Target], args: argparse.Namespace) -> float:
    """What authorisation adds to the slowest hundredth when each session asks as often as a player does."""
    rate = args.tokens / ASK_EVERY_S
    crowd.paced(targets, rate, 2 * args.seconds)
    windows = [crowd.paced(targets, rate, args.seconds) for _ in range(args.rounds)]
    return median([(percentile(signed, 0.99) - percentile(open_, 0.99)) * 1000 for signed, open_ in windows])


def ratios(one: Side, other: Side) -> tuple[float, float]:
    """One over the other, in requests per second of the machine and of nginx's own processor time."""
    rates = [a / b for a, b in zip(one.rates, other.rates, strict=True)]
    return median(rates), sum(other.microseconds) / (sum(one.microseconds) or math.inf)


def table(measured: dict[str, Sides]) -> tuple[list[str], list[list[str | float | None]]]:
    columns = ["file", "signed/s", "plain/s", "ratio", "goal", "bound", "signed us", "plain us", "nginx ratio"]
    goals = {case.name: case.goal for case in CASES}
    rows: list[list[str | float | None]] = []
    for name, (signed, open_, authorised) in measured.items():
        rate, cost = ratios(signed, open_)
        row: list[str | float | None] = [name, median(signed.rates), median(open_.rates), rate, goals[name]]
        row.append(ratios(authorised, open_)[0])
        rows.append([*row, median(signed.microseconds), median(open_.microseconds), cost])
    return columns, rows


def figures(measured: dict[str, Sides]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, (signed, open_, authorised) in measured.items():
        rate, cost = ratios(signed, open_)
        bound, least = ratios(authorised, open_)
        found |= {
            f"ratio_{name}": rate,
            f"nginx_ratio_{name}": cost,
            f"bound_{name}": bound,
            f"nginx_bound_{name}": least,
        }
        found |= {f"signed_per_s_{name}": median(signed.rates), f"plain_per_s_{name}": median(open_.rates)}
    return found


if __name__ == "__main__":
    main()
