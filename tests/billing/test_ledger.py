"""What the database itself refuses, tried with plain SQL, whatever the code above it does."""

import pytest

from api.database import CheckViolation, Connection, Database, DatabaseError, UniqueViolation
from tests.billing.scenes import VIEWER, Scene, check_books, fetched, ledger
from tests.conftest import PlatformMaker


async def booked(platform: PlatformMaker) -> Database:
    """A ledger with a deposit of 1,000 minor units and four seconds charged."""
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.start("s")
    await scene.log(fetched("s", 0))
    assert await scene.balance_micros() == 10_000_000 - 4_000
    return scene.db


@pytest.mark.parametrize(
    "sql",
    [
        "update account set balance_micros = -1 where kind = 'wallet'",
        "update account set balance_micros = held_micros - 1 where kind = 'wallet'",
        "update account set held_micros = balance_micros + 1 where kind = 'wallet'",
        "update account set held_micros = -1 where kind = 'wallet'",
        "update account set balance_micros = null where kind = 'wallet'",
        "update account set balance_micros = 0, held_micros = 0 where kind = 'creator'",
        "insert into account (kind, owner, currency, minor_micros) values ('wallet', 99, 'USD', 10000)",
        "insert into account (kind, owner, currency, minor_micros) values ('pocket', 99, 'USD', 10000)",
        "insert into journal (idem_key, kind, effective_at) values ('k', 'gift', now())",
        "update watch set charged_micros = -1",
        "update watch set creator_micros = charged_micros + 1",
        "update watch set forgiven_ms = 30001",
        "update hold set state = 'ended'",
        "update hold set held_micros = -1",
        "update account set daily_micros = 0 where kind = 'wallet'",
        "update account set daily_micros = 1 where kind = 'creator'",
        "update watch set preview_ms = -1",
    ],
)
async def test_the_database_refuses_an_impossible_state(platform: PlatformMaker, sql: str) -> None:
    db = await booked(platform)
    with pytest.raises(CheckViolation):
        await db.run(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "update journal set effective_at = now()",
        "delete from journal where kind = 'none'",
        "truncate journal cascade",
        "update entry set amount_micros = amount_micros + 1",
        "delete from entry where amount_micros < 0",
        "truncate entry",
    ],
)
async def test_the_ledger_is_only_added_to(platform: PlatformMaker, sql: str) -> None:
    db = await booked(platform)
    before = await ledger(db)
    with pytest.raises(DatabaseError, match="only added to"):
        await db.run(sql)
    assert await ledger(db) == before


async def journal(tx: Connection, key: str) -> int:
    sql = "insert into journal (idem_key, kind, effective_at) values (:key, 'charge', now()) returning id"
    return int(await tx.value(sql, key=key))


ENTRIES = """
    insert into entry (journal_id, account_id, amount_micros, balance_after)
    select :journal_id, id, case kind when 'wallet' then :amount::bigint else 4000 end,
        case kind when 'wallet' then :after::bigint end
    from account where kind in ('wallet', 'creator') order by kind
"""


@pytest.mark.parametrize(
    ("amount", "after", "why"),
    [
        (-3_999, 9_996_000, "sum to zero"),
        (-4_001, 9_996_000, "sum to zero"),
        (-4_000, 9_996_001, "give its balance"),
        (-4_000, None, "give its balance"),
        (0, 9_996_000, "entry_amount_micros_check"),
    ],
)
async def test_a_journal_that_does_not_add_up_is_refused(
    platform: PlatformMaker, amount: int, after: int | None, why: str
) -> None:
    db = await booked(platform)
    with pytest.raises(CheckViolation, match=why):
        async with db.transaction() as tx:
            await tx.run(ENTRIES, journal_id=await journal(tx, "k"), amount=amount, after=after)
    await check_books(db)


async def test_a_journal_is_written_once(platform: PlatformMaker) -> None:
    db = await booked(platform)
    posted = await db.value("select id from journal where kind = 'charge'")
    with pytest.raises(CheckViolation, match="one statement"):
        await db.run(ENTRIES, journal_id=posted, amount=-4_000, after=9_996_000)


async def test_a_cause_is_posted_once(platform: PlatformMaker) -> None:
    db = await booked(platform)
    async with db.connection() as connection:
        await journal(connection, "twice")
        with pytest.raises(UniqueViolation):
            await journal(connection, "twice")


async def test_a_charge_splits_into_parts_that_equal_the_whole(platform: PlatformMaker) -> None:
    db = await booked(platform)
    assert await ledger(db) == [
        ("clearing_test", 0, -10_000_000),
        ("creator", 70, 3_200),
        ("revenue", 70, 800),
        ("wallet", VIEWER, 9_996_000),
    ]


async def test_the_original_tables_are_readable(platform: PlatformMaker) -> None:
    db = await booked(platform)
    columns = "select string_agg(attname, ' ' order by attnum) from pg_attribute where attrelid = :name::text::regclass"
    assert await db.value(columns, name="billing_accounts") == "id user_id balance created_at updated_at"
    original = "id user_id amount transaction_type description session_id created_at "
    assert (await db.value(columns, name="transactions")).startswith(original)
    accounts = await db.value("select json_agg(to_json(t)) from (select user_id, balance from billing_accounts) t")
    assert accounts == [{"user_id": VIEWER, "balance": 999}]
    sql = (
        "select json_agg(t) from (select user_id, amount, transaction_type, session_id from transactions order by id) t"
    )
    assert await db.value(sql) == [
        {"user_id": VIEWER, "amount": 1000, "transaction_type": "deposit", "session_id": None},
        {"user_id": VIEWER, "amount": 0, "transaction_type": "charge", "session_id": "s"},
    ]
    assert await db.value("select count(*) from transactions where description <> '' and created_at <= now()") == 2
