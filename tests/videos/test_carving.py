"""Carving: whatever is asked for, every segment of every rendition stays in exactly one unit."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.videos.carving import MOST_SOON, Piece, carve, is_near, is_small

LADDER = ["240p", "540p", "720p"]

CASES = [
    # a unit of one rendition: what lies before, one for the viewer, a few that are next, the rest
    (["360p"], (0, 100), "360p", 40, [("360p", 0, 40), ("360p!", 40, 41), ("360p+", 41, 48), ("360p", 48, 100)]),
    (["360p"], (0, 100), "360p", 0, [("360p!", 0, 1), ("360p+", 1, 8), ("360p", 8, 100)]),
    (["360p"], (0, 100), "360p", 99, [("360p", 0, 99), ("360p!", 99, 100)]),
    (["360p"], (0, 100), "360p", 92, [("360p", 0, 92), ("360p!", 92, 93), ("360p+", 93, 100)]),
    (["360p"], (8, 16), "360p", 8, [("360p!", 8, 9), ("360p+", 9, 16)]),
    (["360p"], (8, 9), "360p", 8, [("360p!", 8, 9)]),
    # a unit of several: only one of them is hurried
    (
        *(LADDER, (0, 20), "540p", 5),
        [
            *(("240p 540p 720p", 0, 5), ("540p!", 5, 6), ("540p+", 6, 13)),
            *(("240p 720p", 5, 13), ("240p 540p 720p", 13, 20)),
        ],
    ),
    (LADDER, (0, 8), "240p", 0, [("240p!", 0, 1), ("240p+", 1, 8), ("540p 720p", 0, 8)]),
    (LADDER, (0, 8), "720p", 7, [("240p 540p 720p", 0, 7), ("720p!", 7, 8), ("240p 540p", 7, 8)]),
]


def told(piece: Piece) -> tuple[str, int, int]:
    return " ".join(piece.renditions) + "!" * piece.wanted + "+" * piece.soon, piece.first, piece.end


@pytest.mark.parametrize(("renditions", "span", "rendition", "index", "pieces"), CASES)
def test_what_is_waited_for_becomes_a_unit_of_its_own(
    renditions: list[str], span: tuple[int, int], rendition: str, index: int, pieces: list[tuple[str, int, int]]
) -> None:
    assert [told(piece) for piece in carve(Piece(renditions, *span), rendition, index)] == pieces


@given(st.integers(1, 60), st.lists(st.tuples(st.sampled_from(LADDER), st.integers(0, 59)), max_size=30))
def test_whatever_is_asked_for_each_segment_is_in_one_unit(length: int, asked: list[tuple[str, int]]) -> None:
    units = [Piece(LADDER, 0, length)]
    for rendition, index in asked:
        for number, unit in enumerate(units):
            if rendition in unit.renditions and unit.first <= index < unit.end:
                pieces = carve(unit, rendition, index)
                units[number : number + 1] = pieces
                (wanted,) = [piece for piece in pieces if piece.wanted]
                assert (wanted.renditions, wanted.first, wanted.end) == ([rendition], index, index + 1)
                break
    places = Counter((name, i) for unit in units for name in unit.renditions for i in range(unit.first, unit.end))
    assert places == dict.fromkeys(((name, i) for name in LADDER for i in range(length)), 1)


@pytest.mark.parametrize(
    ("made", "speed", "index", "near"),
    [
        (0, 0.0, 11, True),
        (0, 0.0, 12, False),
        (5, 0.0, 16, True),
        (5, 0.0, 17, False),
        (0, 2.0, 12, False),
        (0, 8.0, 12, True),
        (0, 8.0, 13, False),
        (0, 400.0, 100, True),
    ],
)
def test_a_running_unit_is_left_alone_when_it_will_be_there_soon(
    made: int, speed: float, index: int, near: bool
) -> None:
    assert is_near(Piece(["360p"], 10, 200), made, speed, index) is near


def test_a_carved_unit_is_not_carved_again() -> None:
    assert is_small(Piece(["360p"], 3, 3 + MOST_SOON), "360p")
    assert not is_small(Piece(["360p"], 3, 4 + MOST_SOON), "360p")
    assert not is_small(Piece(LADDER, 3, 4), "240p")
