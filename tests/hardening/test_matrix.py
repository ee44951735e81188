"""The table of attacks names tests that are there."""

import ast
import re

from tests import hardening
from tests.stacks import ROOT


def test_every_attack_is_tried_where_the_table_says() -> None:
    rows = re.findall(r"(\S+\.py)::(\w+)$", hardening.__doc__ or "", re.MULTILINE)
    assert len(rows) > 40
    there = {path: names(path) for path, _ in rows}
    assert [f"{path}::{name}" for path, name in rows if name not in there[path]] == []


def names(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
