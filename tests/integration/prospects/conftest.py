"""A seeded database that these tests only read, and the service on it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.common.types import Role
from services.prospects.app import build
from services.prospects.settings import ProspectsSettings
from tests.integration.prospects.support import Client, Desk, bearer
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database

SEED = Path(__file__).with_name("seed.sql")


@pytest.fixture(scope="module")
def seeded(stack: TestStack, template_database: TestDatabase) -> Iterator[TestDatabase]:
    """Sixty prospects (seed.sql) that a whole module shares."""
    made = create_database(stack, "prospects_seeded", template_database.name)
    made.psql(SEED.read_text())
    yield made
    drop_database(stack, made.name)


@pytest.fixture
def settings(stack: TestStack, seeded: TestDatabase) -> ProspectsSettings:
    """Settings of the service on the seeded database."""
    return _settings(stack, seeded)


def _settings(stack: TestStack, database: TestDatabase) -> ProspectsSettings:
    secret = stack.environment()["JWT_SECRET"]
    given = {"database_url": database.url, "jwt_secret": secret, "rate_limit_max": 0}
    return ProspectsSettings.model_validate(given)


@pytest.fixture
async def open_api(settings: ProspectsSettings) -> AsyncIterator[Client]:
    """A client of the service without a token."""
    async with TestClient(TestServer(build(settings))) as client:
        yield client


@pytest.fixture
async def api(open_api: Client, settings: ProspectsSettings) -> Client:
    """A client of the service as a viewer."""
    open_api.session.headers.update(bearer(settings, Role.VIEWER))
    return open_api


@pytest.fixture
async def desk(stack: TestStack, database: TestDatabase) -> AsyncIterator[Desk]:
    """The service on this test's own database, to be called as any user."""
    settings = _settings(stack, database)
    async with TestClient(TestServer(build(settings))) as client:
        yield Desk(client, settings, database)
