"""The real process of the service that a module names, on a database with its seed."""

from collections.abc import Iterator

import pytest

from tests.integration.contract.contract import SUBJECT, Contract, Service
from tests.support.processes import process
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database


@pytest.fixture(scope="module")
def seeded(
    request: pytest.FixtureRequest, stack: TestStack, template_database: TestDatabase
) -> Iterator[TestDatabase]:
    """A database with the SEED of the module."""
    name = f"contract_{request.module.CONTRACT.service}"
    made = create_database(stack, name, template_database.name)
    for seed in request.module.SEED:
        made.psql(seed.read_text())
    yield made
    drop_database(stack, made.name)


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest,
    stack: TestStack,
    seeded: TestDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """The service of the module's CONTRACT; limits count, but let everything through."""
    contract: Contract = request.module.CONTRACT
    urls = {"DATABASE_URL": seeded.url, "DATABASE_DIRECT_URL": seeded.direct_url}
    environment = stack.environment() | urls | {"RATE_LIMIT_MAX": "1000000"}
    folder = tmp_path_factory.mktemp("contract")
    with process(f"services.{contract.service}", environment, folder) as running:
        yield Service(running.url, stack.token("admin", SUBJECT), contract)
