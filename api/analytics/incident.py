"""Moments at which something went wrong for a session: sets, so that a line read twice is one incident."""

from collections.abc import Mapping
from typing import Literal

from api.analytics import queries_incident
from api.analytics.arrivals import Key, Moments
from api.analytics.spans import length, union
from api.analytics.tally import Tally
from api.database import Connection

Kind = Literal["error", "starvation"]
COLUMNS: dict[Kind, str] = {"error": "errors", "starvation": "starvations"}


async def add(tx: Connection, tally: Tally, kind: Kind, moments: Mapping[Key, Moments]) -> None:
    """Store moments, and count those that are new."""
    if not moments:
        return
    known = await queries_incident.incidents(tx, kind, moments.keys())
    changed = []
    for key, minutes in sorted(moments.items()):
        for minute, new in minutes.items():
            had = known.get((key, minute), ())
            here = union((*had, *new))
            if here != had:
                changed.append((key, minute, here))
                tally.quality(key.video_id, minute, COLUMNS[kind], length(here) - length(had))
    if changed:
        await queries_incident.save_incidents(tx, kind, changed)
