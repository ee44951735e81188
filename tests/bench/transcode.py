"""The full ladder of a 1080p film by the real worker loop, against plain FFmpeg used as others use it.

`vs_*` compare the wall clock of the ladder's units (pictures and sound) with that of a whole reference; probe, survey
and the finish with its checks are shown, and counted in `vs_single_whole`. All processes have as many threads. Workers
and threads are compared on a 720p film, so that ten minutes suffice. The film is an ordinary MP4, which plays by stream
copy; one that cannot be copied has the first half minute of its 360p encoded before and beside the rest.
"""

import argparse
import asyncio
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from tests.bench import sources
from tests.bench.job import Cost, Job
from tests.bench.references import Reference
from tests.bench.table import Cell, last_line, rendered

SECONDS = 64  # sixteen segments: two workers can share them evenly
QUICK_SECONDS = 16
REFERENCES = ("single", "per_rung", "pieces")
# (workers, threads): what is compared by goals first.
CREWS = ((1, 1), (2, 1), (1, 2), (1, 4))
ENOUGH_S = 440.0  # no further crew is tried after that
COLUMNS = ["wall s", "x real time", "CPU s", "CPU s per media s"]


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    args = arguments()
    large, small = ("640x360", "426x240") if args.quick else ("1920x1080", "1280x720")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        bench = Bench(Path(name), QUICK_SECONDS if args.quick else args.seconds, args.threads)
        bench.compare(large)
        bench.try_crews(small)
    bench.say()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./streamify bench transcode", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short, small films: tries the bench, measures nothing")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"length of the films, {SECONDS} unless told")
    cores = os.cpu_count() or 1
    parser.add_argument("--threads", type=int, default=cores, help=f"of each process in the comparison, here {cores}")
    return parser.parse_args()


class Bench:
    """Every way of making the same film, and what each cost."""

    def __init__(self, folder: Path, seconds: int, threads: int) -> None:
        self._folder, self._seconds, self._threads = folder, seconds, threads
        self._until = time.monotonic() + ENOUGH_S
        self._references: dict[str, Cost] = {}
        self._crews: dict[tuple[int, int], Job] = {}

    def compare(self, size: str) -> None:
        """The engine, then each reference with the rungs and settings that the engine came to."""
        film = self._film(size)
        self._job = self._made(film, 1, self._threads)
        for name in REFERENCES:
            reference = Reference(self._job.plan, film, self._folder / name, self._threads)
            reference.out.mkdir()
            cost = self._references[name] = Cost()
            with cost.counted():
                getattr(reference, name)()
            shutil.rmtree(reference.out)
            self._note(f"{name} at {size}", cost)

    def try_crews(self, size: str) -> None:
        """So many workers of so many threads."""
        film = self._film(size)
        for workers, threads in CREWS:
            if time.monotonic() < self._until:
                self._crews[workers, threads] = self._made(film, workers, threads)

    def _film(self, size: str) -> Path:
        folder = self._folder / size
        folder.mkdir()
        return sources.Workshop(folder, size).film(sources.MP4, self._seconds)

    def _made(self, film: Path, workers: int, threads: int) -> Job:
        home = film.with_name(f"home-{workers}-{threads}")
        job = Job(home, film, threads)
        asyncio.run(job.make(workers))
        shutil.rmtree(home)
        self._note(f"engine at {film.parent.name}, {workers} of {threads}", job.ladder)
        return job

    def _note(self, name: str, cost: Cost) -> None:
        print(f"{name}: {cost.wall:.1f} s, {cost.cpu:.1f} s of CPU", flush=True)

    def say(self) -> None:
        job = self._job
        rungs = ", ".join(f"{rung.name} {rung.width}x{rung.height}" for rung in job.plan.rungs)
        tracks = ", ".join(f"{track.name} {track.bitrate // 1000}k" for track in job.plan.tracks)
        print(f"\n{self._seconds} s of {job.plan.width}x{job.plan.height}, {self._threads} threads a process")
        print(f"rungs: {rungs}; sound: {tracks}\n")
        rows = [self._row("engine: the ladder", job.ladder), self._row("engine: all of it", job.whole)]
        rows += [self._row(f"reference: {name}", cost) for name, cost in self._references.items()]
        print(rendered(["way", *COLUMNS], rows))
        busy: list[list[Cell]] = [[kind, seconds] for kind, seconds in job.busy.items()]
        print("\n" + rendered(["units of kind", "busy s"], busy))
        crews = [self._row(f"{workers} of {threads}", job.ladder) for (workers, threads), job in self._crews.items()]
        print("\n" + rendered(["workers of threads", *COLUMNS], crews))
        print(last_line("transcode", self._figures()))

    def _row(self, name: str, cost: Cost) -> list[Cell]:
        return [name, cost.wall, self._seconds / cost.wall, cost.cpu, cost.cpu / self._seconds]

    def _figures(self) -> dict[str, object]:
        job, references, crews = self._job, self._references, self._crews
        costs = {"engine": job.ladder, "engine_whole": job.whole, **references}
        pair = [crews[crew].ladder.wall for crew in ((1, 1), (2, 1)) if crew in crews]
        return {
            "vs_single": job.ladder.wall / references["single"].wall,
            "vs_single_whole": job.whole.wall / references["single"].wall,
            "vs_per_rung": job.ladder.wall / references["per_rung"].wall,
            "vs_pieces": job.ladder.wall / references["pieces"].wall,
            "scaling_2_workers": pair[0] / pair[1] if len(pair) == 2 else None,
            "cpu_s_per_media_s": {name: cost.cpu / self._seconds for name, cost in costs.items()},
            "threads_wall_s": {str(threads): job.ladder.wall for (n, threads), job in crews.items() if n == 1},
        }


if __name__ == "__main__":
    main()
