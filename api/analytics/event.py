"""Money facts from billing's outbox: each event counts once, however often and from wherever it is sent."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.analytics import queries_event, queries_video, rollup
from api.analytics.arrivals import MINUTE_MS
from api.analytics.queries_event import EventRow
from api.analytics.tally import Tally
from api.database import Database
from media.fetch import LATEST_MS

Id = Annotated[int, Field(gt=0, lt=1 << 31, strict=True)]
Name = Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]


class Event(BaseModel):
    """A charge or a refund; `amount_micros` is positive in both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name
    type: Literal["charge", "refund"]
    session_id: Name
    user_id: Id
    video_id: Id
    creator_id: Id
    amount_micros: Annotated[int, Field(ge=0, lt=1 << 53, strict=True)]
    at_ms: Annotated[int, Field(gt=0, lt=LATEST_MS, strict=True)]


class Events(BaseModel):
    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[Event], Field(max_length=5000)]


async def track(db: Database, events: Sequence[Event]) -> int:
    """Store and count those events that are new; gives how many were. A repeated id changes nothing."""
    if not events:
        return 0
    rows = {event.id: EventRow(**event.model_dump()) for event in reversed(events)}
    tally = Tally()
    async with db.transaction() as tx:
        new = [rows[id_] for id_ in await queries_event.add_events(tx, rows.values())]
        await queries_video.expect_owned(tx, {event.video_id: event.creator_id for event in new})
        for event in new:
            tally.owns(event.creator_id, event.video_id)
            for name, amount in _amounts(event).items():
                tally.add(event.video_id, event.at_ms // MINUTE_MS, name, amount)
        await rollup.add(tx, tally)
    return len(new)


def _amounts(event: EventRow) -> dict[str, int]:
    if event.type == "refund":
        return {"refund_micros": event.amount_micros}
    return {"charges": 1, "gross_micros": event.amount_micros}
