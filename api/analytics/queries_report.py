"""SQL of reports of closed periods, kept as first given."""

from typing import Any

from api.analytics.period import Period, Step
from api.database import Queries


async def closed(db: Queries, scope: str, period: Period, step: Step) -> dict[str, Any] | None:
    """The kept report of a period."""
    return await db.value(
        """
        select body
        from closed_report
        where scope = :scope and start_at = :start and end_at = :end and tz = :tz and step = :step
        """,
        scope=scope,
        start=period.start,
        end=period.end,
        tz=period.zone.key,
        step=step,
    )


async def close(db: Queries, scope: str, period: Period, step: Step, body: dict[str, Any]) -> dict[str, Any]:
    """Keep a report unless one is kept already; gives the one that is."""
    return await db.value(
        """
        insert into closed_report (scope, start_at, end_at, tz, step, body)
        values (:scope, :start, :end, :tz, :step, :body)
        on conflict (scope, start_at, end_at, tz, step) do update set body = closed_report.body
        returning body
        """,
        scope=scope,
        start=period.start,
        end=period.end,
        tz=period.zone.key,
        step=step,
        body=body,
    )
