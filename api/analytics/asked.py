"""What may be asked for in a query string; anything else is refused with the field's name."""

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from api.analytics.history import Cursor, read_cursor
from api.analytics.period import EARLIEST, Moment, Period, Step, make_period, read_moment, read_zone, usual_step
from api.analytics.top import By, Group

MomentField = Annotated[Moment | None, PlainValidator(read_moment)]
Limit = Annotated[int, Field(ge=1, le=100)]


class Zoned(BaseModel):
    """`from` and the time zone whose days are meant."""

    model_config = ConfigDict(extra="forbid")

    first: MomentField = Field(default=None, alias="from")
    tz: Annotated[ZoneInfo, PlainValidator(read_zone)] = ZoneInfo("UTC")


class Range(Zoned):
    """A period; a `to` that is a date belongs to it."""

    format: Literal["json", "csv"] = "json"

    last: MomentField = Field(default=None, alias="to")

    def period(self, now: datetime) -> Period:
        """Raises InvalidRequest."""
        return make_period(self.first, self.last, self.tz, now)


class SeriesRange(Range):
    """A period in buckets."""

    interval: Step | None = None

    def step(self, period: Period, now: datetime) -> Step:
        return self.interval or usual_step(period, now)


class TopRange(Range):
    by: By = "views"
    limit: Limit = 10


class RevenueRange(SeriesRange):
    group: Group | None = None
    limit: Limit = 100


class HistoryRange(Range):
    cursor: Annotated[Cursor | None, PlainValidator(read_cursor)] = None
    limit: Limit = 50

    def period(self, now: datetime) -> Period:
        """All time, unless a beginning is asked for."""
        return make_period(self.first or EARLIEST, self.last, self.tz, now)


class ReportAsked(Zoned):
    format: Literal["json", "csv"] = "json"
