"""Hand-made rows: every fault of real registers is there to be met."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from services.sample_register import names
from services.sample_register.dirt import write_dirt
from services.sample_register.rows import Writer
from tests.unit.sample_register.conftest import AS_OF, Rows, loaded


def _dirt(as_of: date) -> Rows:
    writer = Writer()
    write_dirt(writer, as_of)
    return loaded(writer.rows)


@pytest.fixture(scope="module")
def dirt() -> Rows:
    return _dirt(AS_OF)


def _texts(rows: list[dict[str, Any]], key: str) -> list[str]:
    return [row[key] for row in rows if key in row]


@pytest.mark.parametrize(
    "name",
    [
        "MARRAM HI BACKHOE SERVICE, ,INC",
        "KELLBRIGHT SUPPLIESS INC , A CORPORATION",
        "TRK G5 WEXCOMBE GLOBAL, LLC           00",
        "LIMBERLOW HOME CARE, LLC500 BROAD ST LAMAR CO 81052",
        "CITY OF DUNMARROW SPRINGS / STREET DIVISION",
        "CITY OF DUNMARROW SPGS/STREET DIVISION",
        "PEMBRICK EXCAVATING, L.L.C.",
        "ORLANSKE CONSTRUCTION, R.L.L.P.",
        "TORVALE GROUP, LLC (THE)",
        "TORVALE FOODS LLC D/B/A THE COPPER LADLE",
        "WEXCOMBE\nLOGISTICS\r\n, LLC",
        "   ",
    ],
)
def test_names_as_filers_write_them(dirt: Rows, name: str) -> None:
    assert name in _texts(dirt["debtors"], "organizationname")


def test_a_misspelt_agent(dirt: Rows) -> None:
    assert "C T CORPORATOIN SYSTEM, AS REPRESENTATIVE" in _texts(
        dirt["secured"], "organizationname"
    )


def test_fields_that_hold_the_wrong_thing(dirt: Rows) -> None:
    assert "Bould" in _texts(dirt["debtors"], "zipcode")
    assert "Greenich" in _texts(dirt["secured"], "city")
    assert "TX" in _texts(dirt["debtors"], "state")
    assert "7250 MARRAM AVE UNIT B DENVER CO 80205" in _texts(dirt["debtors"], "address1")


def test_one_address_in_two_spellings(dirt: Rows) -> None:
    addresses = _texts(dirt["debtors"], "address1")
    assert {"901 N MERAM ST", "901 NORTH MERAM STREET"} <= set(addresses)
    assert {"18600 COUNTY RD 105", "18600 Co Rd 105"} <= set(addresses)


@pytest.mark.parametrize("name", ["filings", "debtors", "secured", "collateral"])
def test_rows_that_come_twice(dirt: Rows, name: str) -> None:
    assert 2 in Counter(map(str, dirt[name])).values()


def test_an_amendment_numbered_before_its_initial_filing(dirt: Rows) -> None:
    early = [
        row
        for row in dirt["filings"]
        if row.get("transactiontype") == "Amendment"
        and row.get("transactionid", "") < row.get("masterdocumentid", "")[:11]
        and row["masterdocumentid"] in _texts(dirt["filings"], "transactionid")
        and row["masterdocumentid"].startswith("2026")
    ]
    assert {row["documenttype"] for row in early} == {"Assignment", "Continuation"}


def test_an_amendment_whose_initial_filing_is_lost(dirt: Rows) -> None:
    masters = set(_texts(dirt["filings"], "masterdocumentid"))
    assert {"20110460001", "2007F074276"} <= masters - set(_texts(dirt["filings"], "transactionid"))


def test_one_transaction_on_23_files(dirt: Rows) -> None:
    assert 23 in Counter(_texts(dirt["filings"], "transactionid")).values()


def test_rows_no_reader_can_use(dirt: Rows) -> None:
    dates = [row.get("filingdate", "") for row in dirt["filings"]]
    assert "2026-09-32T00:00:00.000" in dates
    assert any("/" in text for text in dates)
    assert "" in dates
    assert any("transactionid" not in row for row in dirt["filings"])
    assert any("fileid" not in row for row in dirt["debtors"])


def test_every_action_and_status(dirt: Rows) -> None:
    actions = {row.get("actiontype") for rows in dirt.values() for row in rows}
    assert {"add", "delete only", "change and delete"} <= actions


def test_three_positions_within_13_days(dirt: Rows) -> None:
    files = [
        row["fileid"]
        for row in dirt["debtors"]
        if "DUNMARROW BAR EXCAVATING" in row.get("organizationname", "")
    ]
    days = sorted(
        date.fromisoformat(row["filingdate"][:10])
        for row in dirt["filings"]
        if row.get("fileid") in files
    )
    assert len(days) == 3
    assert (days[-1] - days[0]).days <= 13


def test_dirt_stays_where_it_is_within_a_quarter() -> None:
    assert _dirt(date(2026, 10, 1)) == _dirt(date(2026, 12, 31))


def test_dirt_meets_no_generated_firm(dirt: Rows) -> None:
    words = {word for name in _texts(dirt["debtors"], "organizationname") for word in name.split()}
    assert not words & {head + tail for head in names.HEADS.split() for tail in names.TAILS.split()}
