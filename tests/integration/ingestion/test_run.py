"""A run over the whole sample register: what it fans out into, and what the tables hold then."""

from datetime import date
from typing import Any

import orjson
import pytest

from tests.integration.ingestion.conftest import AS_OF, PAGE, Rows
from tests.support.contents import stored
from tests.support.ingestion import children, ingest, ingestion_worker
from tests.support.register import FILINGS, Register
from tests.support.stack import TestDatabase

FIRST = "FROM jobs WHERE 1 IN (id, parent_id)"
LOST = {"20110460001", "2007F074276"}
"""Initial filings that amendments of the sample name and the register does not have."""


def good(row: dict[str, Any]) -> bool:
    """Whether a row of filings says what it is, when it was filed and what it amends."""
    try:
        filed_on(row)
        date.fromisoformat(row.get("lapsedate", "2000-01-01")[:10])
    except (KeyError, ValueError):
        return False
    told = row.keys() & {"transactiontype", "documenttype"}
    return bool(told) and row.keys() >= {"transactionid", "masterdocumentid"}


def filed_on(row: dict[str, Any]) -> date:
    return date.fromisoformat(row["filingdate"].removesuffix("T00:00:00.000"))


def lines(database: TestDatabase, sql: str) -> set[str]:
    return set(database.psql(sql).splitlines())


def documents(rows: Rows) -> dict[str, str]:
    """Transactionid of every readable document by each of its fileids."""
    return {row["fileid"]: row["transactionid"] for row in rows["filings"] if good(row)}


def parts(rows: Rows, dataset: str, key: str) -> set[str]:
    """`document|row id` of every row that hangs on a readable document."""
    found = documents(rows)
    return {
        f"{found[row['fileid']]}|{row[key]}" for row in rows[dataset] if row.get("fileid") in found
    }


def test_a_run_fans_out_into_page_jobs(ingested: TestDatabase, rows: Rows) -> None:
    pages = -(-len(rows["filings"]) // PAGE)
    assert lines(ingested, f"SELECT kind, state, count(*) {FIRST} GROUP BY 1, 2") == {
        "ingestion|succeeded|1",
        f"ingestion.page|succeeded|{pages}",
        "ingestion.history|succeeded|1",
    }


def test_a_run_that_changed_something_has_competitors_counted(ingested: TestDatabase) -> None:
    asked = "FROM jobs WHERE kind = 'maintenance.competitors' ORDER BY id LIMIT 1"
    assert ingested.psql(f"SELECT queue, args ->> 'state', state, dedupe_key {asked}") == (
        "maintenance|CO|queued|maintenance.competitors:CO:1"
    )


def test_every_readable_document_is_stored(ingested: TestDatabase, rows: Rows) -> None:
    expected = set(documents(rows).values())
    assert lines(ingested, "SELECT document_number FROM filing_events") == expected


def test_every_filing_is_stored_once(ingested: TestDatabase, rows: Rows) -> None:
    expected = {row["masterdocumentid"] for row in rows["filings"] if good(row)}
    assert lines(ingested, "SELECT filing_number FROM ucc_filings") == expected


@pytest.mark.parametrize(
    ("role", "dataset", "key"), [("debtor", "debtors", "debtorid"), ("secured", "secured", "spid")]
)
def test_every_party_is_stored(
    ingested: TestDatabase, rows: Rows, role: str, dataset: str, key: str
) -> None:
    unnamed = lines(
        ingested,
        f"SELECT row_key || '|' || (row_text::json ->> '{key}') FROM quarantine"
        " WHERE reason LIKE 'the row names nobody%'",
    )
    found = lines(
        ingested,
        "SELECT e.document_number, p.party_key FROM filing_parties AS p"
        f" JOIN filing_events AS e ON e.id = p.event_id WHERE p.role = '{role}'",
    )
    assert found == parts(rows, dataset, key) - unnamed


def test_every_collateral_text_is_stored(ingested: TestDatabase, rows: Rows) -> None:
    found = lines(
        ingested,
        "SELECT e.document_number, c.collateral_key FROM filing_collateral AS c"
        " JOIN filing_events AS e ON e.id = c.event_id",
    )
    assert found == parts(rows, "collateral", "collateralid")


def test_the_run_tells_what_it_did(ingested: TestDatabase, rows: Rows) -> None:
    (result,) = lines(ingested, f"SELECT result {FIRST} AND kind = 'ingestion'")
    counts = orjson.loads(result)
    history = len(LOST)  # its amendments are met again when the lost filing is asked for
    assert counts["rows"] == len(rows["filings"]) + history
    assert counts["new"] == len(set(documents(rows).values()))
    assert (counts["changed"], counts["unchanged"]) == (0, history)
    assert str(counts["quarantined"]) == ingested.psql("SELECT count(*) FROM quarantine")


def test_bad_rows_are_kept_verbatim(ingested: TestDatabase, rows: Rows) -> None:
    found = ingested.psql(f"SELECT row_text FROM quarantine WHERE dataset = '{FILINGS}'")
    kept = [orjson.loads(line) for line in found.splitlines()]
    bad = [row for row in rows["filings"] if not good(row)]
    assert len(bad) == 7
    assert sorted(map(str, kept)) == sorted(map(str, bad))


def test_bad_rows_say_what_is_wrong(ingested: TestDatabase) -> None:
    assert lines(ingested, "SELECT DISTINCT reason FROM quarantine") == {
        "column transactionid is missing",
        "column filingdate is missing",
        "column filingdate is no date: '2026-09-32T00:00:00.000'",
        "column filingdate is no date: '09/11/2026'",
        "column lapsedate is no date: '9999-99-99T00:00:00.000'",
        "column masterdocumentid is missing",
        "columns transactiontype and documenttype are missing: what is it?",
        "the row names nobody: neither an organization nor a person",
    }


def test_only_filings_that_the_register_lacks_are_without_their_initial_document(
    ingested: TestDatabase,
) -> None:
    found = lines(ingested, "SELECT filing_number FROM ucc_filings WHERE NOT initial_seen")
    assert found == LOST


@pytest.mark.parametrize(
    ("filing", "status", "lapse"),
    [
        ("2009F062713", "active", "2029-08-03"),  # continued in time, three times
        ("20192046565", "lapsed", "2024-12-02"),  # continued too early
        ("20192046566", "lapsed", "2024-12-02"),  # continued too late
        ("10002102626", "active", "2031-03-01"),
    ],
)
def test_continuations_count_as_the_code_says(
    ingested: TestDatabase, filing: str, status: str, lapse: str
) -> None:
    where = f"filing_number = '{filing}'"
    assert ingested.psql(f"SELECT status, lapse_on FROM ucc_filings WHERE {where}") == (
        f"{status}|{lapse}"
    )


def test_a_filing_is_terminated_when_a_document_says_so(ingested: TestDatabase, rows: Rows) -> None:
    ended = {row["masterdocumentid"] for row in rows["filings"] if row.get("terminationflag")}
    found = lines(ingested, "SELECT filing_number FROM ucc_filings WHERE status = 'terminated'")
    assert found == ended - LOST


def test_liens_of_courts_and_tax_authorities_are_told_from_those_of_lenders(
    ingested: TestDatabase, rows: Rows
) -> None:
    federal = {
        row["transactionid"]
        for row in rows["filings"]
        if good(row) and row["documenttype"] == "Federal tax lien"
    }
    found = lines(
        ingested, "SELECT filing_number FROM ucc_filings WHERE filing_type = 'federal_tax_lien'"
    )
    assert found == federal != set()


def test_people_are_not_prospects(ingested: TestDatabase, rows: Rows) -> None:
    assert any(row.get("firstname") == "PERSON" for row in rows["debtors"])
    assert (
        ingested.psql("SELECT count(*) FROM prospects WHERE company_name ~* 'debtor ?[0-9]'") == "0"
    )


def test_prospects_are_of_the_state_of_the_filing_office(ingested: TestDatabase) -> None:
    elsewhere = (
        "EXISTS (SELECT FROM filing_parties AS f WHERE f.name_key = p.name_key AND region = 'TX')"
    )
    assert lines(ingested, f"SELECT DISTINCT state FROM prospects AS p WHERE {elsewhere}") == {"CO"}
    assert lines(ingested, "SELECT DISTINCT state FROM prospects") == {"CO"}


def test_one_prospect_has_all_spellings_of_a_name(ingested: TestDatabase) -> None:
    found = ingested.psql(
        "SELECT count(*) FROM prospects AS p JOIN prospect_ucc_filings ON prospect_id = p.id"
        " WHERE company_name ~* '^dunmarrow bar excavating' GROUP BY p.id"
    )
    assert found == "3"


async def test_a_second_run_changes_no_row(
    environment: dict[str, str], ingested: TestDatabase, register: Register
) -> None:
    urls = {"DATABASE_URL": ingested.url}
    async with ingestion_worker(environment | urls, ingest_page_size=PAGE) as db:
        before = await stored(db)
        run = await ingest(db, "sample", as_of=AS_OF.isoformat())
        assert await stored(db) == before
        assert (run["result"]["new"], run["result"]["changed"], run["result"]["prospects"]) == (
            0,
            0,
            0,
        )
        assert await children(db, run["id"], "ingestion.history") == []
    assert ingested.psql("SELECT count(*) FROM jobs WHERE kind = 'maintenance.competitors'") == "1"
