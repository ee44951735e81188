"""What creators earn by day, what has matured, and payouts."""

from dataclasses import dataclass
from datetime import date, datetime

from api.database import Queries


@dataclass(frozen=True)
class Payable:
    """What a creator may take out, locked."""

    id: int
    balance_micros: int


@dataclass(frozen=True)
class Earning:
    """`pending_micros` waits; `requested` and `paid` are payouts."""

    available_micros: int
    pending_micros: int
    requested_micros: int
    paid_micros: int


@dataclass(frozen=True)
class Payout:
    """`amount_micros` left the creator's earnings; `returned` ones came back."""

    id: int
    user_id: int
    amount_micros: int
    currency: str
    state: str
    reference: str | None
    journal_id: int
    created_at: datetime
    updated_at: datetime


async def lock_days(db: Queries) -> None:
    """One at a time closes days and matures what they hold, until the transaction ends."""
    await db.run("select pg_advisory_xact_lock(hashtext('streamify.earnings'))")


async def next_day(db: Queries) -> date | None:
    """The first day (UTC) that is over, with ten minutes to spare for what is being written, and not closed."""
    sql = """
        select day
        from (select coalesce((select max(day) + 1 from closed_day),
            (select (min(created_at) at time zone 'utc')::date from journal)) as day) next
        where day < ((now() - interval '10 minutes') at time zone 'utc')::date
    """
    found: date | None = await db.value(sql)
    return found


async def close_day(db: Queries, day: date) -> None:
    """Sum up what creators earned on a day, refunds taken off."""
    sql = """
        with closed as (insert into closed_day (day) values (:day::date))
        insert into earning_day (account_id, day, amount_micros)
        select a.id, :day::date, sum(e.amount_micros)
        from journal j
        join entry e on e.journal_id = j.id
        join account a on a.id = e.account_id and a.kind = 'creator'
        where j.created_at >= :day::date::timestamp at time zone 'utc'
            and j.created_at < (:day::date + 1)::timestamp at time zone 'utc'
            and j.kind in ('charge', 'forgiven', 'refund')
        group by a.id
        having sum(e.amount_micros) <> 0
    """
    await db.run(sql, day=day)


@dataclass(frozen=True)
class Matured:
    """A creator's days that have waited long enough."""

    account_id: int
    creator_id: int
    currency: str
    through: date
    amount_micros: int


async def matured(db: Queries, hold_days: int, limit: int) -> list[Matured]:
    """Creators with days older than `hold_days` full days, and what those come to; losses wait for gains."""
    sql = """
        select d.account_id, a.owner as creator_id, a.currency, max(d.day) as through,
            sum(d.amount_micros)::bigint as amount_micros
        from earning_day d
        join account a on a.id = d.account_id
        left join account p on p.kind = 'payable' and p.owner = a.owner and p.currency = a.currency
        where not d.matured and d.day < (now() at time zone 'utc')::date - :hold_days::integer
        group by d.account_id, a.owner, a.currency, p.balance_micros
        having sum(d.amount_micros) + coalesce(p.balance_micros, 0) >= 0
        order by d.account_id
        limit :limit
    """
    return await db.all(Matured, sql, hold_days=hold_days, limit=limit)


async def set_matured(db: Queries, account_id: int, through: date) -> None:
    """A creator's days have matured."""
    sql = "update earning_day set matured = true where account_id = :account_id and day <= :through and not matured"
    await db.run(sql, account_id=account_id, through=through)


async def add_payable(db: Queries, user_id: int, currency: str, minor_micros: int) -> None:
    """Open what a creator may take out, empty."""
    sql = """
        insert into account (kind, owner, currency, minor_micros, balance_micros, held_micros)
        values ('payable', :user_id, :currency, :minor_micros, 0, 0)
        on conflict do nothing
    """
    await db.run(sql, user_id=user_id, currency=currency, minor_micros=minor_micros)


async def lock_payable(db: Queries, user_id: int, currency: str) -> Payable:
    """Lock what a creator may take out."""
    sql = """
        select id, balance_micros
        from account
        where kind = 'payable' and owner = :user_id and currency = :currency
        for no key update
    """
    return await db.one(Payable, sql, user_id=user_id, currency=currency)


async def set_payable(db: Queries, account_id: int, balance_micros: int) -> None:
    """Store what a creator may take out."""
    sql = "update account set balance_micros = :balance_micros, updated_at = now() where id = :account_id"
    await db.run(sql, account_id=account_id, balance_micros=balance_micros)


async def earning(db: Queries, user_id: int, currency: str) -> Earning:
    """How a creator's earnings stand; what is not matured is the sum of closed days and of the time since."""
    sql = """
        with own as (
            select id from account where kind = 'creator' and owner = :user_id and currency = :currency
        ), since as (
            select (max(day) + 1)::timestamp at time zone 'utc' as moment from closed_day
        )
        select coalesce((select balance_micros from account
                where kind = 'payable' and owner = :user_id and currency = :currency), 0) as available_micros,
            (coalesce((select sum(amount_micros) from earning_day
                where account_id = (select id from own) and not matured), 0)
            + coalesce((select sum(e.amount_micros)
                from journal j
                join entry e on e.journal_id = j.id and e.account_id = (select id from own)
                where j.kind in ('charge', 'forgiven', 'refund')
                    and j.created_at >= coalesce((select moment from since), '-infinity')
            ), 0))::bigint as pending_micros,
            coalesce(sum(amount_micros) filter (where state = 'requested'), 0)::bigint as requested_micros,
            coalesce(sum(amount_micros) filter (where state = 'paid'), 0)::bigint as paid_micros
        from payout
        where user_id = :user_id and currency = :currency
    """
    return await db.one(Earning, sql, user_id=user_id, currency=currency)


async def add_payout(db: Queries, user_id: int, amount_micros: int, currency: str, journal_id: int) -> int:
    """A payout that was booked; gives its id."""
    sql = """
        insert into payout (user_id, amount_micros, currency, journal_id)
        values (:user_id, :amount_micros, :currency, :journal_id)
        returning id
    """
    added: int = await db.value(
        sql, user_id=user_id, amount_micros=amount_micros, currency=currency, journal_id=journal_id
    )
    return added


async def payouts(db: Queries, user_id: int | None, state: str | None, before: int | None, limit: int) -> list[Payout]:
    """Payouts of one creator or all, newest first."""
    sql = """
        select id, user_id, amount_micros, currency, state, reference, journal_id, created_at, updated_at
        from payout
        where (:user_id::bigint is null or user_id = :user_id)
            and (:state::text is null or state = :state)
            and (:before::bigint is null or id < :before)
        order by id desc
        limit :limit
    """
    return await db.all(Payout, sql, user_id=user_id, state=state, before=before, limit=limit)


async def lock_payout(db: Queries, payout_id: int) -> Payout | None:
    """Lock one payout."""
    sql = """
        select id, user_id, amount_micros, currency, state, reference, journal_id, created_at, updated_at
        from payout
        where id = :payout_id
        for no key update
    """
    return await db.maybe(Payout, sql, payout_id=payout_id)


async def set_payout(db: Queries, payout_id: int, state: str, reference: str | None, returned_by: int | None) -> None:
    """A payout reached its creator, or came back."""
    sql = """
        update payout
        set state = :state, reference = coalesce(:reference, reference), returned_by = :returned_by, updated_at = now()
        where id = :payout_id
    """
    await db.run(sql, payout_id=payout_id, state=state, reference=reference, returned_by=returned_by)
