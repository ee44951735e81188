"""What a batch adds to the numbers: collected by video and minute, then spread over the stored grains.

Grains are buckets of 1, 15 and 1440 minutes; sums and sets are kept per video and for the platform (video 0).
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator
from typing import NamedTuple, TypeVar

PLATFORM = 0

Name = TypeVar("Name", bound=Hashable)


class Bucket(NamedTuple):
    """`minute` since 1970 at which the bucket begins."""

    grain_min: int
    video_id: int
    minute: int


class Tally:
    """Collects amounts; gives them as sorted rows without zeros, so that all writers lock in one order."""

    def __init__(self) -> None:
        self._sums: defaultdict[Bucket, Counter[str]] = defaultdict(Counter)
        self._steps: defaultdict[Bucket, Counter[int]] = defaultdict(Counter)
        self._viewers: set[tuple[Bucket, int]] = set()

    def add(self, video_id: int, minute: int, **amounts: int) -> None:
        """Amounts by column of `rollup`."""
        self._sums[Bucket(1, video_id, minute)].update(amounts)

    def retain(self, video_id: int, minute: int, steps: Counter[int], sign: int) -> None:
        """Steps of the retention curve, added or taken back."""
        self._steps[Bucket(1, video_id, minute)].update({step: sign * delta for step, delta in steps.items()})

    def viewer(self, video_id: int, minute: int, user_id: int) -> None:
        for bucket in _spread((15, 1440), (video_id, PLATFORM), minute):
            self._viewers.add((bucket, user_id))

    def sums(self) -> list[tuple[Bucket, Counter[str]]]:
        spread: defaultdict[Bucket, Counter[str]] = defaultdict(Counter)
        for (_, video_id, minute), amounts in self._sums.items():
            for bucket in _spread((1, 15, 1440), (video_id, PLATFORM), minute):
                spread[bucket].update(amounts)
        return _rows(spread)

    def steps(self) -> list[tuple[Bucket, Counter[int]]]:
        spread: defaultdict[Bucket, Counter[int]] = defaultdict(Counter)
        for (_, video_id, minute), amounts in self._steps.items():
            for bucket in _spread((15, 1440), (video_id,), minute):
                spread[bucket].update(amounts)
        return _rows(spread)

    def viewers(self) -> list[tuple[Bucket, int]]:
        return sorted(self._viewers)


def _spread(grains_min: tuple[int, ...], video_ids: tuple[int, ...], minute: int) -> Iterator[Bucket]:
    return (
        Bucket(grain_min, video_id, minute - minute % grain_min) for grain_min in grains_min for video_id in video_ids
    )


def _rows(spread: dict[Bucket, Counter[Name]]) -> list[tuple[Bucket, Counter[Name]]]:
    return [(bucket, spread[bucket]) for bucket in sorted(spread) if any(spread[bucket].values())]
