"""What a user watched, session by session, and what each cost."""

from datetime import datetime

from api.analytics import queries_event, summary
from api.analytics.figures import Answer
from api.analytics.money import Currency
from api.analytics.period import LATEST, Period
from api.analytics.queries_event import Activity
from api.analytics.summary import Reading
from api.analytics.times import from_ms, to_ms
from api.analytics.video import titled

LAST_PAGE = (LATEST, "")
MOST = 20_000
COLUMNS = (
    "session_id",
    "video_id",
    "title",
    "watch_time",
    "watch_time_ms",
    "revenue",
    "revenue_micros",
    "created_at",
)

Cursor = tuple[datetime, str]


async def history(reading: Reading, user_id: int, period: Period, before: Cursor | None, limit: int) -> Answer:
    """A page of the user's own sessions, newest first; `next_cursor` leads on, None ends."""
    rows = await queries_event.activities(
        reading.db, user_id, start=period.start, end=period.end, before=before or LAST_PAGE, limit=limit + 1
    )
    known = await titled(reading.db, reading.clients, {row.video_id for row in rows})
    shown = rows[:limit]
    return await summary.frame(reading, period, "watch_time", "revenue") | {
        "items": [_item(row, known[row.video_id].title, reading.currency) for row in shown],
        "next_cursor": _cursor(shown[-1]) if len(rows) > limit else None,
    }


async def whole(reading: Reading, user_id: int, period: Period) -> list[Answer]:
    """All of a period, newest first, as far as anybody scrolls."""
    rows = await queries_event.activities(
        reading.db, user_id, start=period.start, end=period.end, before=LAST_PAGE, limit=MOST
    )
    return [_item(row, row.title, reading.currency) for row in rows]


def _item(row: Activity, title: str, currency: Currency) -> Answer:
    return {
        "session_id": row.session_id,
        "video_id": row.video_id,
        "title": title,
        "watch_time": row.delivered_ms // 1000,
        "watch_time_ms": row.delivered_ms,
        "revenue": currency.minor(row.micros),
        "revenue_micros": row.micros,
        "created_at": row.first_at,
    }


def _cursor(row: Activity) -> str:
    return f"{to_ms(row.first_at)}.{row.session_id}"


def read_cursor(text: str) -> Cursor:
    """A `next_cursor` of ours; raises ValueError."""
    ms, _, session_id = text.partition(".")
    if not (ms.isascii() and ms.isdigit() and len(ms) <= 13 and session_id.isprintable()):
        raise ValueError("must be a next_cursor of an earlier answer")
    return from_ms(int(ms)), session_id
