"""A running service in this process and a client for it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import REGISTRY

from tests.unit.common.service import Client, FakeDatabase, application


@pytest.fixture
def fake_db() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
async def client(fake_db: FakeDatabase) -> AsyncIterator[Client]:
    async with TestClient(TestServer(application(fake_db))) as opened:
        yield opened


class Meter:
    """How much a metric grew since the test began."""

    def __init__(self) -> None:
        self._before = self._all()

    def grown(self, name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return self._all().get(key, 0) - self._before.get(key, 0)

    @staticmethod
    def _all() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for metric in REGISTRY.collect()
            for sample in metric.samples
        }


@pytest.fixture
def meter() -> Iterator[Meter]:
    yield Meter()
