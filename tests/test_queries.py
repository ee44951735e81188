"""Every SQL statement of every service is understood by PostgreSQL, against the schema its migrations make."""

import ast
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from api import binaries
from api.database import DatabaseError, open_database, positional
from api.settings import SERVICES
from tests import servers
from tests.conftest import Cluster

ROOT = Path(__file__).resolve().parent.parent
BEGINNING = re.compile(r"\s*(select|insert into|update|delete from|with)\s")


@dataclass(frozen=True)
class Statement:
    place: str
    sql: str


def statements(service: str) -> list[Statement]:
    """Every string in the `queries*.py` of a service that begins like a statement."""
    found = []
    for path in sorted((ROOT / "api" / service).glob("queries*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and BEGINNING.match(node.value):
                found.append(Statement(f"{path.name}:{node.lineno}", node.value))
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_every_statement_can_be_prepared(service: str, cluster: Cluster) -> None:
    known = statements(service)
    assert len(known) > 8
    db = await open_database(await cluster.clone(service), size=1)
    wrong = {}
    async with db.connection() as connection:
        for statement in known:
            try:
                await connection.raw.prepare(positional(statement.sql)[0])
            except DatabaseError as error:
                wrong[statement.place] = str(error)
    await db.close()
    assert wrong == {}


def dump(url: str) -> str:
    """The structure of a database, without what names this machine."""
    command = [f"{binaries.postgres_bin()}/pg_dump", "--schema-only", "--no-owner", "--no-privileges", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return "\n".join(line for line in done.stdout.splitlines() if line and not line.startswith(("--", "\\")))


@pytest.mark.parametrize("service", SERVICES)
async def test_schema_sql_is_what_the_migrations_give(service: str, cluster: Cluster, postgres: servers.Server) -> None:
    migrated = await cluster.clone(service)
    written = await cluster.empty()
    db = await open_database(written, size=1)
    async with db.connection() as connection:
        await connection.raw.execute((ROOT / "api" / service / "schema.sql").read_text())
        await connection.raw.execute("create table if not exists migration (number int)")
        await connection.raw.execute("drop table migration")
    await db.close()
    other = await open_database(migrated, size=1)
    await other.run("drop table migration")
    await other.close()
    assert dump(written) == dump(migrated)
