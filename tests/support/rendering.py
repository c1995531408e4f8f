"""Keeps the garbage collector out while pytest renders a failure.

Before 3.11.8 and 3.12.2 Python's `ast.parse`, by which pytest finds the lines to show, could not be
entered twice. What a failed test leaves behind may be collected in its midst and print a traceback,
which parses as well: the whole run then ended with "AST constructor recursion depth mismatch".
"""

import gc
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make the report with the collector at rest."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
