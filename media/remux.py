"""Copy samples of an MP4's track into media segments, or check that all of its pictures are what its index says.

Runs only inside the sandbox, as `python -I remux.py PATH REQUEST`, and writes into the folder it runs in. A segment
depends on its samples and its number alone, so any division of the work gives the same files.
"""

import importlib.util
import json
import os
import sys
from bisect import bisect_left
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from media import cmaf, runs
    from media import index as places
else:

    def _load(name):
        """A file beside this one: `-I` keeps our folder off the path, and the sandbox shows us these files only."""
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    cmaf, runs = _load("cmaf"), _load("runs")
    places = runs.places

SLICE = 1
PARAMETERS = (7, 8)  # SPS and PPS
FIRST_OF_PICTURE = 0x80  # the first bit of a slice: it begins at macroblock 0


def copy(file: int, index: places.Index, number: int, cuts: list[int]) -> None:
    """The segments from `number` on that begin at `cuts` (decode times, and the end): `<number>.m4s`."""
    keys = frozenset(index.keys)
    marks = [_sample_at(index, cut, last=cut == cuts[-1]) for cut in cuts]
    for (first, end), (begins, ends) in zip(pairwise(marks), pairwise(cuts), strict=True):
        times = [*index.times[first:end], ends]
        samples = [
            cmaf.Sample(index.read(file, at), times[at - first + 1] - times[at - first], index.offsets[at], at in keys)
            for at in range(first, end)
        ]
        _write(number, cmaf.segment(number + 1, begins, samples))
        number += 1


def _sample_at(index: places.Index, cut: int, *, last: bool) -> int:
    """The sample that is decoded at a cut; the last cut may be the end of a film."""
    sample = bisect_left(index.times, cut, 0, index.count)
    if sample < index.count and index.times[sample] == cut:
        return sample
    if last and sample == index.count:
        return sample
    raise places.Odd("no sample where a segment begins")


def _write(number: int, data: bytes) -> None:
    """A segment has its name only when it is whole."""
    with Path(f"{number}.part").open("wb") as part:
        part.write(data)
    Path(f"{number}.part").rename(f"{number}.m4s")
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def exact(file: int, index: places.Index, frame: int) -> bool:
    """Whether each sample is one picture, coded with the parameter sets of the index, and each sync sample an IDR."""
    told = runs.picture(index, file)
    if told is None or told["frame"] != frame:
        return False
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    avcc, keys = bytes.fromhex(told["avcc"]), frozenset(index.keys)
    prefix = (avcc[4] & 3) + 1
    return all(_is_picture(file, index, at, at in keys, (prefix, avcc)) for at in range(index.count))


def _is_picture(file: int, index: places.Index, at: int, key: bool, coding: tuple[int, bytes]) -> bool:
    prefix, avcc = coding
    slices = []
    for kind, first, place, length in runs.nals(file, index.position(at), index.sizes[at], prefix):
        if kind in runs.SLICES:
            slices.append((kind, bool(first & FIRST_OF_PICTURE)))
        elif kind < 0 or (kind in PARAMETERS and (length > len(avcc) or os.pread(file, length, place) not in avcc)):
            return False
    wanted = runs.IDR if key else SLICE
    return slices[:1] == [(wanted, True)] and all(one == (wanted, False) for one in slices[1:])


def main() -> None:
    """REQUEST: {"stream", and "number" and "cuts" or "frame"}. Prints each segment's number, or whether it is exact."""
    path, request = sys.argv[1:]
    asked: dict[str, Any] = json.loads(request)
    file = os.open(path, os.O_RDONLY)
    try:
        index = places.read_index(file, asked["stream"])
        if "frame" in asked:
            sys.stdout.write("exact\n" if exact(file, index, asked["frame"]) else "not exact\n")
        else:
            copy(file, index, asked["number"], asked["cuts"])
    except places.Odd as odd:
        sys.exit(f"Invalid data found: {odd}")


if __name__ == "__main__":
    main()
