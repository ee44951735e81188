"""One month of a wallet, by when things were booked: a month that is over never changes again."""

from dataclasses import asdict, dataclass
from datetime import datetime

from api.database import Connection, Queries


@dataclass(frozen=True)
class Span:
    """`since` inclusive, `until` exclusive; no entry up to `after_id` is of it."""

    since: datetime
    until: datetime
    after_id: int


async def freeze(tx: Connection) -> None:
    """Let all further statements of the transaction see the same moment; it must be its first statement."""
    await tx.run("set transaction isolation level repeatable read, read only")


async def entry_before(db: Queries, moment: datetime) -> int:
    """An entry's id with nothing booked from `moment` on at or below it: ids are drawn while a journal is written,
    and no journal takes an hour."""
    sql = """
        select coalesce(min(id) - 1, 0)::bigint
        from entry
        where journal_id = (select id from journal where created_at < :moment::timestamptz - interval '1 hour'
            order by created_at desc limit 1)
    """
    found: int = await db.value(sql, moment=moment)
    return found


@dataclass(frozen=True)
class Standing:
    """A wallet at the beginning and end of a month, counted back from what is in it now."""

    account_id: int
    opening_micros: int
    closing_micros: int


async def standing(db: Queries, user_id: int, currency: str, span: Span) -> Standing | None:
    """None: no wallet."""
    sql = """
        select a.id as account_id, (a.balance_micros - coalesce(sum(e.amount_micros), 0))::bigint as opening_micros,
            (a.balance_micros - coalesce(sum(e.amount_micros) filter (where e.created_at >= :until), 0))::bigint
                as closing_micros
        from account a
        left join (
            select e.account_id, e.amount_micros, j.created_at
            from entry e
            join journal j on j.id = e.journal_id
            where e.id > :after_id and j.created_at >= :since
        ) e on e.account_id = a.id
        where a.kind = 'wallet' and a.owner = :user_id and a.currency = :currency
        group by a.id
    """
    found = {"user_id": user_id, "currency": currency, **asdict(span)}
    return await db.maybe(Standing, sql, **found)


@dataclass(frozen=True)
class Movement:
    """Money in or out of a wallet other than for watching; `kind` is the journal's."""

    id: int
    kind: str
    created_at: datetime
    description: str
    session_id: str | None
    amount_micros: int


async def movements(db: Queries, account_id: int, span: Span) -> list[Movement]:
    """In the order they were booked."""
    sql = """
        select e.id, j.kind, j.created_at, coalesce(j.reason, initcap(replace(j.kind, '_', ' '))) as description,
            j.session_id, e.amount_micros
        from entry e
        join journal j on j.id = e.journal_id
        where e.account_id = :account_id and e.session_id is null and e.id > :after_id
            and j.created_at >= :since and j.created_at < :until
        order by e.id
    """
    return await db.all(Movement, sql, account_id=account_id, **asdict(span))


@dataclass(frozen=True)
class Watched:
    """A session that was charged in a month, or began in it for free; its times are those of the whole session."""

    session_id: str
    video_id: int
    created_at: datetime
    price_micros_per_minute: int
    delivered_ms: int
    added_ms: int
    forgiven_ms: int
    charged_micros: int
    month_micros: int


async def watched(db: Queries, user_id: int, account_id: int, span: Span) -> list[Watched]:
    """In the order they began."""
    sql = """
        with booked as (
            select e.session_id, sum(e.amount_micros) as amount_micros
            from entry e
            join journal j on j.id = e.journal_id
            where e.account_id = :account_id and e.session_id is not null and e.id > :after_id
                and j.created_at >= :since and j.created_at < :until
            group by e.session_id
        )
        select h.session_id, h.video_id, h.created_at, h.price_micros_per_minute, h.delivered_ms, h.added_ms,
            h.forgiven_ms, h.charged_micros, coalesce(-b.amount_micros, 0)::bigint as month_micros
        from hold h
        left join booked b on b.session_id = h.session_id
        where h.user_id = :user_id and h.account_id = :account_id and (b.session_id is not null
            or (h.created_at >= :since and h.created_at < :until and h.delivered_ms > 0))
        order by h.id
    """
    found = {"user_id": user_id, "account_id": account_id, **asdict(span)}
    return await db.all(Watched, sql, **found)


@dataclass(frozen=True)
class Earned:
    """A creator's month: the share of charges less refunds, what of it matured, and payouts, below zero."""

    share_micros: int
    matured_micros: int
    payout_micros: int


async def earned(db: Queries, user_id: int, currency: str, span: Span) -> Earned:
    """Zeros where nothing was earned. Days that are closed are summed up already."""
    sql = """
        with own as (
            select id, kind from account
            where kind in ('creator', 'payable') and owner = :user_id and currency = :currency
        ), open as (
            select coalesce((max(day) + 1)::timestamp at time zone 'utc', '-infinity') as moment from closed_day
        ), booked as (
            select own.kind as account, j.kind, e.amount_micros
            from own
            join entry e on e.account_id = own.id and e.id > :after_id
            join journal j on j.id = e.journal_id
            where j.created_at >= :since and j.created_at < :until
                and (own.kind = 'payable' or j.created_at >= (select moment from open))
        ), day as (
            select coalesce(sum(amount_micros), 0) as micros from earning_day
            where account_id in (select id from own) and day >= (:since::timestamptz at time zone 'utc')::date
                and day < (:until::timestamptz at time zone 'utc')::date
        )
        select (coalesce(sum(amount_micros) filter (where account = 'creator' and kind <> 'payout_earning'), 0)
                + (select micros from day))::bigint as share_micros,
            coalesce(sum(amount_micros) filter (where account = 'payable' and kind = 'payout_earning'), 0)::bigint
                as matured_micros,
            coalesce(sum(amount_micros) filter (where account = 'payable' and kind <> 'payout_earning'), 0)::bigint
                as payout_micros
        from booked
    """
    found = {"user_id": user_id, "currency": currency, **asdict(span)}
    return await db.one(Earned, sql, **found)
