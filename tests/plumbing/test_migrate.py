"""Migrations: once, in order, by one of many that start together; an edited file is refused."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.database import Database, DatabaseError, open_database
from api.migrate import MigrationChanged, migrate
from tests.conftest import Cluster


@pytest.fixture
async def db(cluster: Cluster) -> AsyncIterator[Database]:
    found = await open_database(await cluster.empty(), size=8)
    yield found
    await found.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_film.sql").write_text("create table film (id int); insert into film values (1);")
    (tmp_path / "0002_title.sql").write_text("alter table film add column title text not null default '';")
    return tmp_path


async def test_each_file_is_applied_once_and_in_order(db: Database, folder: Path) -> None:
    assert await migrate(db, folder) == ["0001_film.sql", "0002_title.sql"]
    assert await migrate(db, folder) == []
    assert await db.value("select count(*) from film where title = ''") == 1


async def test_many_that_start_together_apply_each_file_once(db: Database, folder: Path) -> None:
    done = await asyncio.gather(*(migrate(db, folder) for _ in range(6)))
    assert sorted(name for names in done for name in names) == ["0001_film.sql", "0002_title.sql"]
    assert await db.value("select count(*) from film") == 1


async def test_an_edited_file_is_refused(db: Database, folder: Path) -> None:
    await migrate(db, folder)
    (folder / "0001_film.sql").write_text("create table film (id bigint);")
    with pytest.raises(MigrationChanged, match="edited since"):
        await migrate(db, folder)


async def test_a_failing_file_leaves_nothing_behind(db: Database, folder: Path) -> None:
    (folder / "0003_broken.sql").write_text("create table half (id int); select nonsense;")
    with pytest.raises(DatabaseError, match="nonsense"):
        await migrate(db, folder)
    assert await db.value("select to_regclass('film') is null and to_regclass('half') is null")


async def test_numbers_run_without_a_gap(db: Database, folder: Path) -> None:
    (folder / "0004_gap.sql").write_text("select 1;")
    with pytest.raises(MigrationChanged, match="without a gap"):
        await migrate(db, folder)
