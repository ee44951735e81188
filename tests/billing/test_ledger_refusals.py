"""What the database refuses beyond the shape of a journal: reversals too large, keys twice, changes of the past."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.database import CheckViolation, Database, DatabaseError, UniqueViolation, open_database
from api.migrate import migrate
from tests import servers
from tests.billing.scenes import CREATOR, VIEWER, Scene, check_books
from tests.conftest import Cluster, PlatformMaker, _url

MIGRATIONS = Path("api/billing/migrations")


async def booked(platform: PlatformMaker) -> Database:
    """A session of 60,000 micros, 48,000 of them the creator's; a deposit through a payment; money paid out."""
    s = Scene(await platform("billing", PAYOUT_HOLD_DAYS="0", PAYOUT_MINIMUM="1"))
    await s.deposit()
    await s.db.run("alter table journal alter column created_at set default now() - interval '1 day'")
    await s.finished("s")
    await s.db.run("alter table journal alter column created_at set default now()")
    for _ in range(3):
        await s.sweep()
    assert (await s.money("payouts", {"amount": 4}, user=CREATOR)).status_code == 201
    return s.db


async def try_refund(db: Database, amount: int, creator: int, session: str = "s", owner: int = CREATOR) -> None:
    """A refund by plain SQL, balanced and with its wallet's balance right, whatever else is wrong with it."""
    async with db.transaction() as tx:
        sql = """
            insert into journal (idem_key, kind, effective_at, session_id)
            values (gen_random_uuid()::text, 'refund', now(), :session) returning id
        """
        journal = await tx.value(sql, session=session)
        await tx.run(
            "update account set balance_micros = balance_micros + :amount where kind = 'wallet' and owner = 7",
            amount=amount,
        )
        await tx.run(
            """
            insert into account (kind, owner, currency, minor_micros)
            values ('creator', :owner, 'USD', 10000), ('revenue', :owner, 'USD', 10000) on conflict do nothing
            """,
            owner=owner,
        )
        await tx.run(
            """
            insert into entry (journal_id, account_id, amount_micros, balance_after)
            select :journal::bigint, id, amount, balance_micros
            from (select id, balance_micros, case kind when 'wallet' then :amount::bigint
                    when 'creator' then -:creator::bigint else :creator::bigint - :amount::bigint end as amount
                from account where (kind = 'wallet' and owner = 7)
                    or (kind in ('creator', 'revenue') and owner = :owner)) a
            where amount <> 0
            """,
            journal=journal,
            amount=amount,
            creator=creator,
            owner=owner,
        )


@pytest.mark.parametrize(
    ("amount", "creator"),
    [(60_001, 48_000), (60_000, 48_001), (60_000, 47_999), (12_001, 0), (50_000, 50_000), (-1, 0), (1_000, -1)],
)
async def test_a_refund_beyond_its_session_is_refused(platform: PlatformMaker, amount: int, creator: int) -> None:
    db = await booked(platform)
    with pytest.raises(CheckViolation, match="mirrors its session"):
        await try_refund(db, amount, creator)
    await check_books(db)


async def test_refunds_together_are_bounded_by_their_session(platform: PlatformMaker) -> None:
    db = await booked(platform)
    await try_refund(db, 30_000, 24_000)
    with pytest.raises(CheckViolation, match="mirrors its session"):
        await try_refund(db, 30_001, 24_000)
    await try_refund(db, 30_000, 24_000)
    with pytest.raises(CheckViolation, match="mirrors its session"):
        await try_refund(db, 1, 0)


async def test_a_refund_of_no_session_or_from_a_stranger_is_refused(platform: PlatformMaker) -> None:
    db = await booked(platform)
    for session, owner in (("unknown", CREATOR), ("s", CREATOR + 1)):
        with pytest.raises(CheckViolation, match="mirrors its session"):
            await try_refund(db, 10, 5, session, owner)


async def try_reversal(db: Database, kind: str, original: str, amounts: dict[str, int]) -> None:
    """A reversal by plain SQL of amounts per kind of account."""
    async with db.transaction() as tx:
        sql = """
            insert into journal (idem_key, kind, effective_at, reverses)
            select gen_random_uuid()::text, :kind, now(), max(id) from journal where kind = :original returning id
        """
        journal = await tx.value(sql, kind=kind, original=original)
        for name, amount in amounts.items():
            sql = "update account set balance_micros = balance_micros + :amount where kind = :name"
            await tx.run(sql, amount=amount, name=name)
        await tx.run(
            """
            insert into entry (journal_id, account_id, amount_micros, balance_after)
            select :journal::bigint, a.id, r.value::bigint, a.balance_micros
            from json_each_text(:amounts::json) r join account a on a.kind = r.key
            """,
            journal=journal,
            amounts=amounts,
        )


@pytest.mark.parametrize(
    ("kind", "original", "amounts"),
    [
        ("chargeback", "deposit", {"clearing_test": 10_000_001, "adjusted": -10_000_001}),
        ("chargeback", "deposit", {"clearing_test": -1, "adjusted": 1}),
        ("chargeback", "deposit", {"writeoff": 5, "adjusted": -5}),
        ("reinstated", "deposit", {"clearing_test": -1, "adjusted": 1}),
        ("payout_returned", "payout", {"payable": 40_001, "clearing_payout": -40_001}),
        ("payout_returned", "payout", {"payable": -1, "clearing_payout": 1}),
    ],
)
async def test_a_reversal_beyond_its_original_is_refused(
    platform: PlatformMaker, kind: str, original: str, amounts: dict[str, int]
) -> None:
    db = await booked(platform)
    for name in ("adjusted", "writeoff"):
        sql = "insert into account (kind, owner, currency, minor_micros) values (:name, 0, 'USD', 10000)"
        await db.run(sql, name=name)
    with pytest.raises(CheckViolation, match="mirrors its original"):
        await try_reversal(db, kind, original, amounts)
    await check_books(db)


async def test_a_payout_is_returned_once_in_full(platform: PlatformMaker) -> None:
    db = await booked(platform)
    await try_reversal(db, "payout_returned", "payout", {"payable": 40_000, "clearing_payout": -40_000})
    with pytest.raises(CheckViolation, match="mirrors its original"):
        await try_reversal(db, "payout_returned", "payout", {"payable": 1, "clearing_payout": -1})


@pytest.mark.parametrize(
    "sql",
    [
        "update account set balance_micros = -1 where kind = 'payable'",
        "update account set balance_micros = null where kind = 'payable'",
        "insert into journal (idem_key, kind, effective_at) values ('k', 'refund', now())",
        "insert into journal (idem_key, kind, effective_at) values ('k', 'chargeback', now())",
        "insert into journal (idem_key, kind, effective_at, session_id) values ('k', 'charge', now(), 's')",
        "insert into journal (idem_key, kind, effective_at, reverses) select 'k', 'charge', now(), id from journal",
        "update payment set state = 'pending', journal_id = null",
        "update payment set amount_micros = amount_micros + 1",
        "update payment set taken_back_micros = amount_micros + 1",
        "update payment set taken_back_micros = -1",
        "update payout set state = 'returned'",
        "update payout set amount_micros = 0",
    ],
)
async def test_an_impossible_state_is_refused(platform: PlatformMaker, sql: str) -> None:
    db = await booked(platform)
    with pytest.raises(CheckViolation):
        await db.run(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "insert into money_request select user_id, idem_key, 'other', body_sha256 from money_request limit 1",
        "insert into payment (id, provider, user_id, idem_key, amount_micros, currency) "
        "select 'pay_' || md5('x'), 'test', user_id, idem_key, 1, 'USD' from payment limit 1",
        "insert into payout (user_id, amount_micros, currency, journal_id) "
        "select user_id, amount_micros, currency, journal_id from payout",
    ],
)
async def test_what_is_done_once_is_refused_twice(platform: PlatformMaker, sql: str) -> None:
    db = await booked(platform)
    with pytest.raises(UniqueViolation):
        await db.run(sql)


@pytest.fixture(params=["owner", "superuser"])
async def service(
    request: pytest.FixtureRequest, cluster: Cluster, postgres: servers.Server
) -> AsyncIterator[Database]:
    """A database as the service opens it: by the role that owns it, or by the only login there is."""
    url = await cluster.empty()
    name = url.rpartition("/")[2]
    if request.param == "owner":
        admin = await open_database(_url(postgres, "postgres"), size=1)
        await admin.run(f"create role {name} login password 'own'")
        await admin.run(f"alter database {name} owner to {name}")
        await admin.close()
        url = f"postgresql://{name}:own@127.0.0.1:{postgres.port}/{name}"
    db = await open_database(url, size=1)
    await migrate(db, MIGRATIONS)
    await db.close()
    db = await open_database(url, size=1)
    assert await migrate(db, MIGRATIONS) == []
    yield db
    await db.close()


CHANGES = [
    f"{verb} {table}{rest}"
    for table, column in (
        ("journal", "kind"),
        ("entry", "amount_micros"),
        ("refund", "rule"),
        ("money_request", "action"),
    )
    for verb, rest in (("update", f" set {column} = {column}"), ("delete from", ""), ("truncate", " cascade"))
]


@pytest.mark.parametrize("sql", CHANGES)
async def test_the_service_has_no_right_to_change_the_past(service: Database, sql: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"):
        await service.run(sql)


async def test_the_service_writes_on_without_those_rights(service: Database) -> None:
    async with service.transaction() as tx:
        sql = "insert into journal (idem_key, kind, effective_at) values ('k', 'deposit', now()) returning id"
        journal = await tx.value(sql)
        sql = """
            insert into account (kind, owner, currency, minor_micros, balance_micros, held_micros)
            values ('wallet', 7, 'USD', 10000, 5, 0), ('clearing_test', 0, 'USD', 10000, null, null)
        """
        await tx.run(sql)
        sql = """
            insert into entry (journal_id, account_id, amount_micros, balance_after)
            select :journal::bigint, id, case kind when 'wallet' then 5 else -5 end, balance_micros from account
        """
        await tx.run(sql, journal=journal)
        await tx.run("insert into outbox (journal_id) values (:journal)", journal=journal)
    with pytest.raises(DatabaseError, match="only added to"):
        await service.run("update journal set id = default")
    await service.run("create table made_by_a_later_migration (id bigint)")
    await check_books(service)


async def test_an_older_ledger_is_taken_over_whole(cluster: Cluster, tmp_path: Path) -> None:
    """A home of before payments: its deposits become payments, so their keys still bind."""
    for number in ("0001", "0002"):
        [path] = MIGRATIONS.glob(f"{number}_*.sql")
        (tmp_path / path.name).write_text(path.read_text())
    db = await open_database(await cluster.empty(), size=1)
    await migrate(db, tmp_path)
    await db.run("insert into account (kind, owner, currency, minor_micros) values ('clearing_test', 0, 'USD', 10000)")
    sql = "insert into account values (default, 'wallet', :user, 'USD', 10000, 5, 0)"
    await db.run(sql.replace("account values", "account (id, kind, owner, currency, minor_micros, balance_micros, "
        "held_micros) values"), user=VIEWER)  # fmt: skip
    await db.run("insert into journal (idem_key, kind, effective_at) values ('deposit 7 my key 1', 'deposit', now())")
    await db.run(
        """
        insert into entry (journal_id, account_id, amount_micros, balance_after)
        select j.id, a.id, case a.kind when 'wallet' then 5 else -5 end, a.balance_micros from journal j, account a
        """
    )
    assert await migrate(db, MIGRATIONS) != []
    sql = "select json_agg(json_build_array(user_id, idem_key, amount_micros, state)) from payment"
    assert await db.value(sql) == [[VIEWER, "my key 1", 5, "settled"]]
    await db.close()
