"""The full ladder of a 1080p film by the real worker loop, against plain FFmpeg used as others use it.

`vs_*` compare the wall clock of the ladder's units (pictures and sound) with that of a whole reference; probe, survey
and the finish with its checks are shown, and counted in `vs_single_whole`. All processes are told the same number of
threads, and the film is what a telephone delivers, in an ordinary MP4, which plays by stream copy: one that cannot be
copied has the first half minute of its 360p encoded before and beside the rest. Workers are compared on a smaller film,
each with a core of its own. `others` is the part of the machine that somebody else had during a row: above a few
percent the walls mean little, and `cpu_vs_*` say more.
"""

import argparse
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import sources
from tests.bench.cost import Cost
from tests.bench.job import Job
from tests.bench.references import Reference
from tests.bench.table import Cell, last_line, rendered

# Seconds and size of the film, and of that for a crew. Nine segments are two units: as often as in a long film one
# process ends and another begins. Sixteen are two of the same length, one for each worker.
FILMS = ((33, "1920x1080"), (64, "960x540"))
QUICK = ((9, "640x360"), (36, "320x180"))
REFERENCES = ("single", "per_rung", "pieces")
THREADS = (1, 2, 4)
# Goals first; the last ones only while there is time, unless they are asked for.
ROWS = ("engine", "single", "per_rung", "workers_1", "workers_2", "pieces", *(f"threads_{count}" for count in THREADS))
SPARE = ROWS[5:]
ENOUGH_S = 460.0  # a spare row takes up to two minutes, and ten are allowed
COLUMNS = ["wall s", "x real time", "CPU s", "CPU s per media s", "others %"]


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    args = arguments()
    until = time.monotonic() + ENOUGH_S
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(Path(folder), args)
        for row in args.only or ROWS:
            if args.only or row not in SPARE or time.monotonic() < until:
                bench.measure(row)
        bench.say()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./streamify bench transcode", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short, small films: tries the bench, measures nothing")
    parser.add_argument("--seconds", type=int, help=f"length of the film, {FILMS[0][0]} unless told")
    cores = os.cpu_count() or 1
    parser.add_argument("--threads", type=int, default=cores, help=f"of each process in the comparison, here {cores}")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=f"some of: {' '.join(ROWS)}")
    return parser.parse_args()


class Bench:
    """Every way of making the same film, and what each cost."""

    def __init__(self, folder: Path, args: argparse.Namespace) -> None:
        (seconds, size), (self._crew_seconds, crew_size) = QUICK if args.quick else FILMS
        self._folder, self._seconds, self._threads = folder, args.seconds or seconds, args.threads
        self._large, self._small = self._film(size, self._seconds), self._film(crew_size, self._crew_seconds)
        self._job = self._looked(self._large, self._threads)
        self._costs: dict[str, Cost] = {}

    def measure(self, row: str) -> None:
        """One row, said at once."""
        ways: dict[str, Callable[[], Cost | None]] = {"engine": self._engine}
        ways |= {name: partial(self._reference, name) for name in REFERENCES}
        ways |= {f"workers_{count}": partial(self._crew, count) for count in (1, 2)}
        ways |= {f"threads_{count}": partial(self._threaded, count) for count in THREADS}
        if (cost := ways[row]()) is not None:
            self._costs[row] = cost
            print(f"{row}: {cost.wall:.1f} s, {cost.cpu:.1f} s of CPU", flush=True)

    def _film(self, size: str, seconds: int) -> Path:
        folder = self._folder / size
        folder.mkdir()
        return sources.Workshop(folder, size).film(sources.CAMERA, seconds)

    def _looked(self, film: Path, threads: int) -> Job:
        """A job whose plan is made; its home goes with it."""
        job = Job(Path(tempfile.mkdtemp(dir=self._folder)), film, threads)
        job.look()
        return job

    def _engine(self) -> Cost:
        self._job.encode()
        self._job.finish()
        return self._job.ladder

    def _reference(self, name: str) -> Cost:
        """With the rungs and settings that the engine came to."""
        reference = Reference(self._job.plan, self._large, self._folder / name, self._threads)
        reference.out.mkdir()
        cost = Cost()
        with cost.counted():
            getattr(reference, name)()
        shutil.rmtree(reference.out)
        return cost

    def _crew(self, count: int) -> Cost | None:
        """So many workers of one thread, where cores can be given away and there are as many."""
        if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < count:
            return None
        return self._encoded(self._looked(self._small, 1), count)

    def _threaded(self, count: int) -> Cost:
        """The ladder by one worker with so many threads."""
        if count == self._threads and "engine" in self._costs:
            return self._costs["engine"]
        return self._encoded(self._looked(self._large, count))

    def _encoded(self, job: Job, cores: int = 0) -> Cost:
        job.encode(cores)
        shutil.rmtree(job.home)
        return job.ladder

    def say(self) -> None:
        job, plan = self._job, self._job.plan
        rungs = ", ".join(f"{rung.name} {rung.width}x{rung.height}" for rung in plan.rungs)
        tracks = ", ".join(f"{track.name} {track.bitrate // 1000}k" for track in plan.tracks)
        rate = self._large.stat().st_size * 8 / self._seconds / 1e6
        print(f"\n{self._seconds} s of {plan.width}x{plan.height} at {rate:.1f} Mbit/s, {self._threads} threads each;")
        print(f"workers_*: {self._crew_seconds} s of {self._small.parent.name}, one thread and one core each")
        print(f"rungs: {rungs}; sound: {tracks}\n")
        rows = [self._row(name, cost) for name, cost in self._costs.items()]
        if "engine" in self._costs:
            rows.insert(1, self._row("engine, all of it", job.whole))
        print(rendered(["way", *COLUMNS], rows))
        busy: list[list[Cell]] = [[kind, seconds] for kind, seconds in job.busy.items()]
        print("\n" + rendered(["units of kind", "busy s"], busy))
        print(last_line("transcode", self._figures()))

    def _row(self, name: str, cost: Cost) -> list[Cell]:
        seconds = self._length(name)
        others = None if cost.share_of_others is None else 100 * cost.share_of_others
        return [name, cost.wall, seconds / cost.wall, cost.cpu, cost.cpu / seconds, others]

    def _length(self, row: str) -> int:
        return self._crew_seconds if row.startswith("workers") else self._seconds

    def _figures(self) -> dict[str, object]:
        costs = self._costs
        walls, cpus = ({name: getattr(cost, of) for name, cost in costs.items()} for of in ("wall", "cpu"))
        whole = {"whole": self._job.whole.wall} if "engine" in costs else {}
        return {
            **{f"vs_{name}": _ratio(walls, "engine", name) for name in REFERENCES},
            "vs_single_whole": _ratio(walls | whole, "whole", "single"),
            "scaling_2_workers": _ratio(walls, "workers_1", "workers_2"),
            **{f"cpu_vs_{name}": _ratio(cpus, "engine", name) for name in REFERENCES},
            "cpu_s_per_media_s": {name: cpu / self._length(name) for name, cpu in cpus.items()},
            "threads_wall_s": {str(n): walls.get(f"threads_{n}") for n in THREADS},
            "others_share": {name: cost.share_of_others for name, cost in costs.items()},
        }


def _ratio(figures: dict[str, float], over: str, under: str) -> float | None:
    """None where one of them was not measured."""
    return figures[over] / figures[under] if over in figures and under in figures else None


if __name__ == "__main__":
    main()
