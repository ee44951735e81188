"""The README tells the truth: its settings table is the settings table, its paths name functions that exist."""

import ast
import re
from pathlib import Path

import pytest

from api.settings import TABLE

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def settings_table() -> str:
    """The table as the README must show it."""
    rows = "\n".join(f"| `{s.name}` | {f'`{s.default}`' if s.default else ''} | {s.sentence} |" for s in TABLE)
    return f"| setting | default | what it is |\n|---|---|---|\n{rows}\n"


def test_the_readme_shows_the_settings_table() -> None:
    assert settings_table() in README, f"the README's table should be:\n{settings_table()}"


def steps() -> list[tuple[str, str]]:
    """(file, function) of every row in the two path tables."""
    return re.findall(r"^\|[^|]+\| `([\w/.]+)` \| `([\w.]+)` \|$", README, re.MULTILINE)


def test_the_two_paths_are_there() -> None:
    assert len(steps()) >= 18


@pytest.mark.parametrize(("file", "function"), steps())
def test_every_function_of_the_two_paths_exists(file: str, function: str) -> None:
    text = (ROOT / file).read_text()
    if file.endswith(".py"):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        names = {n.name for n in ast.walk(ast.parse(text)) if isinstance(n, kinds)}
        assert function in names
    else:
        assert re.search(rf"\b{re.escape(function)}\b", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_and_pictures_of_the_pages_exist(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_every_setting_the_code_reads_is_documented() -> None:
    names = {s.name for s in TABLE}
    read = set()
    for path in [p for folder in ("api", "workers") for p in (ROOT / folder).rglob("*.py")]:
        read |= set(re.findall(r"settings\.(?:text|number|path|secret)\(\s*\"(\w+)\"", path.read_text()))
    assert read
    assert read - names == set()
