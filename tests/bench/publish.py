"""From the last byte of an upload to the first bytes of its first segment, and seeks to where nothing is encoded yet.

The batch worker is busy with another film all the while. Each film is deleted once it is measured, so that none waits
for its predecessor. Times are what a client sees through the gateway; `probe` comes from the worker's log.
"""

import argparse
import json
import random
import signal
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench import sources, viewer
from tests.bench.table import last_line, median, percentile, rendered
from tests.stacks import Person, Stack, running_stack, wait_for

SEEKS = 3
AGAIN_UNTIL = time.monotonic() + 300  # later than this, one run of each film is enough
FAR = 3  # segments between a seek and anything that is encoded, where the film is long enough for that


@dataclass(frozen=True)
class Case:
    """A film to measure: `quick` is its length, in seconds, when only the bench itself is tried."""

    name: str
    kind: sources.Kind
    seconds: int
    quick: int
    runs: int


CASES = (
    Case("mp4_1min", sources.MP4, 60, 24, 3),
    Case("mp4_10min", sources.MP4, 600, 48, 2),
    Case("mp4_2h", sources.MP4_LONG, 7200, 96, 1),
    Case("mkv_10min", sources.MKV, 600, 48, 2),
    Case("ts_10min", sources.TS, 600, 48, 2),
    # Not named by the goals: MP4 whose pictures cannot be copied, as its keyframes are not where decoding can begin.
    Case("mp4_open_gop_1min", sources.MP4_OPEN_GOP, 60, 24, 2),
)


@dataclass(frozen=True)
class Measured:
    """Seconds of one upload, step by step."""

    finalise: float
    bell: float
    probe: float
    playlists: float
    segment: float
    seeks: list[float]
    rendition: str

    @property
    def first(self) -> float:
        return self.finalise + self.bell + self.probe + self.playlists + self.segment


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    args = arguments()
    size = "854x480" if args.quick else "1920x1080"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running_stack(MAX_SESSIONS="10") as stack:
        workshop, uploader = sources.Workshop(Path(folder), size), Person(stack, "bench@example.org")
        occupy(stack, uploader, workshop, args.quick)
        measured = {case.name: runs(stack, uploader, workshop, case, args.quick) for case in args.cases}
    print(rendered(*table(measured)))
    print(last_line("publish", figures(measured)))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./streamify bench publish", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short, small films: tries the bench, measures nothing")
    known = {case.name: case for case in CASES}
    parser.add_argument("--only", choices=known, action="append", help="this film, and others named like this")
    args = parser.parse_args()
    args.cases = [known[name] for name in args.only or known]
    return args


def occupy(stack: Stack, uploader: Person, workshop: sources.Workshop, quick: bool) -> None:
    """Upload a film that keeps the batch worker busy until the end, and wait until it does."""
    film = workshop.film(sources.MP4_OPEN_GOP, 240 if quick else 1600)
    video = viewer.upload(uploader, film).video
    film.unlink()
    wait_for(lambda: "video" in [e["kind"] for e in started(stack, "batch", video)], 120, "the batch to be busy")


def runs(stack: Stack, uploader: Person, workshop: sources.Workshop, case: Case, quick: bool) -> list[Measured]:
    film = workshop.film(case.kind, case.quick if quick else case.seconds)
    found: list[Measured] = []
    while not found or (len(found) < case.runs and not quick and time.monotonic() < AGAIN_UNTIL):
        wait_for(lambda: not encoders(stack, "worker-interactive"), 120, "the interactive worker to be free")
        print(f"{case.name}, run {len(found) + 1} …", flush=True)
        found.append(measure(stack, uploader, film))
    film.unlink()
    return found


def measure(stack: Stack, uploader: Person, film: Path) -> Measured:
    sent = viewer.upload(uploader, film)
    playable = viewer.playable(uploader, sent.video)
    playback = viewer.Playback(uploader, sent.video)
    opened = time.time()
    playback.fetch(playback.init)
    first = playback.fetch(playback.segments[0]).first
    seeks = [seek(stack, sent.video, playback, number) for number in range(SEEKS)]
    playback.end()
    probing = started(stack, "interactive", sent.video)[0]["at"]
    assert uploader.http.delete(f"/api/videos/{sent.video}").status_code == 204
    return Measured(
        finalise=sent.answered - sent.last_byte,
        bell=probing - sent.answered,
        probe=playable - probing,
        playlists=opened - playable,
        segment=first - opened,
        seeks=[seconds for seconds in seeks if seconds is not None],
        rendition=playback.rendition,
    )


def seek(stack: Stack, video: int, playback: viewer.Playback, number: int) -> float | None:
    """Seconds until a whole segment is there that nobody has encoded yet; None when there is no such one left."""
    folder = next((stack.home / "media" / str(video)).glob("[0-9]*")) / playback.rendition
    there = {at for at, name in enumerate(playback.segments) if (folder / name).exists()}
    missing = [at for at in range(len(playback.segments)) if at not in there]
    far = [at for at in missing if there.isdisjoint(range(at - FAR, at + FAR + 1))]
    if not missing:
        return None
    wanted = random.Random(number).choice(far or missing)
    began = time.time()
    return playback.fetch(playback.segments[wanted]).last - began


def started(stack: Stack, queue: str, video: int) -> list[dict[str, Any]]:
    """The units of a video that a worker of `queue` has begun: kind and time, from its log."""
    found = []
    for line in (stack.home / f"log/worker-{queue}.log").read_text().splitlines():
        if '"unit.started"' in line and (event := json.loads(line))["video"] == video:
            found.append({"kind": event["kind"], "at": datetime.fromisoformat(event["timestamp"]).timestamp()})
    return found


def encoders(stack: Stack, program: str) -> list[int]:
    """Processes that a worker has under way."""
    worker = stack.programs()[program]["pid"]
    return [int(pid) for pid in Path(f"/proc/{worker}/task/{worker}/children").read_text().split()]


def table(measured: dict[str, list[Measured]]) -> tuple[list[str], list[list[str | float | None]]]:
    columns = ["film", "plays", "first s", "finalise", "bell", "probe", "playlists", "segment", "seek", "worst seek"]
    rows: list[list[str | float | None]] = []
    for name, found in measured.items():
        steps = [median([getattr(one, step) for one in found]) for step in STEPS]
        seeks = [seconds for one in found for seconds in one.seeks]
        row: list[str | float | None] = [name, found[-1].rendition, median([one.first for one in found]), *steps]
        rows.append([*row, *((median(seeks), max(seeks)) if seeks else (None, None))])
    return columns, rows


STEPS = ("finalise", "bell", "probe", "playlists", "segment")


def figures(measured: dict[str, list[Measured]]) -> dict[str, object]:
    """Medians of the runs; the seeks of all films together."""
    seeks = [seconds for found in measured.values() for one in found for seconds in one.seeks]
    return {
        "first_s": {name: median([one.first for one in found]) for name, found in measured.items()},
        "seek_p95_s": percentile(seeks, 0.95) if seeks else None,
        "seeks": len(seeks),
        "steps_s": {
            name: {step: median([getattr(one, step) for one in found]) for step in STEPS}
            for name, found in measured.items()
        },
    }


if __name__ == "__main__":
    main()
