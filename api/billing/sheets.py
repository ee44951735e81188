"""Tables for spreadsheets: CSV as RFC 4180 has it, in which no cell of text can become a formula.

Spreadsheets calculate every cell that begins like a formula (CWE-1236), whatever quotes surround it. Numbers are ours
and stay what they are.
"""

from collections.abc import Iterable
from datetime import datetime

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
MEDIA_TYPE = "text/csv; charset=utf-8; header=present"

Cell = str | int | datetime | None


def line(cells: Iterable[Cell]) -> str:
    """One record with its CRLF (RFC 4180, section 2)."""
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat().replace("+00:00", "Z")
    if isinstance(cell, int):
        return str(cell)
    text = f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) else cell
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') or text != text.strip() else text
