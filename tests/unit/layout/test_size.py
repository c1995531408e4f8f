"""Modules and functions stay of a size that one reads at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[3]
MODULE_LINES, FUNCTION_LINES = 300, 40
TOPS = ("services", "migrations", "operators")
MODULES = [p for top in TOPS for p in sorted((REPO / top).rglob("*.py"))]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function with the number of its lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(REPO)))
def test_a_module_is_read_at_once(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MODULE_LINES
    assert {name: n for name, n in functions(path) if n > FUNCTION_LINES} == {}
