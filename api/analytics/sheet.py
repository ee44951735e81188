"""Answers as CSV: one header line, then one row per item, with times as RFC 3339 in UTC. Pure."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime

from api.analytics.figures import Answer


def as_csv(rows: Sequence[Mapping[str, object]], columns: Sequence[str] = ()) -> str:
    """The rows; their columns are those of the first, unless named."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or (list(rows[0]) if rows else []), extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def buckets(found: Answer, whole: str) -> str:
    """A series, one row each, and the figures under `whole` as the last row."""
    columns = ["row", "start", "end", *found[whole]]
    rows = [{"row": "bucket"} | bucket for bucket in found["series"]]
    total = {"row": "total", "start": found["from"], "end": found["to"]} | found[whole]
    return as_csv([*rows, total], columns)


def _plain(value: object) -> object:
    """Text that a spreadsheet would take for a formula is told to be text."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
