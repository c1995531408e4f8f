"""What a run asks for: windows of dates, missing initial filings, the next daily run, nonsense."""

from datetime import date
from typing import Any

import pytest

from services.common.db import Database
from services.common.sql import Query
from tests.integration.ingestion.conftest import AS_OF, Rows
from tests.support.ingestion import children, finished, ingest, ingestion_worker, start
from tests.support.register import Register

SINCE = "2026-09-01"


async def column(db: Database, sql: str) -> set[Any]:
    """The first column of a query's rows."""
    return {row[0] for row in await db.fetch(Query("test_column", sql))}


def numbers(rows: Rows, *, before: str = "9999", since: str = "") -> set[str]:
    """Transactionids of the filings rows whose date is text within a window."""
    return {
        row["transactionid"]
        for row in rows["filings"]
        if since <= row.get("filingdate", "") < before and "transactionid" in row
    }


async def test_since_leaves_out_what_is_older(
    environment: dict[str, str], register: Register
) -> None:
    async with ingestion_worker(environment) as db:
        run = await ingest(db, "sample", since=SINCE)
    last = [asked for asked in await register.asked() if asked.is_page][-1]
    assert last.params["$where"] == f"filingdate>='{SINCE}'"
    assert run["progress"]["since"] == SINCE


async def test_the_initial_filings_of_amendments_are_fetched(
    environment: dict[str, str], register: Register, rows: Rows
) -> None:
    async with ingestion_worker(environment) as db:
        run = await ingest(db, "sample", since=SINCE)
        (history,) = await children(db, run["id"], "ingestion.history")
        initial = await column(db, "SELECT filing_number FROM ucc_filings WHERE initial_seen")
        orphans = await column(db, "SELECT filing_number FROM ucc_filings WHERE NOT initial_seen")
    known = numbers(rows)
    assert set(history["args"]["numbers"]) - known == orphans
    assert set(history["args"]["numbers"]) & known <= initial


async def test_what_was_fetched_later_is_told_as_if_read_at_once(
    environment: dict[str, str], register: Register
) -> None:
    told = (
        "SELECT (filing_number, status, lapse_on, amendments, (SELECT count(*) FROM filing_parties"
        " AS p WHERE p.filing_id = f.id AND is_current))::text FROM ucc_filings AS f"
    )
    async with ingestion_worker(environment) as db:
        await ingest(db, "sample", since=SINCE, as_of=AS_OF.isoformat())
        partly = await column(db, told)
        await ingest(db, "sample", as_of=AS_OF.isoformat())
        assert partly - await column(db, told) == set()


async def test_until_leaves_out_what_is_newer(
    environment: dict[str, str], register: Register, rows: Rows
) -> None:
    until = "2022-01-01"
    async with ingestion_worker(environment) as db:
        run = await ingest(db, "sample", until=until)
        pages = await children(db, run["id"])
        newest = await column(db, "SELECT max(filed_on) FROM ucc_filings WHERE initial_seen")
    assert newest.pop() < date.fromisoformat(until)
    assert sum(page["result"]["rows"] for page in pages) == sum(
        row.get("filingdate", until) < until for row in rows["filings"]
    )


COVERED = "SELECT covered_until FROM data_sources WHERE name = 'sample'"


async def test_a_run_to_the_end_covers_the_day_it_was_made(
    environment: dict[str, str], register: Register
) -> None:
    async with ingestion_worker(environment) as db:
        await ingest(db, "sample", since=SINCE, as_of=AS_OF.isoformat())
        assert await column(db, COVERED) == {AS_OF}


async def test_a_run_that_stops_earlier_covers_only_its_window(
    environment: dict[str, str], register: Register
) -> None:
    async with ingestion_worker(environment) as db:
        await ingest(db, "sample", since=SINCE, until="2026-09-05", as_of=AS_OF.isoformat())
        assert await column(db, COVERED) <= {date(2026, 9, 4), date(2026, 9, 5)}


async def test_a_run_beyond_what_is_covered_leaves_the_gap_to_the_next(
    environment: dict[str, str], register: Register
) -> None:
    async with ingestion_worker(environment) as db:
        await ingest(db, "sample", since=SINCE, as_of="2026-09-10")
        await ingest(db, "sample", since="2026-10-20", as_of=AS_OF.isoformat())
        assert await column(db, COVERED) == {date(2026, 9, 10)}


async def test_an_unknown_source_is_dead_at_once(environment: dict[str, str]) -> None:
    async with ingestion_worker(environment) as db:
        run = await finished(db, await start(db, "nevada"))
    assert (run["state"], run["attempt"]) == ("dead", 1)
    assert run["error"]["message"] == (
        "No register is called 'nevada'; known are co, ct, or, sample."
    )


async def test_a_window_that_ends_before_it_begins_is_dead_at_once(
    environment: dict[str, str],
) -> None:
    async with ingestion_worker(environment) as db:
        run = await finished(db, await start(db, "sample", since=SINCE, until=SINCE))
    assert (run["state"], run["attempt"]) == ("dead", 1)
    assert run["error"]["message"] == (
        "The window is empty: since 2026-09-01 is not before until 2026-09-01."
    )


@pytest.mark.parametrize("args", [{"since": "yesterday"}, {"until": "2026-13-01"}, {"since": 7}])
async def test_a_date_that_is_none_is_dead_at_once(
    environment: dict[str, str], args: dict[str, Any]
) -> None:
    async with ingestion_worker(environment) as db:
        run = await finished(db, await start(db, "sample", **args))
    assert (run["state"], run["attempt"]) == ("dead", 1), run["error"]
    assert "must be a date like 2026-09-01" in run["error"]["message"]
