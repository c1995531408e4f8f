"""A clean register of 15,000 filings and a small one with dirt, built once."""

from collections.abc import Callable
from datetime import date
from typing import Any

import orjson
import pytest

from services.sample_register.dataset import Dataset, build
from services.sample_register.generator import generate

AS_OF = date(2026, 11, 23)
Rows = dict[str, list[dict[str, Any]]]
MakeRows = Callable[..., Rows]


def loaded(rows: dict[str, list[bytes]]) -> Rows:
    return {name: [orjson.loads(row) for row in part] for name, part in rows.items()}


@pytest.fixture(scope="session")
def clean() -> Rows:
    """15,000 generated filings with what hangs on them, without hand-made rows."""
    return loaded(generate(7, 15_000, AS_OF, dirt=False))


@pytest.fixture(scope="session")
def small() -> Dataset:
    """600 filings, hand-made rows among them."""
    return build(7, 600, AS_OF)


@pytest.fixture(scope="session")
def small_rows(small: Dataset) -> Rows:
    return loaded({table.spec.name: table.rows for table in small.values()})
