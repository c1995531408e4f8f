"""Bad rows of files are corrected and replayed, and stay corrected."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from services.common.db import Database
from services.common.sql import Query
from tests.integration.files.conftest import Client, take
from tests.support.contents import stored
from tests.support.ingestion import finished
from tests.support.unloads import (
    Files,
    collateral,
    fl_filing,
    fl_party,
    florida,
    iaca,
    party,
    record,
)

BAD_DATE = fl_filing("7", "31/12/2025", "12/31/2030")
FILINGS = Query("test_filings", "SELECT filing_number, status FROM ucc_filings ORDER BY 1")
NAMES = Query("test_names", "SELECT name FROM filing_parties WHERE is_current ORDER BY 1")
ENTRIES = Query("test_entries", "SELECT id, dataset, row_text, reason, state FROM quarantine")


def files() -> Files:
    """A filing with a bad date, and a debtor's line that is cut short."""
    made = florida(
        filings=[BAD_DATE],
        debtors=[fl_party("Deb", "7", "PELICAN BAKERY LLC")],
        secureds=[fl_party("Sec", "7", "LIBERTAS FUNDING LLC")],
    )
    made["debtors_full.csv"] += b"7|CUT SHORT LLC|C\r\n"
    return made


@pytest.fixture
async def db(api: Client, worker: Database) -> AsyncIterator[Database]:
    """The database that the files were read into."""
    await take(api, worker, "fl", files())
    yield worker


async def entry(db: Database, dataset: str) -> dict[str, Any]:
    return next(dict(row) for row in await db.fetch(ENTRIES) if row["dataset"] == dataset)


async def replay(api: Client, db: Database, entry_id: int, row: Any) -> dict[str, Any]:
    body = {} if row is None else {"row": row}
    async with api.post(f"/api/jobs/quarantine/{entry_id}/replay", json=body) as answer:
        job = await answer.json()
        assert answer.status == 202, job
    return await finished(db, job["id"])


async def told(db: Database, query: Query) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await db.fetch(query)]


async def test_a_corrected_filing_is_read_with_its_parties(api: Client, db: Database) -> None:
    bad = await entry(db, "fl.filings")
    assert await told(db, FILINGS) == []
    right = orjson.loads(bad["row_text"]) | {"FilingDate": "12/31/2025"}
    job = await replay(api, db, bad["id"], right)
    assert (job["state"], job["result"]["new"]) == ("succeeded", 1)
    assert await told(db, FILINGS) == [("7", "active")]
    assert await told(db, NAMES) == [("LIBERTAS FUNDING LLC",), ("PELICAN BAKERY LLC",)]
    assert (await entry(db, "fl.filings"))["state"] == "replayed"


async def test_a_correction_counts_when_the_files_come_again(api: Client, db: Database) -> None:
    bad = await entry(db, "fl.filings")
    right = orjson.loads(bad["row_text"]) | {"FilingDate": "12/31/2025"}
    await replay(api, db, bad["id"], right)
    before = await stored(db)
    job = await take(api, db, "fl", files())
    assert (job["result"]["new"], job["result"]["changed"]) == (0, 0)
    assert await stored(db) == before


async def test_a_line_that_could_not_be_split_becomes_a_row(api: Client, db: Database) -> None:
    filing = await entry(db, "fl.filings")
    right = orjson.loads(filing["row_text"]) | {"FilingDate": "12/31/2025"}
    await replay(api, db, filing["id"], right)
    line = await entry(db, "fl.debtors")
    assert line["row_text"] == "7|CUT SHORT LLC|C"
    job = await replay(api, db, line["id"], fl_party("Deb", "7", "CUT SHORT LLC"))
    assert (job["state"], job["result"]["changed"]) == ("succeeded", 1)
    assert ("CUT SHORT LLC",) in await told(db, NAMES)


async def test_a_row_that_is_still_bad_stays_open(api: Client, db: Database) -> None:
    bad = await entry(db, "fl.filings")
    job = await replay(api, db, bad["id"], BAD_DATE | {"FilingDate": "soon"})
    why = "column FilingDate is no date: 'soon'"
    assert job["state"] == "dead"
    assert why in job["error"]["message"]
    shown = await entry(db, "fl.filings")
    assert shown["state"] == "open"
    assert why in shown["reason"]


async def test_a_line_without_a_correction_cannot_be_read(api: Client, db: Database) -> None:
    job = await replay(api, db, (await entry(db, "fl.debtors"))["id"], None)
    assert job["state"] == "dead"
    assert "send a corrected row" in job["error"]["message"]


async def test_an_xml_record_is_corrected_as_xml(api: Client, worker: Database) -> None:
    good = record("11", "20260301", party("Debtor", "LONE STAR DINER LLC"), collateral("ovens"))
    await take(api, worker, "iaca", {"a.xml": iaca(good.replace("20260301", "March"))}, state="TX")
    bad = await entry(worker, "iaca.records")
    assert "no date: 'March'" in bad["reason"]
    text = orjson.loads(bad["row_text"])["Record"].replace("March", "20260301")
    job = await replay(api, worker, bad["id"], {"Record": text})
    assert job["state"] == "succeeded", job["error"]
    assert await told(worker, FILINGS) == [("11", "active")]
