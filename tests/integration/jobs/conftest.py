"""Settings and running parts of the jobs package on this test's database and topics."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.common.db import Database
from services.common.kafka.settings import KafkaSettings, WorkerSettings
from services.common.kafka.topics import create
from services.jobs.publisher import Publisher
from services.jobs.settings import RelaySettings
from tests.support.stack import TestDatabase, TestStack


@pytest.fixture
def brokers(stack: TestStack) -> str:
    return stack.environment()["KAFKA_BROKERS"]


@pytest.fixture
async def topics(brokers: str, topic_prefix: str) -> str:
    """As in tests/conftest.py, quicker: without a process."""
    where = {"kafka_brokers": brokers, "topic_prefix": topic_prefix}
    await create(KafkaSettings.model_validate(where))
    return topic_prefix


@pytest.fixture
def urls(database: TestDatabase, brokers: str, topics: str) -> dict[str, Any]:
    """What settings of every process here have in common; any free port."""
    return {
        "database_url": database.url,
        "database_direct_url": database.direct_url,
        "kafka_brokers": brokers,
        "topic_prefix": topics,
        "port": 0,
    }


@pytest.fixture
def relay_settings(urls: dict[str, Any]) -> RelaySettings:
    return RelaySettings.model_validate(urls)


@pytest.fixture
def worker_settings(urls: dict[str, Any]) -> WorkerSettings:
    return WorkerSettings.model_validate(urls | {"drain_s": 5})


@pytest.fixture
async def direct(database: TestDatabase) -> AsyncIterator[Database]:
    pool = await Database.connect(database.direct_url, max_size=3)
    yield pool
    await pool.close()


@pytest.fixture
async def publisher(brokers: str, topics: str) -> AsyncIterator[Publisher]:
    made = Publisher(brokers, topics)
    yield made
    await made.close()
