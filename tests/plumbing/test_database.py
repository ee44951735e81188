"""Named parameters, rows as dataclasses, and transactions that are all or nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from api.database import Database, NoRow, open_database, positional
from tests.conftest import Cluster


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("select :a + :b", "select $1 + $2", ("a", "b")),
        ("select :a, :b, :a", "select $1, $2, $1", ("a", "b")),
        ("select :a::bigint", "select $1::bigint", ("a",)),
        ("select now()::date", "select now()::date", ()),
        ("select '12:30'", "select '12:30'", ()),
        ("select xs[1:2] from t where id = :id", "select xs[1:2] from t where id = $1", ("id",)),
        ("values (:user_id, :x2)", "values ($1, $2)", ("user_id", "x2")),
    ],
)
def test_names_become_positions(sql: str, text: str, names: tuple[str, ...]) -> None:
    assert positional(sql) == (text, names)


@dataclass(frozen=True)
class Film:
    id: int
    title: str


@pytest.fixture
async def db(cluster: Cluster) -> AsyncIterator[Database]:
    found = await open_database(await cluster.empty(), size=2)
    await found.run("create table film (id int primary key, title text not null)")
    yield found
    await found.close()


async def test_rows_are_dataclasses(db: Database) -> None:
    await db.run("insert into film values (:id, :title)", id=1, title="Bunny")
    assert await db.all(Film, "select id, title from film") == [Film(1, "Bunny")]
    assert await db.maybe(Film, "select id, title from film where id = :id", id=2) is None


async def test_a_promised_row_that_is_absent_is_an_error(db: Database) -> None:
    with pytest.raises(NoRow):
        await db.one(Film, "select id, title from film")


async def test_run_counts_the_rows_it_touched(db: Database) -> None:
    await db.many("insert into film values (:id, :title)", [{"id": i, "title": "x"} for i in range(3)])
    assert await db.run("update film set title = :title where id > :id", title="y", id=0) == 2


async def test_a_transaction_is_all_or_nothing(db: Database) -> None:
    async def half() -> None:
        async with db.transaction() as tx:
            await tx.run("insert into film values (1, 'a')")
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        await half()
    assert await db.value("select count(*) from film") == 0
