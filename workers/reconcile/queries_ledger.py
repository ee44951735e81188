"""What reconciliation reads of the ledger: sums that must agree with other sums, page by page."""

from dataclasses import dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True, slots=True)
class Wallet:
    """An account with a live balance."""

    id: int
    kind: str
    owner: int
    balance_micros: int
    held_micros: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What entries of one account come to, for one session or for none."""

    account_id: int
    session_id: str | None
    entries: int
    amount_micros: int


@dataclass(frozen=True, slots=True)
class Journal:
    id: int
    kind: str
    entries: int
    amount_micros: int


@dataclass(frozen=True, slots=True)
class Refund:
    """What a session cost and what of it came back, by the list of refunds and by the entries."""

    session_id: str
    charged_micros: int
    creator_micros: int
    listed_micros: int
    listed_creator_micros: int
    paid_back_micros: int


@dataclass(frozen=True, slots=True)
class Reversal:
    """What a journal moved in an account, and what those that reverse it moved back."""

    journal_id: int
    account_id: int
    amount_micros: int
    back_micros: int


@dataclass(frozen=True, slots=True)
class Film:
    """What the sessions and the watches of a user, video and price came to."""

    user_id: int
    video_id: int
    price_micros_per_minute: int
    sessions_micros: int
    sessions_creator_micros: int
    watches_micros: int
    watches_creator_micros: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one owner has by entries (charges and what was forgiven, refunds), and by sessions."""

    kind: str
    owner: int
    currency: str
    entries_micros: int
    sessions_micros: int


async def wallets(db: Queries, after: int, limit: int) -> list[Wallet]:
    """Wallets and payables, in order of their ids."""
    sql = """
        select id, kind, owner, balance_micros, held_micros
        from account
        where balance_micros is not null and id > :after
        order by id
        limit :limit
    """
    return await db.all(Wallet, sql, after=after, limit=limit)


async def moved(db: Queries, accounts: list[int]) -> list[Moved]:
    """Every entry of some accounts, summed up by session."""
    sql = """
        select account_id, session_id, count(*) as entries, sum(amount_micros)::bigint as amount_micros
        from entry
        where account_id = any(:accounts)
        group by account_id, session_id
    """
    return await db.all(Moved, sql, accounts=accounts)


async def journals(db: Queries, since: datetime, after: int, limit: int) -> list[Journal]:
    """Journals written since a moment, in order of their ids, with what their entries come to."""
    sql = """
        select j.id, j.kind, count(e.id) as entries, coalesce(sum(e.amount_micros), 0)::bigint as amount_micros
        from (select id, kind from journal where id > :after and created_at >= :since order by id limit :limit) j
        left join entry e on e.journal_id = j.id
        group by j.id, j.kind
        order by j.id
    """
    return await db.all(Journal, sql, since=since, after=after, limit=limit)


async def refunds(db: Queries, after: str, limit: int) -> list[Refund]:
    """Refunded sessions, in order of their ids."""
    sql = """
        with page as (
            select session_id, sum(amount_micros)::bigint as listed_micros,
                sum(creator_micros)::bigint as listed_creator_micros
            from refund where session_id > :after group by session_id order by session_id limit :limit
        )
        select p.session_id, h.charged_micros, h.creator_micros, p.listed_micros, p.listed_creator_micros,
            (select coalesce(sum(e.amount_micros), 0)::bigint from journal j join entry e on e.journal_id = j.id
                where j.session_id = p.session_id and j.kind = 'refund' and e.account_id = h.account_id
            ) as paid_back_micros
        from page p
        join hold h on h.session_id = p.session_id
        order by p.session_id
    """
    return await db.all(Refund, sql, after=after, limit=limit)


async def reversals(db: Queries, after: int, limit: int) -> list[Reversal]:
    """Reversed journals, account by account."""
    sql = """
        with page as (
            select distinct reverses as id from journal where reverses > :after order by 1 limit :limit
        ), original as (
            select p.id, e.account_id, sum(e.amount_micros) as amount
            from page p join entry e on e.journal_id = p.id group by 1, 2
        ), back as (
            select p.id, e.account_id, sum(e.amount_micros) as amount
            from page p join journal j on j.reverses = p.id join entry e on e.journal_id = j.id group by 1, 2
        )
        select o.id as journal_id, o.account_id, o.amount::bigint as amount_micros,
            coalesce(b.amount, 0)::bigint as back_micros
        from original o
        left join back b using (id, account_id)
        order by o.id, o.account_id
    """
    return await db.all(Reversal, sql, after=after, limit=limit)


async def films(db: Queries, watches: list[int]) -> list[Film]:
    """What sessions and watches of the films of some watches came to; they are two accounts of the same money."""
    sql = """
        with film as (
            select distinct user_id, video_id, price_micros_per_minute from watch where id = any(:watches)
        ), by_session as (
            select f.*, sum(h.charged_micros) as charged, sum(h.creator_micros) as creator
            from film f join hold h using (user_id, video_id, price_micros_per_minute) group by 1, 2, 3
        ), by_watch as (
            select f.*, sum(w.charged_micros) as charged, sum(w.creator_micros) as creator
            from film f join watch w using (user_id, video_id, price_micros_per_minute) group by 1, 2, 3
        )
        select w.user_id, w.video_id, w.price_micros_per_minute, coalesce(s.charged, 0)::bigint as sessions_micros,
            coalesce(s.creator, 0)::bigint as sessions_creator_micros, w.charged::bigint as watches_micros,
            w.creator::bigint as watches_creator_micros
        from by_watch w
        left join by_session s using (user_id, video_id, price_micros_per_minute)
        where (w.charged, w.creator) is distinct from (coalesce(s.charged, 0), coalesce(s.creator, 0))
    """
    return await db.all(Film, sql, watches=watches)


async def paid(db: Queries, film: tuple[int, int, int]) -> tuple[int, int]:
    """What wallets paid for a film by their entries, and what its watches charged."""
    of_film = {"user_id": film[0], "video_id": film[1], "price": film[2]}
    by_entries = """
        select coalesce(-sum(e.amount_micros), 0)::bigint
        from hold h
        join entry e on e.account_id = h.account_id and e.session_id = h.session_id
        where h.user_id = :user_id and h.video_id = :video_id and h.price_micros_per_minute = :price
    """
    by_watches = """
        select coalesce(sum(charged_micros), 0)::bigint
        from watch
        where user_id = :user_id and video_id = :video_id and price_micros_per_minute = :price
    """
    return int(await db.value(by_entries, **of_film)), int(await db.value(by_watches, **of_film))


async def shares(db: Queries) -> list[Share]:
    """What creators and the platform earned, owner by owner, where entries and sessions disagree."""
    sql = """
        with by_entry as (
            select a.kind, a.owner, a.currency, sum(e.amount_micros) as amount
            from account a join entry e on e.account_id = a.id join journal j on j.id = e.journal_id
            where a.kind in ('creator', 'revenue') and j.kind in ('charge', 'forgiven') group by 1, 2, 3
        ), by_session as (
            select k.kind, h.creator_id as owner, a.currency,
                sum(case k.kind when 'creator' then h.creator_micros else h.charged_micros - h.creator_micros end)
                    as amount
            from hold h join account a on a.id = h.account_id cross join (values ('creator'), ('revenue')) as k (kind)
            group by 1, 2, 3
        )
        select kind, owner, currency, coalesce(e.amount, 0)::bigint as entries_micros,
            coalesce(s.amount, 0)::bigint as sessions_micros
        from by_entry e
        full join by_session s using (kind, owner, currency)
        where coalesce(e.amount, 0) <> coalesce(s.amount, 0)
    """
    return await db.all(Share, sql)


async def uncollected(db: Queries) -> tuple[int, int]:
    """What was never paid: by the entries, and by the watches."""
    by_entries = """
        select coalesce(-sum(e.amount_micros), 0)::bigint
        from account a
        join entry e on e.account_id = a.id
        where a.kind = 'uncollected'
    """
    by_watches = "select coalesce(sum(uncollected_micros), 0)::bigint from watch"
    return int(await db.value(by_entries)), int(await db.value(by_watches))
