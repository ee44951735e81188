"""Accounts, journals and entries: every statement that touches money."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from api.billing.settlement import Wallet
from api.database import Queries

Rows = Sequence[dict[str, object]]


@dataclass(frozen=True)
class Account:
    """A wallet as its owner sees it."""

    id: int
    user_id: int
    balance_micros: int
    currency: str
    created_at: datetime


@dataclass(frozen=True)
class Funds:
    balance_micros: int
    held_micros: int


@dataclass(frozen=True)
class AccountId:
    kind: str
    owner: int
    id: int


async def add_wallet(db: Queries, user_id: int, currency: str, minor_micros: int) -> bool:
    """Open an empty wallet; False when the user has one."""
    sql = """
        insert into account (kind, owner, currency, minor_micros, balance_micros, held_micros)
        values ('wallet', :user_id, :currency, :minor_micros, 0, 0)
        on conflict do nothing
    """
    return bool(await db.run(sql, user_id=user_id, currency=currency, minor_micros=minor_micros))


async def wallet(db: Queries, user_id: int, currency: str) -> Account:
    """A user's wallet; NoRow if there is none."""
    sql = """
        select id, owner as user_id, balance_micros, currency, created_at
        from account
        where kind = 'wallet' and owner = :user_id and currency = :currency
    """
    return await db.one(Account, sql, user_id=user_id, currency=currency)


async def funds(db: Queries, user_id: int, currency: str) -> Funds:
    """What a user has; nothing without a wallet."""
    sql = """
        select coalesce(sum(balance_micros), 0)::bigint as balance_micros,
            coalesce(sum(held_micros), 0)::bigint as held_micros
        from account
        where kind = 'wallet' and owner = :user_id and currency = :currency
    """
    return await db.one(Funds, sql, user_id=user_id, currency=currency)


async def lock_wallet(db: Queries, account_id: int) -> Wallet:
    """Lock one wallet until the end of the transaction."""
    sql = """
        select id, owner as user_id, balance_micros, held_micros, daily_micros,
            case when spent_day = (now() at time zone 'utc')::date then spent_micros else 0 end as spent_micros
        from account
        where id = :account_id
        for no key update
    """
    return await db.one(Wallet, sql, account_id=account_id)


async def lock_wallets_of(db: Queries, session_ids: list[str]) -> list[Wallet]:
    """Lock the wallets of sessions, in order of their ids."""
    sql = """
        select id, owner as user_id, balance_micros, held_micros, daily_micros,
            case when spent_day = (now() at time zone 'utc')::date then spent_micros else 0 end as spent_micros
        from account
        where id in (
            select account_id from hold where session_id = any(array(select json_array_elements_text(:session_ids)))
        )
        order by id
        for no key update
    """
    return await db.all(Wallet, sql, session_ids=session_ids)


async def store_wallets(db: Queries, wallets: list[Wallet]) -> None:
    """Store what wallets and their holds came to; untouched ones are left alone."""
    sql = """
        update account a
        set balance_micros = w.balance_micros, held_micros = w.held_micros, updated_at = now(),
            spent_micros = case when a.daily_micros is null then 0 else w.spent_micros end,
            spent_day = case when a.daily_micros is not null then (now() at time zone 'utc')::date end
        from unnest(:ids::text::bigint[], :balances::text::bigint[], :held::text::bigint[], :spent::text::bigint[])
            as w (id, balance_micros, held_micros, spent_micros)
        where a.id = w.id and (a.balance_micros, a.held_micros) is distinct from (w.balance_micros, w.held_micros)
    """
    columns = {
        "balances": array(w.balance_micros for w in wallets),
        "held": array(w.held_micros for w in wallets),
        "spent": array(w.spent_micros for w in wallets),
    }
    await db.run(sql, ids=array(w.id for w in wallets), **columns)


async def account_ids(db: Queries, places: Rows, currency: str) -> list[AccountId]:
    """The ids of accounts that are no wallets; those that do not exist are left out."""
    sql = """
        select a.kind, a.owner, a.id
        from json_to_recordset(:places) as p (kind text, owner bigint)
        join account a on a.kind = p.kind and a.owner = p.owner and a.currency = :currency
    """
    return await db.all(AccountId, sql, places=places, currency=currency)


async def add_accounts(db: Queries, places: Rows, currency: str, minor_micros: int) -> None:
    """Open accounts that are no wallets; existing ones are left alone."""
    sql = """
        insert into account (kind, owner, currency, minor_micros)
        select kind, owner, :currency, :minor_micros
        from json_to_recordset(:places) as p (kind text, owner bigint)
        on conflict do nothing
    """
    await db.run(sql, places=places, currency=currency, minor_micros=minor_micros)


@dataclass(frozen=True)
class JournalId:
    kind: str
    id: int


async def add_journals(db: Queries, journals: Rows) -> dict[str, int]:
    """Open the journals of one cause and tell the outbox of charges and their reversals; their ids by kind."""
    sql = """
        with opened as (
            insert into journal (idem_key, kind, effective_at, reverses, session_id, reason)
            select idem_key, kind, effective_at, reverses, session_id, reason
            from json_to_recordset(:journals) as j (idem_key text, kind text, effective_at timestamptz,
                reverses bigint, session_id text, reason text)
            returning id, kind
        ), told as (
            insert into outbox (journal_id) select id from opened where kind in ('charge', 'forgiven', 'refund')
        )
        select kind, id from opened
    """
    return {row.kind: row.id for row in await db.all(JournalId, sql, journals=journals)}


async def add_entries(db: Queries, entries: Rows) -> None:
    """Write all entries of the journals just opened, in the order given."""
    sql = """
        insert into entry (journal_id, account_id, amount_micros, balance_after, session_id)
        select journal_id, account_id, amount_micros, balance_after, session_id
        from rows from (unnest(:journal_id::text::bigint[], :account_id::text::bigint[],
            :amount_micros::text::bigint[], :balance_after::text::bigint[]), json_array_elements_text(:session_id))
            as e (journal_id, account_id, amount_micros, balance_after, session_id)
    """
    numbers = ("journal_id", "account_id", "amount_micros", "balance_after")
    arrays = {name: array(entry[name] for entry in entries) for name in numbers}
    await db.run(sql, session_id=[entry["session_id"] for entry in entries], **arrays)


def array(values: Iterable[object]) -> str:
    """Numbers, truths and plain words as PostgreSQL writes an array; the driver takes ten times as long for lists."""
    return "{" + msgspec.json.encode(list(values)).decode()[1:-1] + "}"
