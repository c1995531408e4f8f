"""Fixtures over a stack of infrastructure that starts with the first test that asks for it.

`database`: a migrated database per test (a copy of one template), through PgBouncer and directly.
`db`: services.common.db.Database on it. `redis_url`: an emptied Redis database. `topic_prefix`:
Kafka names of this test alone; `topics`: the same, with the topics made. `environment`: all of
these as variables, for a process that the test starts itself. `light_cluster`: a Kubernetes API
server with controllers and no node. `cluster`: a whole one, for tests marked e2e.
"""

import itertools
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from services.common.db import Database
from tests.cluster.fixtures import cluster, light_cluster
from tests.support.rendering import pytest_runtest_makereport
from tests.support.stack import (
    TestDatabase,
    TestStack,
    create_database,
    drop_database,
    flush_redis,
)

__all__ = ["cluster", "light_cluster", "pytest_runtest_makereport"]

TEMPLATE = "migrated"
TESTS = Path(__file__).parent
INTEGRATION = (TESTS / "integration", TESTS / "operator")
E2E = TESTS / "e2e"

# services that tests make in their own process: one that is to be limited says so
os.environ["RATE_LIMIT_MAX"] = "0"

# how long an example takes says how busy the machine is; the rest as the environment has it
settings.register_profile(
    "untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

_redis_databases = itertools.cycle(range(16))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the stack, so that `-m "not integration"` runs the rest without it.

    What needs a whole cluster is marked e2e: `make test` leaves it out, `make e2e` runs it alone.
    """
    for item in items:
        if E2E in item.path.parents or "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.e2e)
        if any(folder in item.path.parents for folder in INTEGRATION):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def stack() -> Iterator[TestStack]:
    """PostgreSQL, PgBouncer, Redis and Kafka for this test session. Kill none of them: share it."""
    with TestStack() as running:
        yield running


@pytest.fixture(scope="session")
def template_database(stack: TestStack) -> TestDatabase:
    """The database that every test's own is copied from; migrated once."""
    made = create_database(stack, TEMPLATE)
    urls = {"DATABASE_URL": made.url, "DATABASE_DIRECT_URL": made.direct_url}
    stack.run("migrations", "up", env=urls)
    return made


@pytest.fixture
def empty_database(stack: TestStack) -> Iterator[TestDatabase]:
    """A database with no migration applied."""
    made = create_database(stack, f"t_{uuid.uuid4().hex[:12]}")
    yield made
    drop_database(stack, made.name)


@pytest.fixture
def database(stack: TestStack, template_database: TestDatabase) -> Iterator[TestDatabase]:
    """A migrated database for this test alone."""
    made = create_database(stack, f"t_{uuid.uuid4().hex[:12]}", template_database.name)
    yield made
    drop_database(stack, made.name)


@pytest.fixture
async def db(database: TestDatabase) -> AsyncIterator[Database]:
    """A pool on this test's database through PgBouncer, as the services have it."""
    pool = await Database.connect(database.url)
    yield pool
    await pool.close()


@pytest.fixture
def redis_url(stack: TestStack) -> str:
    """A Redis database that is empty."""
    return flush_redis(stack.config.ports["redis"], next(_redis_databases))


@pytest.fixture
def topic_prefix() -> str:
    """What the names of this test's topics and consumer groups begin with."""
    return f"t{uuid.uuid4().hex[:8]}."


@pytest.fixture
def environment(
    stack: TestStack, database: TestDatabase, redis_url: str, topic_prefix: str
) -> dict[str, str]:
    """Variables for a process of ours that works on this test's database, Redis and topics."""
    return stack.environment() | {
        "DATABASE_URL": database.url,
        "DATABASE_DIRECT_URL": database.direct_url,
        "REDIS_URL": redis_url,
        "TOPIC_PREFIX": topic_prefix,
    }


@pytest.fixture
def topics(stack: TestStack, topic_prefix: str) -> str:
    """The topic prefix of this test, its topics made."""
    stack.run("services.common.kafka.topics", "create", env={"TOPIC_PREFIX": topic_prefix})
    return topic_prefix
