"""kill -9 in the middle of an ingestion: every table ends as in an undisturbed run.

Each test has a stack of its own, whose supervisor starts again what was killed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from services.common.db import Database
from tests.integration.conftest import PIPELINE, SAMPLE, WORKERS, Whole
from tests.support.contents import contents, differences
from tests.support.ingestion import children, finished, job, settled, start, until
from tests.support.register import Register
from tests.support.stack import TestStack

pytestmark = pytest.mark.slow
PARTS = ("sample_register", "relay", "scheduler", *WORKERS)
QUICK = {"LEASE_S": "5", "HEARTBEAT_S": "1", "SWEEP_S": "1"}
"""A killed worker's jobs come back in seconds instead of half a minute."""

SLOW_MS = 250
PAGES_BEFORE = 4
RUN_S = 180.0


@pytest.fixture
def whole(whole_of_today: Callable[[], Whole]) -> Whole:
    """An undisturbed run of the same day, asked for by each test."""
    return whole_of_today()


@pytest.fixture
def platform(whole: Whole) -> Iterator[TestStack]:
    """A platform with nothing in it, for one test to break; `whole` first, to run alone."""
    with TestStack(PARTS, env=PIPELINE | SAMPLE | QUICK) as stack:
        yield stack


@pytest.fixture
async def db(platform: TestStack) -> AsyncIterator[Database]:
    """A pool on the platform's PostgreSQL that does not go through what is killed."""
    pool = await Database.connect(platform.environment()["DATABASE_DIRECT_URL"])
    yield pool
    await pool.close()


@pytest.mark.parametrize("victim", ["ingestion", "pgbouncer", "kafka"])
async def test_killed_in_mid_ingestion(
    platform: TestStack, db: Database, whole: Whole, victim: str
) -> None:
    register = Register(platform.url("sample_register"))
    await register.control(slow_ms=SLOW_MS)
    begun = time.monotonic()
    run = await start(db, "sample")
    await until(lambda: enough(db, run), f"{PAGES_BEFORE} pages are stored", db)

    await asyncio.to_thread(platform.kill, victim)

    killed = time.monotonic()
    assert (await job(db, run))["state"] == "running", "the run was over before the kill"
    pages = len(await children(db, run))
    await register.control(slow_ms=0)
    row = await finished(db, run, RUN_S)
    assert row["state"] == "succeeded", row["error"]
    assert len(await children(db, run)) > pages, "no page was left after the kill"
    await until(lambda: settled(db), "every prospect is enriched and scored", db, RUN_S)
    before, after = killed - begun, time.monotonic() - killed
    print(f"{victim}: killed after {before:.1f} s, all done {after:.1f} s later")
    assert platform.unit(victim)["restarts"] == 1
    tries = [page["attempt"] for page in await children(db, run)]
    assert victim != "ingestion" or max(tries) > 1, "no page was in the killed worker's hands"
    assert differences(whole.contents, await contents(db)) == []


async def enough(db: Database, run: int) -> bool:
    """Whether so many pages are stored that the middle is reached."""
    stored = [page for page in await children(db, run) if page["state"] == "succeeded"]
    return len(stored) >= PAGES_BEFORE
