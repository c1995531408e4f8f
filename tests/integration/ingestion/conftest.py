"""A small sample register for the tests of ingestion runs, and the rows it serves."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import orjson
import pytest

from services.common.kafka import failure
from services.pipelines.ingestion import registers
from services.pipelines.ingestion.registers.soda import Patience, SodaClient
from services.sample_register.generator import generate
from tests.support.ingestion import ingest, ingestion_worker
from tests.support.register import CALM, Register, sample_register
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database

SEED, SIZE, AS_OF, PAGE = 7, 1500, date(2026, 10, 30), 200
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session")
def register_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    """The register's process, which all tests of this folder share."""
    settings = {"sample_size": SIZE, "sample_seed": SEED, "sample_as_of": AS_OF}
    with sample_register(tmp_path_factory.mktemp("register"), **settings) as running:
        yield running


@pytest.fixture
async def register(
    register_process: Register, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Register]:
    """The sample register without faults, as source `sample` of this process."""
    monkeypatch.setenv("SOURCE_SAMPLE_URL", register_process.url)
    await register_process.control(**CALM)
    yield register_process
    await register_process.control(**CALM)


@pytest.fixture(scope="session")
def rows() -> Rows:
    """What the register serves, by data set, straight from its generator."""
    made = generate(SEED, SIZE, AS_OF)
    return {name: [orjson.loads(row) for row in part] for name, part in made.items()}


@pytest.fixture(scope="session")
def ingested(
    stack: TestStack, template_database: TestDatabase, register_process: Register
) -> Iterator[TestDatabase]:
    """A database that the whole sample was ingested into, undisturbed; for reading."""
    made = create_database(stack, "sample_ingested", template_database.name)
    environment = stack.environment() | {"DATABASE_URL": made.url, "TOPIC_PREFIX": "none."}

    async def fill() -> None:
        async with ingestion_worker(environment, ingest_page_size=PAGE) as db:
            await ingest(db, "sample", as_of=AS_OF.isoformat())

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_SAMPLE_URL", register_process.url)
        asyncio.run(fill())
    yield made
    drop_database(stack, made.name)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two quick tries a request and quick retries of jobs."""
    patience = Patience(tries=2, body_tries=2, first_s=0.01)

    def client(*args: Any, **settings: Any) -> SodaClient:
        return SodaClient(*args, **(settings | {"patience": patience}))

    monkeypatch.setattr(registers, "SodaClient", client)
    monkeypatch.setattr(failure, "BASE_S", 0.1)
