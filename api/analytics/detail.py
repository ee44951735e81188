"""What is kept for a while only: the minutes of sessions go, totals stay; and users who leave take their name along."""

from datetime import date, datetime, timedelta

from api.analytics import queries_detail, queries_position
from api.database import Database


async def tidy(db: Database, keep_days: int, now: datetime) -> dict[str, int]:
    """Make partitions for this month and the next; drop whole months of which every day is older than `keep_days`."""
    made = dropped = 0
    month = now.date().replace(day=1)
    async with db.transaction() as tx:
        await queries_position.lock_writer(tx)
        for wanted in (month, _next(month)):
            made += await queries_detail.make_detail(tx, wanted)
        if keep_days:
            dropped = await queries_detail.drop_detail(tx, (now - timedelta(days=keep_days)).date().replace(day=1))
    return {"made": made, "dropped": dropped}


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


async def forget_user(db: Database, user_id: int) -> int:
    """What a user did belongs to nobody from now on, and no total changes; the number of sessions. Repeatable."""
    async with db.transaction() as tx:
        await queries_position.lock_writer(tx)
        await queries_detail.lock_user(tx, user_id)
        if not await queries_detail.is_known(tx, user_id):
            return 0
        return await queries_detail.rename_user(tx, user_id, await queries_detail.next_forgotten(tx))
