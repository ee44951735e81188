"""What users allow themselves to spend on a day, and what they have spent."""

from datetime import datetime

from api.database import Queries


async def limit(db: Queries, user_id: int) -> int | None:
    """A user's daily limit in micro-units; None: there is none."""
    found: int | None = await db.value(
        "select daily_micros from spending_limit where user_id = :user_id", user_id=user_id
    )
    return found


async def set_limit(db: Queries, user_id: int, daily_micros: int) -> None:
    """Set a limit or change it."""
    sql = """
        insert into spending_limit (user_id, daily_micros) values (:user_id, :daily_micros)
        on conflict (user_id) do update set daily_micros = excluded.daily_micros, updated_at = now()
    """
    await db.run(sql, user_id=user_id, daily_micros=daily_micros)


async def drop_limit(db: Queries, user_id: int) -> None:
    """A user has no limit any more."""
    await db.run("delete from spending_limit where user_id = :user_id", user_id=user_id)


async def spent(db: Queries, user_id: int, currency: str, since: datetime, after_id: int) -> int:
    """What a user was charged since a moment, less what was given back; no such entry has an id up to `after_id`."""
    sql = """
        select coalesce(-sum(e.amount_micros), 0)::bigint
        from account a
        join entry e on e.account_id = a.id
        join journal j on j.id = e.journal_id
        where a.kind = 'wallet' and a.owner = :user_id and a.currency = :currency and e.id > :after_id
            and j.created_at >= :since and j.kind in ('charge', 'forgiven', 'refund')
    """
    found: int = await db.value(sql, user_id=user_id, currency=currency, since=since, after_id=after_id)
    return found
