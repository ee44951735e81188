"""Interval sets against plain sets of milliseconds."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.analytics.spans import Spans, length, minus, union

intervals = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda one: (one[0], sum(one))), max_size=8)


def points(spans: Spans | list[tuple[int, int]]) -> set[int]:
    return {ms for start, end in spans for ms in range(start, end)}


@given(intervals)
def test_a_union_holds_every_point_once_in_sorted_separate_intervals(one: list[tuple[int, int]]) -> None:
    found = union(one)
    assert points(found) == points(one)
    assert length(found) == len(points(one))
    assert all(left[1] < right[0] for left, right in pairwise(found))


@given(intervals, intervals)
def test_minus_leaves_exactly_what_the_other_has_not(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    found = minus(union(one), union(other))
    assert points(found) == points(one) - points(other)
    assert union(found) == found
