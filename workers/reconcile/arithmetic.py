"""The rule for money once more (`metering.md`, all numbers are its rules): media time in ms, money in micro-units."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

DAY_MS = 86_400_000
# Clocks of several machines may differ by this, where a watch ends or a line begins to be late.
SKEW_MS = 300_000
MOST_FORGIVEN_MS = 30_000
# Rule 5: so much of a watch may come at once, whatever the pacing (three devices, thirty segments of four seconds).
AT_ONCE_MS = 360_000


class Spans:
    """Rule 2: a set of media time, as the sorted moments at which it begins and ends in turn."""

    __slots__ = ("edges",)

    def __init__(self, edges: Iterable[int] = ()) -> None:
        self.edges = list(edges)

    def add(self, start: int, end: int) -> None:
        """Add [start, end): edges inside of it go, its own stay where nothing was before."""
        left, right = bisect_left(self.edges, start), bisect_right(self.edges, end)
        self.edges[left:right] = [start] * (left % 2 == 0) + [end] * (right % 2 == 0)

    def add_all(self, other: "Spans") -> None:
        for start, end in other.pairs():
            self.add(start, end)

    def pairs(self) -> list[tuple[int, int]]:
        return list(zip(self.edges[::2], self.edges[1::2], strict=True))

    def beyond(self, moment: int) -> "Spans":
        """Rule 6: what lies after the first `moment` of the film."""
        return Spans(edge for start, end in self.pairs() if end > moment for edge in (max(start, moment), end))

    @property
    def ms(self) -> int:
        return sum(self.edges[1::2]) - sum(self.edges[::2])


def joined(parts: Iterable[Spans]) -> Spans:
    whole = Spans()
    for part in parts:
        whole.add_all(part)
    return whole


def price_micros(billed_ms: int, micros_per_minute: int) -> int:
    """Rule 3: floored once, on the total."""
    return divmod(billed_ms * micros_per_minute, 60_000)[0]


def creators_micros(charged_micros: int, basis_points: int) -> int:
    """Rule 8: the platform has the rest."""
    return divmod(charged_micros * basis_points, 10_000)[0]


def unplayed_ms(fetched_ms: int, played_ms: int | None, brought_ms: int) -> int:
    """Rule 4: what an ended session fetched but cannot have played, of what it brought into its watch; at most 30 s."""
    if played_ms is None:
        return 0
    return max(0, min(fetched_ms - played_ms, brought_ms, MOST_FORGIVEN_MS))
