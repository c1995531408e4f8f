"""The whole platform once through, undisturbed: what fault tests compare with and readers read."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.common.db import Database
from tests.support.contents import contents
from tests.support.ingestion import finished, settled, until
from tests.support.processes import process
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database

TODAY = datetime.now(UTC).date().isoformat()
SAMPLE = {"SAMPLE_SIZE": "6000", "SAMPLE_SEED": "11", "SAMPLE_AS_OF": TODAY}
"""The register that tests of the whole platform read; scores are as of today, so it is too."""

PIPELINE = {"INGEST_PAGE_SIZE": "300"}
NO_NETS = {"POLL_S": "60", "SCORING_SWEEP_AGE_S": "3600", "ENRICHMENT_SWEEP_AGE_S": "3600"}
"""Without polls and sweeps only what Kafka carries moves anything."""

TEST_S = 240.0
"""A test that compares with another day's scores fails: none begins so shortly before midnight."""

WORKERS = ("ingestion", "enrichment", "scoring")


@dataclass(frozen=True)
class Whole:
    """A database that the sample went into by all processes, what it holds, the run's answer."""

    database: TestDatabase
    environment: dict[str, str]
    contents: dict[str, set[str]]
    run: dict[str, Any]


@pytest.fixture(scope="session")
def whole_of_today(
    stack: TestStack, template_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Whole]]:
    """Gives the one of this day (UTC), made once: on the next day all scores are others."""
    made: dict[date, Whole] = {}

    def give() -> Whole:
        if (left_s := _left_of_today_s()) < TEST_S:
            time.sleep(left_s)
        day = datetime.now(UTC).date()
        if day not in made:
            database = create_database(stack, f"whole_{day:%m%d}", template_database.name)
            made[day] = _make(stack, database, tmp_path_factory.mktemp("whole"))
        return made[day]

    yield give
    for each in made.values():
        drop_database(stack, each.database.name)


@pytest.fixture(scope="module")
def whole(whole_of_today: Callable[[], Whole]) -> Whole:
    """That of today, for reading."""
    return whole_of_today()


def _left_of_today_s() -> float:
    now = datetime.now(UTC)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
    return (tomorrow - now).total_seconds()


def _make(stack: TestStack, database: TestDatabase, folder: Path) -> Whole:
    """Register, jobs service, relay, ingestion, enrichment and scoring as processes, run once.

    Nets are off: jobs and changes got through by Kafka.
    """
    urls = {"DATABASE_URL": database.url, "DATABASE_DIRECT_URL": database.direct_url}
    settings = PIPELINE | SAMPLE | NO_NETS | {"TOPIC_PREFIX": f"{database.name}."}
    environment = stack.environment() | urls | settings
    stack.run("services.common.kafka.topics", "create", env=environment)
    with ExitStack() as running:
        jobs = start_all(running, environment, folder)
        told, run = asyncio.run(_ingest(jobs, stack.token("admin"), database))
    return Whole(database, environment, told, run)


def start_all(running: ExitStack, environment: dict[str, str], folder: Path) -> str:
    """Start every process that takes part; the URL of the jobs service."""
    register = running.enter_context(process("services.sample_register", environment, folder))
    own = environment | {"SOURCE_SAMPLE_URL": register.url}
    for name in ("jobs relay", *(f"pipelines.{worker}" for worker in WORKERS)):
        running.enter_context(process(f"services.{name}", own, folder))
    return running.enter_context(process("services.jobs", own, folder)).url


async def _ingest(
    jobs: str, token: str, database: TestDatabase
) -> tuple[dict[str, set[str]], dict[str, Any]]:
    """Ask for a run over HTTP and wait for it: (what the tables hold, the run's answer)."""
    headers = {"Authorization": f"Bearer {token}"}
    db = await Database.connect(database.url)
    async with aiohttp.ClientSession(jobs, headers=headers) as session:
        asked = {"source": "sample"}
        async with session.post("/api/jobs/ingestion", json=asked) as answer:
            assert answer.status == 202, await answer.text()
            path = answer.headers["Location"]
            await finished(db, (await answer.json())["id"], 180)
        await until(lambda: settled(db), "every prospect is enriched and scored", db)
        async with session.get(path) as answer:
            run = await answer.json()
    told = await contents(db)
    await db.close()
    return told, run
