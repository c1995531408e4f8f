"""Florida asked for its downloads: everything once, then a day after the other."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.common.db import Database
from services.common.sql import Query
from services.pipelines.ingestion.registers import florida_downloads
from tests.integration.files.florida_host import FloridaHost, florida_host
from tests.support.contents import stored
from tests.support.ingestion import children, finished, ingest, ingestion_worker, start
from tests.support.unloads import Files, fl_event, fl_filing, fl_party, florida

AS_OF = "2026-11-01"
FILINGS = Query("test_filings", "SELECT filing_number, status FROM ucc_filings ORDER BY 1")
COVERED = Query("test_covered", "SELECT covered_until::text FROM data_sources WHERE name = 'fl'")
CURRENT = Query(
    "test_current",
    "SELECT name FROM filing_parties WHERE is_current AND role = 'debtor' ORDER BY name",
)


def filing(number: str, name: str = "PELICAN BAKERY LLC") -> Files:
    return florida(
        filings=[fl_filing(number, "03/01/2026", "03/01/2031")],
        debtors=[fl_party("Deb", number, name)],
        secureds=[fl_party("Sec", number, "LIBERTAS FUNDING LLC")],
    )


@pytest.fixture
async def host(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FloridaHost]:
    async with florida_host() as running:
        monkeypatch.setenv("SOURCE_FL_URL", running.url)
        running.days[""] = filing("1") | florida(events=[])
        yield running


@pytest.fixture
async def worker(environment: dict[str, str], host: FloridaHost) -> AsyncIterator[Database]:
    async with ingestion_worker(environment) as db:
        yield db


async def told(db: Database, query: Query) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await db.fetch(query)]


async def test_the_first_run_reads_everything(host: FloridaHost, worker: Database) -> None:
    run = await ingest(worker, "fl", as_of=AS_OF)
    assert await told(worker, FILINGS) == [("1", "active")]
    assert await told(worker, COVERED) == [("2026-10-30",)]
    assert host.asked == [("", kind) for kind in florida_downloads.TYPES]
    assert (run["result"]["new"], run["result"]["quarantined"]) == (1, 0)


async def test_later_runs_read_day_by_day(host: FloridaHost, worker: Database) -> None:
    await ingest(worker, "fl", as_of=AS_OF)
    host.asked.clear()
    host.through = "2026-11-03"
    host.days["11/02/2026"] = filing("2") | florida(
        events=[fl_event("9", "1", "11/02/2026", "TERMINATION")]
    )
    run = await ingest(worker, "fl", as_of="2026-11-04")
    assert await told(worker, FILINGS) == [("1", "terminated"), ("2", "active")]
    days = [args["args"]["day"] for args in await children(worker, run["id"], "ingestion.download")]
    assert (days[0], days[-1], len(days)) == ("2026-10-23", "2026-11-03", 12)
    assert await told(worker, COVERED) == [("2026-11-03",)]


async def test_the_later_of_two_days_says_who_the_parties_are(
    host: FloridaHost, worker: Database
) -> None:
    host.days["10/28/2026"] = filing("1", "OLD NAME LLC")
    host.days["10/29/2026"] = filing("1", "NEW NAME LLC")
    await ingest(worker, "fl", since="2026-10-28", as_of=AS_OF)
    assert await told(worker, CURRENT) == [("NEW NAME LLC",)]


async def test_the_same_days_again_change_no_row(host: FloridaHost, worker: Database) -> None:
    host.days["10/29/2026"] = filing("2")
    await ingest(worker, "fl", since="2026-10-28", as_of=AS_OF)
    before = await stored(worker)
    run = await ingest(worker, "fl", since="2026-10-28", as_of=AS_OF)
    assert (run["result"]["new"], run["result"]["changed"]) == (0, 0)
    assert await stored(worker) == before


async def test_many_days_are_read_as_a_whole(host: FloridaHost, worker: Database) -> None:
    await ingest(worker, "fl", since="2026-01-01", as_of=AS_OF)
    assert {day for day, _ in host.asked} == {""}


async def test_bursts_and_failures_are_waited_for(
    host: FloridaHost, worker: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.faults = [403, 503]
    await ingest(worker, "fl", as_of=AS_OF)
    assert await told(worker, FILINGS) == [("1", "active")]


@pytest.mark.parametrize("elsewhere", ["http://169.254.169.254", "https://files.example.com"])
async def test_a_file_at_another_host_is_not_fetched(
    host: FloridaHost, worker: Database, elsewhere: str
) -> None:
    host.elsewhere = elsewhere
    job = await finished(worker, await start(worker, "fl", as_of=AS_OF))
    assert job["state"] == "dead"
    assert f"points to a file at {elsewhere}" in job["error"]["message"]
    assert "INGEST_DOWNLOAD_HOSTS" in job["error"]["message"]
    assert await told(worker, FILINGS) == []
