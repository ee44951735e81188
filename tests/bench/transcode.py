"""The full ladder of a 1080p film by the real worker loop, against plain FFmpeg used as others use it.

`vs_*` compare the wall clock of the ladder's units (pictures and sound) with that of a whole reference; probe, survey
and the finish with its checks are shown, and counted in `vs_single_whole`. All processes have as many threads.
"""

import argparse
import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

from tests.bench import sources
from tests.bench.job import Cost, Job
from tests.bench.references import Reference
from tests.bench.table import Cell, last_line, rendered

SECONDS = 64  # sixteen segments: two workers can share them evenly
QUICK_SECONDS = 16
THREADS = (1, 2, 4)


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    args = arguments()
    size, seconds = ("640x360", QUICK_SECONDS) if args.quick else ("1920x1080", args.seconds)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        film = sources.Workshop(Path(name), size).film(sources.MP4_OPEN_GOP, seconds)
        bench = Bench(Path(name), film, seconds)
        bench.run(args.threads)
    bench.say(args.threads)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./streamify bench transcode", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short, small film: tries the bench, measures nothing")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"length of the film, {SECONDS} unless told")
    cores = os.cpu_count() or 1
    parser.add_argument("--threads", type=int, default=cores, help=f"of each process in the comparison, here {cores}")
    return parser.parse_args()


class Bench:
    """Every way of making the same film, and what each cost."""

    def __init__(self, folder: Path, film: Path, seconds: int) -> None:
        self._folder, self._film, self._seconds = folder, film, seconds
        self._engine: dict[tuple[int, int], Job] = {}
        self._references: dict[str, Cost] = {}

    def run(self, threads: int) -> None:
        """References between runs of the engine, so that a machine that slows down wrongs neither."""
        plan = self.engine(threads).plan
        for name in ("single", "per_rung", "pieces"):
            self._reference(name, Reference(plan, self._film, self._folder / name, threads))
        for many in THREADS:
            self.engine(many)
        self.engine(1, workers=2)

    def engine(self, threads: int, workers: int = 1) -> Job:
        """The film made by so many workers of so many threads, once."""
        if (threads, workers) not in self._engine:
            say(f"engine, {workers} x {threads} threads …")
            home = self._folder / f"engine-{threads}-{workers}"
            job = self._engine[threads, workers] = Job(home, self._film, threads)
            asyncio.run(job.make(workers))
            shutil.rmtree(home)
        return self._engine[threads, workers]

    def _reference(self, name: str, reference: Reference) -> None:
        say(f"{name} …")
        reference.out.mkdir()
        cost = self._references[name] = Cost()
        with cost.counted():
            getattr(reference, name)()
        shutil.rmtree(reference.out)

    def say(self, threads: int) -> None:
        job = self._engine[threads, 1]
        rungs = ", ".join(f"{rung.name} {rung.width}x{rung.height}" for rung in job.plan.rungs)
        say(f"\n{self._seconds} s of {job.plan.width}x{job.plan.height}, {threads} threads a process; rungs: {rungs}")
        rows = [self._row("engine: the ladder", job.ladder), self._row("engine: all of it", job.whole)]
        rows += [self._row(f"reference: {name}", cost) for name, cost in self._references.items()]
        say(rendered(["way", "wall s", "x real time", "CPU s", "CPU s per media s"], rows))
        kinds: list[list[Cell]] = [[kind, wall] for kind, wall in job.busy.items()]
        say("\n" + rendered(["units of kind", "busy s"], kinds))
        table = [
            self._row(f"{workers} of {many}", found.ladder) for (many, workers), found in sorted(self._engine.items())
        ]
        say("\n" + rendered(["workers of threads", "wall s", "x real time", "CPU s", "CPU s per media s"], table))
        print(last_line("transcode", self._figures(threads)))

    def _row(self, name: str, cost: Cost) -> list[Cell]:
        return [name, cost.wall, self._seconds / cost.wall, cost.cpu, cost.cpu / self._seconds]

    def _figures(self, threads: int) -> dict[str, object]:
        job, references = self._engine[threads, 1], self._references
        costs = {"engine": job.ladder, "engine_whole": job.whole, **references}
        return {
            "vs_single": job.ladder.wall / references["single"].wall,
            "vs_single_whole": job.whole.wall / references["single"].wall,
            "vs_per_rung": job.ladder.wall / references["per_rung"].wall,
            "vs_pieces": job.ladder.wall / references["pieces"].wall,
            "scaling_2_workers": self._engine[1, 1].ladder.wall / self._engine[1, 2].ladder.wall,
            "cpu_s_per_media_s": {name: cost.cpu / self._seconds for name, cost in costs.items()},
            "threads_wall_s": {many: self._engine[many, 1].ladder.wall for many in THREADS},
        }


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
