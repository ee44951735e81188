"""Numbered migrations of one service: `api/<service>/migrations/0001_name.sql`, each applied once, in order.

Replicas start together, so one advisory lock covers the whole run. An applied file never changes: its hash is kept.
"""

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from api.database import Connection, Database

LEDGER = """
create table if not exists migration (
    number integer primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now()
)
"""


class MigrationChanged(RuntimeError):
    """An applied file was edited, or a gap was found: write a new file instead."""


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True)
class Applied:
    number: int
    name: str
    sha256: str


def read_migrations(folder: Path) -> list[Migration]:
    """The files of a folder in order; numbers must be 1, 2, 3 …"""
    found = [
        Migration(int(path.stem.split("_", 1)[0]), path.name, path.read_text()) for path in sorted(folder.glob("*.sql"))
    ]
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise MigrationChanged(f"{folder}: numbers must run 1, 2, 3 … without a gap or a double")
    return found


async def migrate(db: Database, folder: Path) -> list[str]:
    """Bring a database up to date; gives the names applied now. Raises `MigrationChanged` on an edited file."""
    wanted = read_migrations(folder)
    async with db.transaction() as tx:
        await tx.run("set local lock_timeout = '60s'")
        await tx.run("select pg_advisory_xact_lock(:key)", key=zlib.crc32(b"streamify.migrate"))
        await tx.run(LEDGER)
        applied = {row.number: row for row in await tx.all(Applied, "select number, name, sha256 from migration")}
        return [m.name for m in wanted if await _apply(tx, m, applied.get(m.number))]


async def _apply(tx: Connection, migration: Migration, applied: Applied | None) -> bool:
    if applied is not None:
        if applied.sha256 != migration.sha256:
            raise MigrationChanged(f"{migration.name} was applied as {applied.name} and edited since")
        return False
    await tx.raw.execute(migration.sql)
    await tx.run(
        "insert into migration (number, name, sha256) values (:number, :name, :sha256)",
        number=migration.number,
        name=migration.name,
        sha256=migration.sha256,
    )
    return True
