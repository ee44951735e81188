"""Conventions as tests: the closed list of plumbing, size ceilings, import arrows, and the linters themselves."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sorted(p for folder in ("api", "media", "workers") for p in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
NGINX = sorted(p for p in (ROOT / "nginx").rglob("*") if p.is_file())
PAGES = sorted(p for p in (ROOT / "player/src").rglob("*.ts"))

# Nouns without a business word; a new one is added here in the change that needs it, where a reviewer sees it.
PLUMBING = {
    "__init__", "__main__", "binaries", "bootstrap", "clients", "command", "database", "demo", "doctor", "edge",
    "gateway", "identity", "limits", "listener", "logs", "machine", "memory", "migrate", "operate", "problems", "queue",
    "service", "settings", "stack", "wire",
}  # fmt: skip
NOT_NAMES = {"utils", "helpers", "common", "misc", "base", "core", "manager"}


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def named(paths: list[Path]) -> list[str]:
    return [str(p.relative_to(ROOT)) for p in paths]


def test_plumbing_is_a_closed_list() -> None:
    assert {p.stem for p in (ROOT / "api").glob("*.py")} == PLUMBING


def test_files_are_named_by_nouns_of_the_field() -> None:
    assert [p for p in named([*PYTHON, *PAGES]) if Path(p).stem in NOT_NAMES] == []


@pytest.mark.parametrize(
    ("paths", "ceiling"),
    [(PYTHON, 300), (TESTS, 400), (NGINX, 80), (PAGES, 250)],
    ids=["python", "tests", "nginx", "ts"],
)
def test_files_stay_below_their_ceiling(paths: list[Path], ceiling: int) -> None:
    assert paths
    assert {str(p.relative_to(ROOT)): lines(p) for p in paths if lines(p) > ceiling} == {}


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax, parsed once."""
    return ast.parse(path.read_text())


def functions(path: Path) -> list[tuple[str, int]]:
    found = [n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [(f"{path.relative_to(ROOT)}:{n.name}", (n.end_lineno or n.lineno) - n.lineno + 1) for n in found]


def test_functions_stay_below_forty_lines() -> None:
    assert [f for path in PYTHON for f in functions(path) if f[1] > 40] == []


def test_statements_stay_below_twenty_five_lines() -> None:
    long = []
    for path in PYTHON:
        for node in ast.walk(tree(path)):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if re.match(r"\s*(select|insert|update|delete|with)\b", text) and len(text.strip().splitlines()) > 25:
                long.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}")
    assert long == []


def test_every_module_opens_with_what_it_owns() -> None:
    assert [str(p.relative_to(ROOT)) for p in PYTHON if not ast.get_docstring(tree(p))] == []


def test_only_the_database_module_says_asyncpg() -> None:
    assert named([p for p in PYTHON if "asyncpg" in p.read_text()]) == ["api/database.py"]


def test_sql_lives_in_queries_alone() -> None:
    verb = re.compile(r'"\s*(select|insert into|update|delete from)\s', re.IGNORECASE)
    places = [p for p in (ROOT / "api").glob("*/*.py") if not p.stem.startswith("queries")]
    assert named([p for p in places if verb.search(p.read_text())]) == []


def test_nouns_know_no_framework() -> None:
    doors = re.compile(r"^(app|routes.*|queries.*|__init__)$")
    framework = re.compile(r"^\s*(from|import) (starlette|celery|uvicorn)", re.MULTILINE)
    nouns = [p for p in (ROOT / "api").glob("*/*.py") if not doors.match(p.stem)]
    assert nouns
    assert named([p for p in nouns if framework.search(p.read_text())]) == []


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["lint-imports", "--no-cache"],
    ],
    ids=["ruff", "format", "mypy", "imports"],
)
def test_the_linters_are_content(command: list[str]) -> None:
    path = Path(sys.executable).parent / command[0]
    done = subprocess.run([path, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
