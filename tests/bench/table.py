"""What a bench says in the end: a table for people, and one JSON object as the last line for programs."""

import json
import math
from collections.abc import Sequence

Cell = str | float | None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least `share` (0 to 1) of them do not exceed."""
    if not values or not 0 <= share <= 1:
        raise ValueError(f"no {share:.0%} of {len(values)} values")
    ranked = sorted(values)
    return ranked[max(1, math.ceil(share * len(ranked))) - 1]


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def rendered(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Columns as wide as their widest cell, words to the left, numbers to the right; a missing number is a dash."""
    cells = [list(columns), *([_text(cell) for cell in row] for row in rows)]
    if any(len(row) != len(columns) for row in cells):
        raise ValueError("every row needs a cell for each column")
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
    words = [all(isinstance(row[at], str) for row in rows) for at in range(len(columns))]
    lines = ["  ".join(_padded(*column) for column in zip(row, widths, words, strict=True)) for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def last_line(bench: str, figures: dict[str, object]) -> str:
    """The one JSON object of a bench, floats to three places."""
    return json.dumps({"bench": bench, **{name: _rounded(figure) for name, figure in figures.items()}})


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    return cell if isinstance(cell, str) else f"{cell:.2f}"


def _padded(text: str, width: int, is_word: bool) -> str:
    return text.ljust(width) if is_word else text.rjust(width)


def _rounded(figure: object) -> object:
    if isinstance(figure, float):
        return round(figure, 3)
    if isinstance(figure, dict):
        return {name: _rounded(inner) for name, inner in figure.items()}
    if isinstance(figure, list):
        return [_rounded(inner) for inner in figure]
    return figure
