"""What is wrong with money on its way in: payments, messages of providers, users who owe."""

from dataclasses import dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Troubled:
    """A payment an operator should know of; `kind` is the first that fits of mismatch, disputed, doubtful."""

    id: str
    kind: str
    provider: str
    reference: str | None
    user_id: int
    amount_micros: int
    taken_back_micros: int
    currency: str
    state: str
    trouble: str | None
    asked: int
    ask_after: datetime | None
    created_at: datetime
    updated_at: datetime


async def payments(db: Queries, limit: int) -> list[Troubled]:
    """Another amount than was ordered, taken back by a bank, or still open after an hour; the newest first."""
    sql = """
        select id, case when trouble is not null then 'mismatch' when taken_back_micros > 0 then 'disputed'
                else 'doubtful' end as kind,
            provider, reference, user_id, amount_micros, taken_back_micros, currency, state, trouble, asked,
            ask_after, created_at, updated_at
        from payment
        where id in (
            select id from payment where trouble is not null or taken_back_micros > 0
            union
            select id from payment
            where ask_after is not null and state in ('created', 'pending') and created_at < now() - interval '1 hour'
        )
        order by created_at desc, id
        limit :limit
    """
    return await db.all(Troubled, sql, limit=limit)


@dataclass(frozen=True)
class Failure:
    """Messages that could not be heard, and why; `last_heard_at` is when the last good one of that provider came."""

    provider: str
    code: str
    times: int
    first_at: datetime
    last_at: datetime
    last_heard_at: datetime | None


async def failures(db: Queries) -> list[Failure]:
    """The newest first."""
    sql = """
        select provider, code, times, first_at, last_at,
            (select max(heard_at) from payment_message m where m.provider = f.provider) as last_heard_at
        from message_failure f
        order by last_at desc
    """
    return await db.all(Failure, sql)


async def fail(db: Queries, provider: str, code: str) -> None:
    """A message could not be heard."""
    sql = """
        insert into message_failure (provider, code) values (:provider, :code)
        on conflict (provider, code) do update set times = message_failure.times + 1, last_at = now()
    """
    await db.run(sql, provider=provider, code=code)


@dataclass(frozen=True)
class Owing:
    """A user from whom a bank took back more than there was."""

    user_id: int
    currency: str
    owed_micros: int


async def owing(db: Queries, limit: int) -> list[Owing]:
    """Who owes most comes first."""
    sql = """
        select a.owner as user_id, a.currency, (-sum(e.amount_micros))::bigint as owed_micros
        from account a
        join entry e on e.account_id = a.id
        where a.kind = 'receivable'
        group by a.owner, a.currency
        having sum(e.amount_micros) < 0
        order by owed_micros desc, user_id
        limit :limit
    """
    return await db.all(Owing, sql, limit=limit)


async def uncollected_micros(db: Queries, currency: str) -> int:
    """What was delivered beyond what could be paid, in all (rule 5)."""
    sql = """
        select coalesce(-sum(e.amount_micros), 0)::bigint
        from account a
        join entry e on e.account_id = a.id
        where a.kind = 'uncollected' and a.currency = :currency
    """
    return int(await db.value(sql, currency=currency))


async def reserved_micros(db: Queries, creator_id: int, currency: str) -> int:
    """A creator's share of what users still owe: the newest they watched is what a bank did not pay for."""
    sql = """
        with owing as (
            select a.owner, -sum(e.amount_micros) as owed
            from account a
            join entry e on e.account_id = a.id
            where a.kind = 'receivable' and a.currency = :currency
            group by a.owner
            having sum(e.amount_micros) < 0
        ), paid as (
            select h.id, h.user_id, h.creator_id, o.owed,
                h.charged_micros - coalesce(sum(r.amount_micros), 0) as micros,
                h.creator_micros - coalesce(sum(r.creator_micros), 0) as share
            from owing o
            join account w on w.kind = 'wallet' and w.owner = o.owner and w.currency = :currency
            join hold h on h.user_id = o.owner and h.account_id = w.id and h.charged_micros > 0
            left join refund r on r.session_id = h.session_id
            group by h.session_id, o.owed
        ), summed as (
            select *, sum(micros) over (partition by user_id order by id desc) - micros as newer from paid
        )
        select coalesce(sum(ceil(share * least(micros, owed - newer) / micros)), 0)::bigint
        from summed where creator_id = :creator_id and micros > 0 and newer < owed
    """
    return int(await db.value(sql, creator_id=creator_id, currency=currency))
