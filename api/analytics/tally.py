"""What a batch adds to the numbers: collected by video and minute, then spread over the stored grains and subjects.

Grains are buckets of 1, 15 and 1440 minutes. Subjects are a video, the platform (0), and all films of a creator, as the
owner's number below zero.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import NamedTuple, TypeVar

PLATFORM = 0
QUARTER, DAY = 15, 1440

Name = TypeVar("Name", bound=Hashable)


class Bucket(NamedTuple):
    """`minute` since 1970 at which the bucket begins."""

    grain_min: int
    video_id: int
    minute: int


class Part(NamedTuple):
    """A row of a breakdown: `kind` device, browser, system, country, rendition or startup."""

    bucket: Bucket
    kind: str
    name: str


class Tally:
    """Collects amounts; gives them as sorted rows without zeros, so that all writers lock in one order."""

    def __init__(self) -> None:
        self._owners: dict[int, int] = {}
        self._sums: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        self._quality: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        self._steps: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        self._parts: defaultdict[tuple[int, int, str, str], Counter[str]] = defaultdict(Counter)
        self._viewers: set[tuple[int, int, int]] = set()
        self._part_viewers: set[tuple[int, int, str, str, int]] = set()

    def owns(self, owner_id: int, video_id: int) -> None:
        """Whose film it is; 0 when nobody knows."""
        if owner_id > 0:
            self._owners[video_id] = owner_id

    def add(self, video_id: int, minute: int, name: str, amount: int) -> None:
        """An amount by column of `rollup`."""
        self._sums[video_id, minute][name] += amount

    def quality(self, video_id: int, minute: int, name: str, amount: int) -> None:
        """An amount by column of `quality`."""
        self._quality[video_id, minute - minute % QUARTER][name] += amount

    def retain(self, video_id: int, minute: int, steps: Counter[int], sign: int) -> None:
        """Steps of the retention curve, added or taken back."""
        into = self._steps[video_id, minute - minute % QUARTER]
        for step, delta in steps.items():
            into[step] += sign * delta

    def watched(self, video_id: int, minute: int, rendition: str, ms: int) -> None:
        self._parts[video_id, minute - minute % QUARTER, "rendition", rendition]["watch_ms"] += ms

    def started(self, video_id: int, minute: int, kind: str, name: str, sign: int) -> None:
        """A playback of a kind, added or taken back."""
        self._parts[video_id, minute - minute % QUARTER, kind, name]["starts"] += sign

    def viewer(self, video_id: int, minute: int, user_id: int) -> None:
        self._viewers.add((video_id, minute - minute % QUARTER, user_id))

    def part_viewer(self, video_id: int, minute: int, kind: str, name: str, user_id: int) -> None:
        self._part_viewers.add((video_id, minute - minute % DAY, kind, name, user_id))

    def sums(self) -> list[tuple[Bucket, Counter[str]]]:
        return _rows(self._spread((1, QUARTER, DAY), self._sums))

    def qualities(self) -> list[tuple[Bucket, Counter[str]]]:
        return _rows(self._spread((QUARTER, DAY), self._quality))

    def steps(self) -> list[tuple[Bucket, Counter[int]]]:
        # Those of the platform's films have nothing in common.
        spread = self._spread((QUARTER, DAY), self._steps)
        return [row for row in _rows(spread) if row[0].video_id != PLATFORM]

    def parts(self) -> list[tuple[Part, Counter[str]]]:
        spread: defaultdict[Part, Counter[str]] = defaultdict(Counter)
        for (video_id, minute, kind, name), amounts in self._parts.items():
            for bucket in self._buckets((QUARTER, DAY), video_id, minute):
                _add(spread[Part(bucket, kind, name)], amounts)
        return _rows(spread)

    def viewers(self) -> list[tuple[Bucket, int]]:
        return sorted({
            (bucket, user_id)
            for video_id, minute, user_id in self._viewers
            for bucket in self._buckets((QUARTER, DAY), video_id, minute)
        })  # fmt: skip

    def part_viewers(self) -> list[tuple[Part, int]]:
        return sorted({
            (Part(bucket, kind, name), user_id)
            for video_id, minute, kind, name, user_id in self._part_viewers
            for bucket in self._buckets((DAY,), video_id, minute)
        })  # fmt: skip

    def _buckets(self, grains_min: Collection[int], video_id: int, minute: int) -> Iterator[Bucket]:
        owner_id = self._owners.get(video_id)
        for grain_min in grains_min:
            at = minute - minute % grain_min
            yield Bucket(grain_min, video_id, at)
            yield Bucket(grain_min, PLATFORM, at)
            if owner_id is not None:
                yield Bucket(grain_min, -owner_id, at)

    def _spread(
        self, grains_min: Collection[int], amounts: Mapping[tuple[int, int], Counter[Name]]
    ) -> dict[Bucket, Counter[Name]]:
        spread: defaultdict[Bucket, Counter[Name]] = defaultdict(Counter)
        for (video_id, minute), some in amounts.items():
            for bucket in self._buckets(grains_min, video_id, minute):
                _add(spread[bucket], some)
        return spread


def _add(into: Counter[Name], amounts: Counter[Name]) -> None:
    for name, amount in amounts.items():
        into[name] += amount


Row = TypeVar("Row", Bucket, Part)


def _rows(spread: Mapping[Row, Counter[Name]]) -> list[tuple[Row, Counter[Name]]]:
    return [(row, spread[row]) for row in sorted(spread) if any(spread[row].values())]
