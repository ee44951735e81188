"""50 viewers play while every process is killed in turn, the fetch log is rotated and two films are encoded.

Nothing is lost or counted twice between what viewers received, the lines of the log and the ledger; playback goes on;
every segment seen is the whole file; both films become ready. A minute and a half within the suite;
`pytest tests/faults --full` plays several hours of viewers' time and holds playback to its ten seconds, which a machine
that runs other tests beside cannot promise.

One thing cannot be promised: nginx sends the last bytes of a segment and then, with nothing in between, writes its
line. SIGKILL between those two calls leaves one segment of that worker unlogged, and unpaid.
"""

import asyncio
import contextlib
import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.database import open_database
from tests import films
from tests.faults import oracle
from tests.faults.viewers import Received, Viewer, span_ms
from tests.stacks import Person, Stack, running_stack

pytestmark = pytest.mark.timeout(3600)

VIEWERS, PRICE, MONEY = 50, 60, 5_000
FILM_S = 96
RESUMES_S = 10.0
IN_BETWEEN_S = 0.5  # how long a worker that is not given the processor may be between those two calls


@dataclass(frozen=True)
class Length:
    """How the hour is spread: `every_s` between kills, `times` that each process is killed, `speed` of playback."""

    every_s: float
    times: int
    speed: float
    resumes_s: float


SHORT, FULL = Length(0.5, 1, 2.0, 60.0), Length(6.0, 3, 1.0, RESUMES_S)


@dataclass
class Faults:
    """Who was killed, and when (s of `time.time`)."""

    stack: Stack
    killed: list[tuple[str, float]] = field(default_factory=list)

    def programs(self) -> list[str]:
        return sorted(self.stack.programs())

    def kill(self, program: str) -> None:
        """SIGKILL; the gateway's master and one of its workers take turns."""
        pid = self.stack.programs()[program]["pid"]
        if program == "gateway" and self._count(program) % 2 == 0:
            program, pid = "gateway worker", children(pid)[0]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed.append((program, time.time()))

    def _count(self, program: str) -> int:
        return sum(name.startswith(program) for name, _ in self.killed)

    def in_between(self, received: Received) -> list[float]:
        """When workers were killed that may have been about to write the line of a segment."""
        kills = [at for name, at in self.killed if name == "gateway worker"]
        return [at for at in kills if received.asked < at < received.at + IN_BETWEEN_S]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def small_film(out: Path, seconds: int) -> Path:
    """Many small segments that are quickly made."""
    films.ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=size=160x90:rate=25:duration={seconds}"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k"),
        *("-shortest", str(out)),
    )
    return out


async def until(look: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not await look():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        await asyncio.sleep(0.2)


async def play_through(stack: Stack, video: int, length: Length) -> tuple[list[Viewer], Faults]:
    """Every viewer plays until every process was killed often enough and the stack is well again."""
    viewers = [Viewer(stack.url, number, length.speed) for number in range(VIEWERS)]
    for first in range(0, VIEWERS, 5):  # a password costs auth a tenth of a second of a whole core
        await asyncio.gather(*(viewer.sign_up(MONEY) for viewer in viewers[first : first + 5]))
    stop, faults = asyncio.Event(), Faults(stack)
    playing = [asyncio.create_task(viewer.play(video, stop)) for viewer in viewers]

    async def all_play() -> bool:
        return all(viewer.received for viewer in viewers) or any(task.done() for task in playing)

    try:
        await until(all_play, 120, "every viewer's first segment")
        for program in ["gateway", *await asyncio.to_thread(faults.programs)] * length.times:
            await asyncio.to_thread(faults.kill, program)
            await asyncio.sleep(length.every_s)
        before = [len(viewer.received) for viewer in viewers]

        async def all_go_on() -> bool:
            gone_on = zip(viewers, before, strict=True)
            return all(len(viewer.received) > count for viewer, count in gone_on) or any(t.done() for t in playing)

        await until(all_go_on, 120, "every viewer to go on")
    finally:
        stop.set()
        await asyncio.gather(*playing)
    return viewers, faults


def nothing_lost_or_doubled(viewers: list[Viewer], rows: list[dict[str, object]], faults: Faults) -> int:
    """Each segment received whole has exactly one line; no line speaks of a segment nobody asked for.

    Each kill of a worker excuses one line at most. Gives how many did.
    """
    logged = Counter(row["request_id"] for row in rows)
    assert [request for request, count in logged.items() if count > 1] == []
    received = [one for viewer in viewers for one in viewer.received]
    lost = [one for one in received if one.request_id not in logged]
    excused = {id(one): faults.in_between(one) for one in lost}
    assert [one for one in lost if not excused[id(one)]] == []
    assert len({at for kills in excused.values() for at in kills}) >= len(lost), lost
    sessions = {viewer.session_id: viewer for viewer in viewers}
    lines = Counter((row["session_id"], f"{row['rendition']}/{row['index']}-{row['start_ms']}-") for row in rows)
    for (session, path), count in lines.items():
        asked = sum(times for name, times in sessions[str(session)].asked.items() if name.startswith(path))
        assert count <= asked, (session, path)
    return len(lost)


def every_segment_was_whole(stack: Stack, video: int, viewers: list[Viewer]) -> None:
    folder = stack.home / "media" / str(video) / "1"
    seen = {(one.path, one.sha256) for viewer in viewers for one in viewer.received}
    assert seen == {(path, hashlib.sha256((folder / path).read_bytes()).hexdigest()) for path, _ in seen}


def well(stack: Stack) -> bool:
    unwell = [name for name, row in stack.programs().items() if not row["well"]]
    if unwell:
        print(f"not well yet: {unwell}")
    return not unwell


async def charged(stack: Stack, video: int) -> dict[int, int]:
    """What left each viewer's wallet, from the entries of the ledger themselves."""
    db = await open_database(stack.settings.database_url("billing"), size=1)
    try:
        async with db.connection() as connection:
            found = await connection.raw.fetch(
                "select a.owner, -sum(e.amount_micros)::bigint as micros from entry e"
                " join account a on a.id = e.account_id join hold h on h.session_id = e.session_id"
                " where a.kind = 'wallet' and h.video_id = $1 group by 1",
                video,
            )
    finally:
        await db.close()
    return {row["owner"]: row["micros"] for row in found}


async def test_viewers_play_on_and_pay_exactly_what_the_log_says(tmp_path: Path, full: bool) -> None:
    length = FULL if full else SHORT
    # A gateway that does not pace: whoever resumes asks for much at once.
    with running_stack(FETCH_LOG_ROTATE_BYTES="65536", MEDIA_RATE="50") as stack:
        owner = Person(stack, "owner-of-the-film@example.org")
        video = owner.upload(small_film(tmp_path / "film.mp4", FILM_S), PRICE)
        owner.wait_until(video, "ready")
        others = [
            owner.upload(small_film(tmp_path / f"{n}.mp4", 20 + n), title=f"Encoded meanwhile {n}") for n in range(2)
        ]
        viewers, faults = await play_through(stack, video, length)
        await until(lambda: asyncio.to_thread(well, stack), 60, "every program to be well again")
        for other in others:
            await asyncio.to_thread(owner.wait_until, other, "ready")
        log = stack.home / "log/fetch"

        async def paid() -> bool:
            return await charged(stack, video) == oracle.due_micros(oracle.lines(log), video, PRICE)

        await until(paid, 60, "the ledger to agree with the log")
        rows = oracle.lines(log)
        lost = nothing_lost_or_doubled(viewers, rows, faults)
        every_segment_was_whole(stack, video, viewers)
        generations = {path.name.split(".")[0] for path in log.rglob("origin-*.log*")}
    assert len(generations) > 3
    assert [viewer.refused for viewer in viewers if viewer.refused] == []
    assert {name for name, _ in faults.killed} > {"gateway", "redis", "postgres", "ship", "meter", "streaming"}
    report(viewers, rows, faults, f"{len(generations)} generations, {lost} lines lost with a worker")
    assert max(max(viewer.waits) for viewer in viewers) < length.resumes_s


def report(viewers: list[Viewer], rows: list[dict[str, object]], faults: Faults, log: str) -> None:
    """The figures, for who runs it by hand (`-s`)."""
    received = [one for viewer in viewers for one in viewer.received]
    pictures_ms = sum(e - s for s, e in (span_ms(one.path) for one in received if not one.path.startswith("audio-")))
    waits = sorted(wait for viewer in viewers for wait in viewer.waits)
    print(
        f"\n{len(viewers)} viewers, {pictures_ms / 3_600_000:.2f} h of pictures, {len(received)} whole segments,"
        f" {len(rows)} lines in {log}, {len(faults.killed)} kills,"
        f" waits: median {waits[len(waits) // 2]:.2f} s, longest {waits[-1]:.2f} s"
    )
