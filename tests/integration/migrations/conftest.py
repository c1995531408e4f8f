"""Migrations of one's own in a temporary folder, on an empty database."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from migrations.attempts import Limits
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database

Pair = Callable[..., None]


@pytest.fixture
def url(empty_database: TestDatabase) -> str:
    """An empty database, directly."""
    return empty_database.direct_url


@pytest.fixture
def other_database(stack: TestStack, empty_database: TestDatabase) -> Iterator[TestDatabase]:
    """A second empty database."""
    made = create_database(stack, f"{empty_database.name}_b")
    yield made
    drop_database(stack, made.name)


@pytest.fixture
def limits() -> Limits:
    """Little patience, so that a test of waiting is short."""
    return Limits(
        lock_timeout_s=0.2, statement_timeout_s=20, lock_retries=1, runner_wait_s=20, backoff_s=0.01
    )


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Writes the two files of a migration into `tmp_path`."""

    def write(label: str, up: str, down: str = "SELECT 1") -> None:
        (tmp_path / f"{label}.up.sql").write_text(up)
        (tmp_path / f"{label}.down.sql").write_text(down)

    return write


@pytest.fixture
async def conn(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A session beside the runner's."""
    connection = await asyncpg.connect(url, server_settings={"application_name": "bystander"})
    yield connection
    await connection.close()
