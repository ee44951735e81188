"""Sets of media time as sorted, disjoint, half-open intervals: what `int8multirange` is to the database."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

Spans = tuple[tuple[int, int], ...]


def union(spans: Iterable[tuple[int, int]]) -> Spans:
    """Any intervals, in any order and overlapping, as a set."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def minus(spans: Spans, others: Spans) -> Spans:
    """What of `spans` is not in `others`."""
    if not others:
        return spans
    left: list[tuple[int, int]] = []
    for first, end in spans:
        start = first
        # The first of `others` that ends after `start`; those before it cannot touch us.
        for i in range(bisect_right(others, start, key=lambda other: other[1]), len(others)):
            other_start, other_end = others[i]
            if other_start >= end or start >= end:
                break
            if other_start > start:
                left.append((start, other_start))
            start = other_end
        if start < end:
            left.append((start, end))
    return tuple(left)


def length(spans: Spans) -> int:
    return sum(end - start for start, end in spans)


def from_multirange(multirange: Any) -> Spans:
    """What the database gives for an `int8multirange`."""
    return tuple((found.lower, found.upper) for found in multirange)


def as_multirange(spans: Spans) -> str:
    """The text of an `int8multirange`."""
    return "{" + ",".join(f"[{start},{end})" for start, end in spans) + "}"
