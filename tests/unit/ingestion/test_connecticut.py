"""Connecticut: rows of lien x party become whole documents."""

from datetime import date
from typing import Any

import pytest

from services.pipelines.ingestion.records import Document, Rejected, Window
from services.pipelines.ingestion.registers.base import raw_document
from services.pipelines.ingestion.registers.connecticut import LIENS, Connecticut
from tests.unit.ingestion.soda_host import Row, client_of, soda_host

CT = Connecticut()


def row(number: str, lien: str | None = None, **cells: Any) -> Row:
    """A row of an original financing statement; None leaves a cell out."""
    told = {
        "id_lien_flng_nbr": lien or number,
        "id_ucc_flng_nbr": number,
        "lien_status": "Active",
        "cd_flng_type": "ORIG FIN STMT",
        "tx_lien_descript": "OFS",
        "debtor_nm_bus": "CONSTITUTION SURGERY CENTER EAST, LLC",
        "debtor_ad_str1": "140 CROSS RD",
        "debtor_ad_city": "WATERFORD",
        "debtor_ad_state": "CT",
        "debtor_ad_zip": "06385",
        "sec_party_nm_bus": "DE LAGE LANDEN FINANCIAL SERVICES, INC.",
        "dt_accept": "2024-07-19T00:00:00.000",
        "dt_lapse": "2029-07-19T00:00:00.000",
    }
    return {key: value for key, value in (told | cells).items() if value is not None}


def parse(*rows: Row) -> tuple[Document | None, list[Rejected]]:
    return CT.parse(raw_document(rows[0]["id_ucc_flng_nbr"], "ct", {LIENS: list(rows)}))


def parsed(*rows: Row) -> Document:
    document, rejected = parse(*rows)
    assert document
    assert rejected == []
    return document


def test_original_financing_statement() -> None:
    document = parsed(row("0005229652"))
    debtor, secured = document.parties
    assert (document.kind, document.filing_type) == ("initial", "ucc")
    assert (document.number, document.initial_number) == ("0005229652", "0005229652")
    assert (document.filed_on, document.lapse_on) == (date(2024, 7, 19), date(2029, 7, 19))
    assert document.status_as_filed == "active"
    assert (debtor.role, debtor.name_key) == ("debtor", "CONSTITUTIONSURGERYCENTEREAST")
    assert (secured.lender, secured.lender_kind) == ("De Lage Landen (DLL)", "equipment")


def test_termination_points_at_the_lien() -> None:
    cells = {"cd_flng_type": "TERMINATION", "tx_lien_descript": None, "lien_status": "Terminated"}
    document = parsed(row("0003279651", "0003279557", **cells))
    assert (document.kind, document.initial_number) == ("termination", "0003279557")
    assert (document.status_as_filed, document.filing_type) == ("terminated", None)


@pytest.mark.parametrize(
    ("told", "kind"),
    [("CONTINUATION", "continuation"), ("ASSIGNMENT", "assignment"), ("RELEASE", "termination"),
     ("PARTIAL RELEASE", "collateral_change"), ("AMENDMENT", "party_change"),
     ("CORRECTION", "correction")],
)  # fmt: skip
def test_kind_of_an_amendment(told: str, kind: str) -> None:
    assert parsed(row("2", "1", cd_flng_type=told)).kind == kind


@pytest.mark.parametrize(
    ("lien", "told", "secured", "filing_type"),
    [
        ("IRS", "ORIG FIN STMT", "IRS Hartford Connecticut", "federal_tax_lien"),
        (None, "JUDGMENT LIEN", "OXBOW SUPPLY CO", "judgment_lien"),
        ("CT LIEN", "ORIG", "CONNECTICUT DEPARTMENT OF LABOR", "state_tax_lien"),
        ("VESSEL", "ORIG", "OXBOW BANK", "other_lien"),
        (None, None, "OXBOW BANK", "other_lien"),
    ],
)
def test_type_of_lien(lien: str | None, told: str | None, secured: str, filing_type: str) -> None:
    cells = {"tx_lien_descript": lien, "cd_flng_type": told, "sec_party_nm_bus": secured}
    assert parsed(row("1", **cells)).filing_type == filing_type


def test_released_lien_is_terminated() -> None:
    assert parsed(row("1", lien_status="Released")).status_as_filed == "terminated"


def test_lapse_in_the_year_9999_is_none() -> None:
    assert parsed(row("1", dt_lapse="9999-12-31T00:00:00.000")).lapse_on is None


def test_codebtors_share_a_document_and_its_secured_party() -> None:
    document = parsed(row("1"), row("1", debtor_nm_bus="OXBOW LLC"))
    assert [p.role for p in document.parties].count("debtor") == 2
    assert [p.role for p in document.parties].count("secured") == 1


def test_person_and_missing_side() -> None:
    cells = {"debtor_nm_bus": None, "debtor_nm_first": "PAT", "debtor_nm_last": "DEBTOR0001"}
    (person,) = parsed(row("1", sec_party_nm_bus=None, **cells)).parties
    assert (person.name, person.is_organization) == ("PAT DEBTOR0001", False)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"dt_accept": "yesterday"}, "column dt_accept is no date: 'yesterday'"),
        ({"dt_accept": None}, "column dt_accept is missing"),
        ({"id_lien_flng_nbr": None, "cd_flng_type": "TERMINATION"}, "column id_lien_flng_nbr is"),
        ({"debtor_nm_bus": {"x": 1}}, "column debtor_nm_bus holds an object where text is"),
    ],
)
def test_bad_row_is_rejected_and_the_rest_kept(cells: dict[str, Any], reason: str) -> None:
    document, rejected = parse(row("1"), row("1", **cells))
    assert document
    assert len(document.parties) == 2
    assert [r.reason.startswith(reason) for r in rejected] == [True]


async def test_document_cut_by_the_edge_of_a_page_is_completed() -> None:
    rows = [row("1"), *(row("2", debtor_nm_bus=f"OXBOW {n} LLC") for n in range(4)), row("3")]
    async with soda_host(**{LIENS.replace("-", "_"): rows}) as host, client_of(host) as client:
        pages = [await CT.page(client, Window(), offset, 3) for offset in (0, 3)]
        (whole,) = [
            d for d in (await CT.page(client, Window(), 0, 50)).documents if d.number == "2"
        ]
    for page in pages:
        (cut,) = [d for d in page.documents if d.number == "2"]
        assert cut == whole
    assert [page.rows for page in pages] == [3, 3]


async def test_window_and_rows_without_number() -> None:
    rows = [row("1"), row("2", dt_accept="2024-07-20T00:00:00.000"), row("3")]
    del rows[2]["id_ucc_flng_nbr"]
    async with soda_host(**{LIENS.replace("-", "_"): rows}) as host, client_of(host) as client:
        page = await CT.page(client, Window(until=date(2024, 7, 20)), 0, 50)
    assert [raw.number for raw in page.documents] == ["1"]
    assert [r.reason for r in page.rejected] == ["column id_ucc_flng_nbr is missing"]


async def test_history_is_every_document_of_the_lien() -> None:
    rows = [row("1"), row("5", "1", cd_flng_type="TERMINATION"), row("7")]
    async with soda_host(**{LIENS.replace("-", "_"): rows}) as host, client_of(host) as client:
        page = await CT.history(client, ["1"])
    assert sorted(raw.number for raw in page.documents) == ["1", "5"]
