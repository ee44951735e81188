"""What users allow themselves to spend on a day, and what they have spent."""

from datetime import date, datetime

from api.database import Queries


async def limit(db: Queries, user_id: int, currency: str) -> int | None:
    """A user's daily limit in micro-units; None: there is none."""
    sql = "select daily_micros from account where kind = 'wallet' and owner = :user_id and currency = :currency"
    found: int | None = await db.value(sql, user_id=user_id, currency=currency)
    return found


async def lock(db: Queries, account_id: int) -> None:
    """Nobody else spends from a wallet until the end of the transaction; what was spent before is seen after this."""
    await db.run("select from account where id = :account_id for no key update", account_id=account_id)


async def set_limit(
    db: Queries, account_id: int, daily_micros: int | None, *, spent_micros: int, spent_day: date
) -> None:
    """Set a limit, change it or drop it, with what was spent on a day (UTC)."""
    sql = """
        update account
        set daily_micros = :daily_micros, spent_micros = :spent_micros, spent_day = :spent_day
        where id = :account_id
    """
    await db.run(sql, account_id=account_id, daily_micros=daily_micros, spent_micros=spent_micros, spent_day=spent_day)


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
