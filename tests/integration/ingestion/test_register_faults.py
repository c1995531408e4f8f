"""A register that fails, throttles, cuts its answers or refuses: what becomes of the run."""

from datetime import timedelta
from typing import Any

import pytest

from services.common.db import Database
from tests.integration.ingestion.conftest import AS_OF, PAGE
from tests.support.contents import contents, differences
from tests.support.ingestion import children, finished, ingest, ingestion_worker, start, until
from tests.support.register import Register
from tests.support.stack import TestDatabase

pytestmark = pytest.mark.usefixtures("impatient")
SLOW_MS = 250
"""A page takes four such answers: what is switched after the first one meets the others."""

WHOLE: dict[str, Any] = {"as_of": AS_OF.isoformat()}


async def done(db: Database, run: int) -> list[int]:
    """Offsets of the pages that have been read and stored."""
    return [p["args"]["offset"] for p in await children(db, run) if p["state"] == "succeeded"]


async def failed(db: Database, run: int) -> list[int]:
    """Offsets of the pages whose last attempt failed."""
    return [p["args"]["offset"] for p in await children(db, run) if p["error"]]


async def expect_the_same(db: Database, undisturbed: TestDatabase) -> None:
    reference = await Database.connect(undisturbed.url)
    expected = await contents(reference)
    await reference.close()
    assert differences(expected, await contents(db)) == []


async def test_a_run_goes_on_at_the_page_that_failed(
    environment: dict[str, str], register: Register, ingested: TestDatabase
) -> None:
    before = len(await register.asked())
    await register.control(slow_ms=SLOW_MS)
    async with ingestion_worker(environment, ingest_page_size=PAGE) as db:
        run = await start(db, "sample", **WHOLE)
        await until(lambda: done(db, run), "a page is done", db)
        await register.control(fail_next=10_000, status=500, slow_ms=0)
        await until(lambda: failed(db, run), "a page has failed", db)
        early, broken = await done(db, run), await failed(db, run)
        await register.control(fail_next=0)
        assert (await finished(db, run))["state"] == "succeeded"
        attempts = {p["args"]["offset"]: p["attempt"] for p in await children(db, run)}
        await expect_the_same(db, ingested)
    pages = [asked for asked in (await register.asked())[before:] if asked.is_page]
    read = [int(asked.params["$offset"]) for asked in pages if asked.status == 200]
    assert {attempts[offset] for offset in early} == {1}
    assert {read.count(offset) for offset in early} == {1}
    assert all(attempts[offset] > 1 for offset in broken)


async def test_throttling_is_waited_out_as_the_register_asks(
    environment: dict[str, str], register: Register
) -> None:
    before = len(await register.asked())
    await register.control(fail_next=1, status=429, retry_after=1)
    async with ingestion_worker(environment) as db:
        run = await ingest(db, "sample", **WHOLE)
        assert {page["attempt"] for page in await children(db, run["id"])} == {1}
    refused, following = (await register.asked())[before:][:2]
    assert (refused.status, following.status) == (429, 200)
    assert following.at - refused.at >= timedelta(seconds=0.9)  # each is logged after its answer


async def test_answers_that_break_off_are_asked_for_again(
    environment: dict[str, str], register: Register, ingested: TestDatabase
) -> None:
    await register.control(slow_ms=SLOW_MS)
    async with ingestion_worker(environment, ingest_page_size=PAGE) as db:
        run = await start(db, "sample", **WHOLE)
        await until(lambda: done(db, run), "a page is done", db)
        cut = (await register.control(truncate_next=5, slow_ms=0))["truncated"]
        assert (await finished(db, run))["state"] == "succeeded"
        await expect_the_same(db, ingested)
    assert (await register.control())["truncated"] == cut + 5


async def test_a_refusal_is_final(environment: dict[str, str], register: Register) -> None:
    await register.control(fail_next=1, status=403)
    async with ingestion_worker(environment) as db:
        run = await finished(db, await start(db, "sample"))
    assert (run["state"], run["attempt"]) == ("dead", 1)
    assert "answered 403" in run["error"]["message"]


async def test_a_run_says_which_page_was_refused(
    environment: dict[str, str], register: Register
) -> None:
    await register.control(slow_ms=SLOW_MS)
    async with ingestion_worker(environment, ingest_page_size=PAGE) as db:
        run = await start(db, "sample", **WHOLE)
        await until(lambda: done(db, run), "a page is done", db)
        await register.control(fail_next=1, status=403, slow_ms=0)
        row = await finished(db, run)
        pages = await children(db, run)
    (dead,) = [page for page in pages if page["state"] == "dead"]
    assert (row["state"], dead["attempt"]) == ("dead", 1)
    told = row["error"]["message"]
    assert told.startswith(f"1 of {len(pages)} children dead: #{dead['id']}; SourceRejected in")


async def test_a_run_that_died_covers_nothing_and_the_next_one_reads_it_all(
    environment: dict[str, str], register: Register, ingested: TestDatabase
) -> None:
    async with ingestion_worker(environment, ingest_page_size=PAGE) as db:
        await register.control(slow_ms=SLOW_MS)
        run = await start(db, "sample", **WHOLE)
        await until(lambda: done(db, run), "a page is done", db)
        await register.control(fail_next=1, status=403, slow_ms=0)
        assert (await finished(db, run))["state"] == "dead"
        await ingest(db, "sample", **WHOLE)
        await expect_the_same(db, ingested)
