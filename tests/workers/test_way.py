"""Units beside each other: what a viewer waits for goes first, and nobody is held back for ever."""

import asyncio
import functools
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.clients import Unit
from media.sandbox import Limits, Reins, run
from tests.videos.working import until
from workers.shop import Progress
from workers.way import Runner, Way, is_awaited


class Encoder:
    """A program that says its number and does nothing, as a unit of a worker."""

    def __init__(self, way: Way, *, awaited: bool = False, second: bool = False) -> None:
        self.progress, self.pid = Progress(), 0
        self.task = asyncio.create_task(self._run(way, awaited=awaited, second=second))

    async def _run(self, way: Way, *, awaited: bool, second: bool) -> None:
        async with way.taken(self.progress, awaited=awaited, second=second) as reins:
            await run(["/bin/sh", "-c", "echo $$; exec sleep 60"], Limits(60, 60), on_line=self._heard, reins=reins)

    def _heard(self, line: bytes) -> None:
        self.pid = int(line)

    @property
    def state(self) -> str:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]

    async def is_held_back(self) -> bool:
        return self.pid > 0 and self.state == "T"

    async def goes_on(self) -> bool:
        return self.pid > 0 and self.state != "T"

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


async def test_what_a_viewer_waits_for_holds_back_the_others_until_its_first_segment() -> None:
    way = Way()
    ahead = Encoder(way)
    await until(ahead.goes_on)
    wanted = Encoder(way, awaited=True)
    await until(ahead.is_held_back)
    await until(wanted.goes_on)
    other = Encoder(way, awaited=True)
    await until(other.goes_on)
    wanted.progress.count(1)
    other.progress.count(1)
    await until(ahead.goes_on)
    for encoder in (ahead, wanted, other):
        await encoder.end()
        assert not Path(f"/proc/{encoder.pid}").exists()


async def test_the_index_goes_after_the_first_segment_and_before_the_rest() -> None:
    way = Way()
    rest = Encoder(way)
    await until(rest.goes_on)
    index = Encoder(way, awaited=True, second=True)
    await until(rest.is_held_back)
    await until(index.goes_on)
    first = Encoder(way, awaited=True)
    await until(index.is_held_back)
    await until(first.goes_on)
    first.progress.count(1)
    await until(index.goes_on)
    assert await rest.is_held_back()
    await index.end()
    await until(rest.goes_on)
    for encoder in (rest, first):
        await encoder.end()


async def test_a_unit_that_ends_without_a_segment_clears_the_way() -> None:
    way = Way()
    ahead = Encoder(way)
    await until(ahead.goes_on)
    wanted = Encoder(way, awaited=True)
    await until(ahead.is_held_back)
    await wanted.end()
    await until(ahead.goes_on)
    await ahead.end()


async def test_who_was_held_back_for_eight_seconds_goes_on_whoever_waits() -> None:
    runner = Runner(Progress(), awaited=False)
    began = time.monotonic()
    held = []
    for second in range(40):
        runner.settle(began + second, hold=True)
        held.append(runner.is_held)
    assert held[:17] == [True] * 8 + [False] * 5 + [True] * 4
    assert 0.4 < sum(held[17:]) / len(held[17:]) < 0.6
    runner.settle(began + 41, hold=False)
    assert not runner.is_held


async def test_one_seek_after_the_other_goes_first() -> None:
    runner = Runner(Progress(), awaited=False)
    began = time.monotonic()
    for seek in range(3):
        runner.settle(began + 1.5 * seek, hold=True)
        assert runner.is_held
        runner.settle(began + 1.5 * seek + 1.4, hold=False)
        assert not runner.is_held


async def test_a_viewer_of_one_worker_holds_back_the_others_of_the_machine(tmp_path: Path) -> None:
    of = functools.partial(Way.of, tmp_path / "way")
    with of(interactive=True) as interactive, of(interactive=False) as batch, of(interactive=True) as other:
        ladder = Encoder(batch, awaited=True)
        await until(ladder.goes_on)
        wanted, also = Encoder(interactive, awaited=True), Encoder(other, awaited=True)
        await until(ladder.is_held_back)
        wanted.progress.count(1)
        await until(also.goes_on)
        assert await ladder.is_held_back()
        also.progress.count(1)
        await until(ladder.goes_on)
        for encoder in (ladder, wanted, also):
            await encoder.end()


async def test_who_dies_leaves_the_way_free(tmp_path: Path) -> None:
    code = "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_SH); sys.stdin.read()"
    argv = [sys.executable, "-c", code, str(tmp_path / "way")]
    with Way.of(tmp_path / "way", interactive=False) as batch:
        ladder = Encoder(batch)
        await until(ladder.goes_on)
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            await until(ladder.is_held_back)
            other.kill()
        await until(ladder.goes_on)
        await ladder.end()


async def test_a_program_begun_while_its_unit_is_held_back_waits_and_can_be_killed() -> None:
    reins, lines = Reins(), list[bytes]()
    reins.hold()
    begin = ["/bin/sh", "-c", "echo begun"]
    program = asyncio.create_task(run(begin, Limits(60, 60), on_line=lines.append, reins=reins))
    assert (await run(begin, Limits(1, 60), reins=reins)).timed_out
    assert lines == []
    reins.hold()
    reins.let_go()
    reins.let_go()
    assert (await program).ok
    assert lines == [b"begun\n"]


def unit(kind: str, first: int = 0, *, held: bool = False) -> Unit:
    return Unit(
        id=1,
        fence=1,
        lease_s=15,
        kind=kind,
        job_id=1,
        video_id=1,
        generation=1,
        source="film",
        filename="film.ts",
        renditions=["360p"],
        first_segment=first,
        end_segment=first + 1,
        attempt=1,
        plan={},
        held=held,
    )


def test_beginnings_indexes_and_what_is_asked_for_go_first() -> None:
    first = [unit("video"), unit("audio"), unit("index"), unit("video", 8, held=True), unit("copy", 2, held=True)]
    assert all(is_awaited(one) for one in first)
    assert not any(is_awaited(one) for one in (unit("video", 1), unit("audio", 1), unit("survey"), unit("extras")))
