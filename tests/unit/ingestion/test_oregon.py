"""Oregon: rows of filing x party become whole documents; amendments are told by what shows."""

from datetime import date
from typing import Any

import pytest

from services.pipelines.ingestion.records import Document, Rejected, Window
from services.pipelines.ingestion.registers.base import raw_document
from services.pipelines.ingestion.registers.oregon import FILINGS, Oregon
from tests.unit.ingestion.soda_host import Row, client_of, soda_host

OREGON = Oregon()
TABLE = FILINGS.replace("-", "_")


def row(number: str, **cells: Any) -> Row:
    """A debtor's row of an initial filing; None leaves a cell out."""
    told = {
        "file_number": number,
        "original_file_number": number,
        "file_type": "INITIAL",
        "lien_type": "UCC",
        "filing_date": "2016-07-28T00:00:00.000",
        "lapse_date": "2021-07-28T00:00:00",
        "party_type": "DB",
        "entity_type": "ORG",
        "entity": "OXBOW DIESEL LLC",
        "mail_addr_1": "4910 TIEDEMAN ROAD",
        "city_descr": "NEWBERG",
        "st_cd_txt": "OR",
        "zip_code_txt": "97132",
        "cntry_cd_txt": "USA",
    }
    return {key: value for key, value in (told | cells).items() if value is not None}


def secured(number: str, **cells: Any) -> Row:
    return row(number, party_type="SP", entity="KEYBANK NATIONAL ASSOCIATION", **cells)


def amendment(number: str, **cells: Any) -> Row:
    told = {"original_file_number": number.rpartition("-")[0], "file_type": "AMENDMENT"}
    return row(number, **(told | cells))


def parse(*rows: Row) -> tuple[Document | None, list[Rejected]]:
    return OREGON.parse(raw_document(rows[0]["file_number"], "or", {FILINGS: list(rows)}))


def parsed(*rows: Row) -> Document:
    document, rejected = parse(*rows)
    assert document
    assert rejected == []
    return document


def test_initial_filing_with_its_parties() -> None:
    document = parsed(row("1866"), secured("1866"))
    by_role = {party.role: party for party in document.parties}
    assert (document.kind, document.filing_type) == ("initial", "ucc")
    assert (document.filed_on, document.lapse_on) == (date(2016, 7, 28), date(2021, 7, 28))
    assert by_role["debtor"].name_key == "OXBOWDIESEL"
    assert by_role["debtor"].country == "USA"
    assert by_role["secured"].lender_kind == "bank"


def test_lapse_beyond_five_years_takes_a_continuation() -> None:
    document = parsed(amendment("1866-23", lapse_date="2022-01-27T00:00:00"))
    assert (document.kind, document.initial_number) == ("continuation", "1866")
    assert document.lapse_on == date(2022, 1, 27)


@pytest.mark.parametrize("lapse", ["2021-07-28T00:00:00", "2017-01-27T00:00:00.000", None])
def test_other_amendments_may_change_parties(lapse: str | None) -> None:
    assert parsed(amendment("1866-24", lapse_date=lapse)).kind == "party_change"


def test_type_that_ends_in_x_is_a_release() -> None:
    document = parsed(amendment("99-1", lien_type="IRS-X"))
    assert (document.kind, document.filing_type) == ("termination", "federal_tax_lien")


@pytest.mark.parametrize(
    ("lien_type", "filing_type"),
    [("IRS", "federal_tax_lien"), ("EFS", "farm_product"), ("DOR", "state_tax_lien"),
     ("AG", "other_lien")],
)  # fmt: skip
def test_type_of_lien(lien_type: str, filing_type: str) -> None:
    assert parsed(row("1", lien_type=lien_type)).filing_type == filing_type


def test_original_number_is_read_from_the_number_where_it_is_missing() -> None:
    assert parsed(amendment("1866-23", original_file_number=None)).initial_number == "1866"


def test_individual() -> None:
    (person,) = parsed(row("1", entity_type="IND", entity="PAT DEBTOR0001")).parties
    assert (person.is_organization, person.is_business) == (False, False)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("1", filing_date="28.07.2016"), "column filing_date is no date: '28.07.2016'"),
        (row("1", filing_date=None), "column filing_date is missing"),
        (row("1", party_type="XX"), "column party_type is neither DB nor SP: 'XX'"),
        (row("1", entity="  "), "column entity is missing"),
        (row("1", file_type="AMENDMENT", original_file_number=None), "column original_file_number"),
    ],
)
def test_bad_row_costs_that_party(bad: Row, reason: str) -> None:
    document, rejected = parse(row("1"), bad)
    assert document
    assert len(document.parties) == 1
    assert [r.reason.startswith(reason) for r in rejected] == [True]


async def test_document_cut_by_the_edge_of_a_page_is_completed() -> None:
    rows = [row("1"), row("2"), row("2", entity="OXBOW LLC"), secured("2"), row("3")]
    async with soda_host(**{TABLE: rows}) as host, client_of(host) as client:
        first, second = [await OREGON.page(client, Window(), offset, 2) for offset in (0, 2)]
    assert [(d.number, len(d.rows[FILINGS])) for d in first.documents] == [("1", 1), ("2", 3)]
    assert [(d.number, len(d.rows[FILINGS])) for d in second.documents] == [("2", 3)]


async def test_history_is_what_the_list_holds_of_the_filing() -> None:
    rows = [row("1866"), amendment("1866-23"), row("2")]
    async with soda_host(**{TABLE: rows}) as host, client_of(host) as client:
        page = await OREGON.history(client, ["1866"])
    assert sorted(raw.number for raw in page.documents) == ["1866", "1866-23"]
