"""Carving a unit where a viewer waits for a segment of it: what is waited for becomes a small unit of its own.

Whatever is asked for, and in whatever order, every segment of a rendition belongs to exactly one unit, so no two
workers ever make the same one; what follows is about spans alone.
"""

from dataclasses import dataclass

# A little more than half a minute: enough for a player to stay ahead, little enough to be there soon.
MOST_SOON = 8
# A running unit is left alone when the segment waited for is this near, in segments or at its present speed.
NEAR = 2
NEAR_S = 1.5
SEGMENT_S = 4.0


@dataclass(frozen=True)
class Piece:
    """Segments [first, end) of some renditions; `wanted` when a viewer waits for it, `soon` when that one goes on."""

    renditions: list[str]
    first: int
    end: int
    wanted: bool = False
    soon: bool = False


def carve(unit: Piece, rendition: str, index: int) -> list[Piece]:
    """The pieces of a unit in whose `rendition` somebody waits for segment `index`; they tile it exactly.

    That one is made alone: an encoder that goes on gives it away a third of a second of film later, and sound all at
    once. What lies before stays as it is, a few more of the one rendition are next, those of the others and the rest
    follow at their leisure.
    """
    after = min(index + MOST_SOON, unit.end)
    others = [name for name in unit.renditions if name != rendition]
    pieces = [
        Piece(unit.renditions, unit.first, index),
        Piece([rendition], index, index + 1, wanted=True),
        Piece([rendition], index + 1, after, soon=True),
        Piece(others, index, after),
        Piece(unit.renditions, after, unit.end),
    ]
    return [piece for piece in pieces if piece.renditions and piece.first < piece.end]


def is_small(unit: Piece, rendition: str) -> bool:
    """Whether a unit is as small as carving would make it."""
    return unit.renditions == [rendition] and unit.end - unit.first <= MOST_SOON


def is_near(unit: Piece, made: int, speed: float, index: int) -> bool:
    """Whether a running unit, `made` segments into its span at `speed` times real time, is best simply waited for."""
    ahead = index - unit.first - made
    return ahead < NEAR or (ahead + 1) * SEGMENT_S <= NEAR_S * speed
