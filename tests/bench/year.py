"""A year of numbers: two weeks of sample traffic counted by the analytics service, and the same again for the others.

Counting a year would take longer than asking about it. What the service counted is repeated for earlier days, shifted
by whole fortnights and with other people each time, so that a year has many more viewers than a day. No figure is
defined here: rows are copied, and minutes only as far back as the service keeps them.
"""

import time
from datetime import UTC, datetime, timedelta

from api.analytics import sampling
from api.analytics.sample import Crowd, Film
from api.database import Database

BASE_DAYS = 14
DAY = timedelta(days=1)
MINUTES_KEPT_DAYS = 90
STRIDE = 7919  # people of one fortnight are so far from those of the next

# Table, the columns that move with time, and the condition under which a row is repeated so many fortnights back.
MOVED = {
    "rollup": ({"at": "at - back"}, f"grain_min > 1 or n * {BASE_DAYS} <= {MINUTES_KEPT_DAYS}"),
    "viewer": ({"at": "at - back", "user_id": "other"}, "true"),
    "retention": ({"at": "at - back"}, "true"),
    "quality": ({"at": "at - back"}, "true"),
    "breakdown": ({"at": "at - back"}, "true"),
    "breakdown_viewer": ({"at": "at - back", "user_id": "other"}, "true"),
    "session": (
        {"first_at": "first_at - back", "last_at": "last_at - back", "user_id": "other", "session_id": "again"},
        "true",
    ),
    "event": ({"at": "at - back", "user_id": "other", "session_id": "again", "id": "id || '-' || n"}, "true"),
}


async def fill(db: Database, films: list[Film], first_user: int, users: int, seed: int, plays: int, days: int) -> int:
    """Numbers for at least `days` days up to today; gives how many playbacks that are."""
    await sampling.know(db, films)
    crowd = Crowd(films, first_user, users, seed, plays)
    began = time.monotonic()
    base = min(days, BASE_DAYS)
    made = await sampling.fill(db, crowd, datetime.now(UTC).date(), base)
    print(f"{made} playbacks of {base} days counted in {time.monotonic() - began:.0f} s", flush=True)
    times = -(-days // base) - 1
    for name in MOVED if times else ():
        await repeat(db, name, first_user, users, times)
    print(f"{times} times more after {time.monotonic() - began:.0f} s", flush=True)
    await db.run("vacuum analyze")
    return made * (times + 1)


async def repeat(db: Database, table: str, first_user: int, users: int, times: int) -> None:
    """Every row of a table once more for each of `times` fortnights before; one by one, as a statement has a limit."""
    moved, condition = MOVED[table]
    columns = await db.value(COLUMNS, table=table)
    chosen = ", ".join(moved.get(column, column) for column in columns)
    person = "user_id" if "user_id" in columns else "0"
    session = "substr(session_id, 1, 28) || 'r' || :n::integer" if "session_id" in columns else "''"
    begun = "first_at" if "first_at" in columns else "at"
    end = datetime.combine(datetime.now(UTC).date() + DAY, datetime.min.time(), UTC)
    # Copied first: rows are not to be repeated while they are being written.
    await db.run(f"create unlogged table base as select * from {table}")
    insert = f"""
        insert into {table} ({", ".join(columns)})
        select {chosen}
        from base
        cross join lateral (
            select :n::integer as n, :n::integer * interval '{BASE_DAYS} days' as back, {session} as again,
                :first_user::bigint + ({person} - :first_user::bigint + :n::bigint * {STRIDE}) % :users::bigint as other
        ) as place
        where ({condition}) and ({begun} < :end::timestamptz)
    """
    for n in range(1, times + 1):
        # What reaches into the day after the end would meet the fortnight that begins there.
        await db.run(insert, n=n, end=end, first_user=first_user, users=users)
    await db.run("drop table base")


COLUMNS = """
    select array_agg(attname::text order by attnum)
    from pg_attribute
    where attrelid = :table::regclass and attnum > 0 and not attisdropped
"""
