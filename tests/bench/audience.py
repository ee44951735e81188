"""Lines on disk become rollups: shipper, Valkey, audience and PostgreSQL as a machine runs them, nothing else.

The lines are those of the metering bench, of films that analytics knows. In the end the numbers are compared with what
is counted here from the same lines. The meter is that bench's business: the shipper is told that it has read all.
"""

import argparse
import asyncio
import json
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from redis.asyncio import Redis

from api.analytics import queries_video
from api.analytics.queries_video import Video
from api.database import Database, open_database
from api.migrate import migrate
from api.settings import Settings
from tests.bench.metering import PATIENCE_S, Measured, machine_of_its_own, program, put_by, seconds_used
from tests.bench.table import last_line, rendered
from tests.bench.viewings import SEGMENT_MS, SEGMENTS, VIDEOS, Viewing, creator_of, lines, viewings
from tests.stacks import ROOT
from workers.consumed import METER
from workers.follow import ORIGIN, STREAMS, Position, done_key

PROGRAMS = ("redis", "postgres", "ship", "audience")


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    args = arguments()
    chance = random.Random(args.seed)
    crowd = viewings(args.sessions, chance)
    with ExitStack() as life:
        settings = life.enter_context(machine_of_its_own())
        programs = {name: life.enter_context(program(settings, name)) for name in ("postgres", "redis")}
        measured, wrong_ms = asyncio.run(measure(settings, crowd, args, chance, programs, life))
    rows: list[list[str | float | None]] = [
        [name, measured.cpu[name], measured.per_100k[name]] for name in sorted(PROGRAMS)
    ]
    whole: list[str | float | None] = ["all", sum(measured.cpu.values()), sum(measured.per_100k.values())]
    print(rendered(["program", "CPU s", "CPU s per 100,000 lines"], [*rows, whole]))
    figures = {
        "lines_per_s": measured.lines / measured.seconds,
        "lines": measured.lines,
        "seconds": measured.seconds,
        "cpu_s_per_100k": measured.per_100k,
        "difference_ms": wrong_ms,
    }
    print(last_line("audience", figures))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./streamify bench audience", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few lines of few sessions: tries the bench only")
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--sessions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.quick:
        args.lines, args.sessions = 20_000, 500
    return args


async def measure(
    settings: Settings,
    crowd: list[Viewing],
    args: argparse.Namespace,
    chance: random.Random,
    programs: dict[str, int],
    life: ExitStack,
) -> tuple[Measured, int]:
    db = await open_database(settings.database_url("analytics"), size=1)
    await migrate(db, ROOT / "api/analytics/migrations")
    length_ms = SEGMENT_MS * SEGMENTS
    videos = range(1, VIDEOS + 1)
    await queries_video.save_videos(db, [Video(v, f"Film {v}", creator_of(v), length_ms, True) for v in videos])
    log, hidden = put_by(settings, lines(crowd, args.lines, round(time.time() * 1000) - 600_000, chance))
    programs |= {name: life.enter_context(program(settings, name)) for name in ("ship", "audience")}
    size = hidden.stat().st_size
    await ready(settings, size)
    print(f"{args.lines} lines, {size >> 20} MiB …", flush=True)
    used = {name: seconds_used(programs[name]) for name in PROGRAMS}
    began = time.monotonic()
    hidden.rename(log)
    await reached(db, size)
    seconds = time.monotonic() - began
    cpu = {name: seconds_used(programs[name]) - used[name] for name in PROGRAMS}
    wrong_ms = await difference(db, log)
    await db.close()
    return Measured(args.lines, seconds, cpu, 0), wrong_ms


async def ready(settings: Settings, size: int) -> None:
    """Return once both programs look for lines; the meter has read all `size` bytes that will be there."""
    async with Redis.from_url(settings.text("REDIS_URL"), protocol=2) as redis:
        await redis.hset(done_key(ORIGIN), METER, str(Position(1, size)))
        while not (await redis.smembers(STREAMS) and "xread" in {c["cmd"] for c in await redis.client_list()}):
            await asyncio.sleep(0.05)


async def reached(db: Database, size: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while int(await db.value("select coalesce(max(end_offset), 0) from log_position")) < size:
        assert time.monotonic() < deadline, f"the audience has not read {size} bytes in {PATIENCE_S:.0f} s"
        await asyncio.sleep(0.05)


async def difference(db: Database, log: Path) -> int:
    """Milliseconds by which the days of all films differ from the lines; a wrong number of sessions counts as well."""
    with log.open("rb") as file:
        right, sessions = watched(file)
    found = await db.value(COUNTED)
    counted = {int(video): ms for video, ms in (found or {}).items()}
    wrong = sum(abs(right.get(video, 0) - counted.get(video, 0)) for video in right.keys() | counted.keys())
    return int(wrong + abs(sessions - await db.value("select count(*) from session")))


COUNTED = """
    select json_object_agg(video_id, ms) from (
        select video_id, sum(watch_ms)::bigint as ms from rollup where grain_min = 1440 and video_id > 0 group by 1
    ) sums
"""


def watched(log: Iterable[bytes]) -> tuple[dict[int, int], int]:
    """Watch time by film, and the number of sessions: every line marked on the film's seconds, session by session."""
    marks: defaultdict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for line in log:
        try:
            said = json.loads(line)
            sent, size = said["bytes"], said["size"]
            if said["method"] != "GET" or said["status"] != 200 or said["rendition"].startswith("audio-"):
                continue
        except (ValueError, TypeError, KeyError):
            continue
        if 0 < size <= 2 * sent and (part := SEGMENT_MS * sent // size):
            seen = marks[said["session_id"], said["video"]]
            seen[said["index"]] = max(seen.get(said["index"], 0), part)
    sums: defaultdict[int, int] = defaultdict(int)
    for (_, video), seen in marks.items():
        sums[video] += sum(seen.values())
    return sums, len(marks)


if __name__ == "__main__":
    main()
