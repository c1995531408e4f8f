"""Colorado: four data sets become whole documents."""

from datetime import date
from typing import Any

import pytest

from services.pipelines.ingestion.records import Document, RawDocument, RawPage, Rejected, Window
from services.pipelines.ingestion.registers import REGISTERS
from services.pipelines.ingestion.registers.colorado import (
    COLLATERAL,
    DEBTORS,
    FILINGS,
    SECURED,
    Colorado,
)
from tests.unit.ingestion.soda_host import Row, SodaHost, client_of, soda_host

CO = Colorado()


def filing(number: str, file: str, **cells: Any) -> Row:
    """An initial filing as the register shows it; None leaves a cell out."""
    row = {
        "transactionid": number,
        "masterdocumentid": number,
        "fileid": file,
        "transactiontype": "Initial Filing",
        "documenttype": "UCC financing statement",
        "filingtype": "ucc",
        "filingdate": "2026-09-01T00:00:00.000",
        "lapsedate": "2031-09-01T00:00:00.000",
        "terminationflag": False,
    }
    return {key: value for key, value in (row | cells).items() if value is not None}


def amendment(number: str, file: str, master: str, document: str, **cells: Any) -> Row:
    told = {"transactiontype": "Amendment", "masterdocumentid": master, "lapsedate": None}
    return filing(number, file, documenttype=document, **(told | cells))


def party(key: str, file: str, name: str | None, **cells: Any) -> Row:
    row = {"organizationname": name, "fileid": file, "actiontype": "add", "recordstatus": "active"}
    row |= {"debtorid" if key.startswith("D") else "spid": key}
    return {key: value for key, value in (row | cells).items() if value is not None}


def goods(key: str, file: str, **cells: Any) -> Row:
    return {"collateralid": key, "fileid": file} | cells


def register(
    filings: list[Row],
    debtors: list[Row] | None = None,
    secured: list[Row] | None = None,
    collateral: list[Row] | None = None,
) -> dict[str, list[Row]]:
    names = (FILINGS, DEBTORS, SECURED, COLLATERAL)
    parts = (filings, debtors, secured, collateral)
    return {name.replace("-", "_"): rows or [] for name, rows in zip(names, parts, strict=True)}


async def read_page(
    tables: dict[str, list[Row]], window: Window | None = None, offset: int = 0, limit: int = 100
) -> tuple[RawPage, SodaHost]:
    async with soda_host(**tables) as host, client_of(host) as client:
        return await CO.page(client, window or Window(), offset, limit), host


async def only(tables: dict[str, list[Row]]) -> tuple[Document, list[Rejected]]:
    page, _ = await read_page(tables)
    (raw,) = page.documents
    document, rejected = CO.parse(raw)
    assert document
    return document, [*page.rejected, *rejected]


async def test_initial_filing_with_everything_that_hangs_on_it() -> None:
    document, rejected = await only(
        register(
            [filing("20262592871", "2592871")],
            [party("D1", "2592871", "STOP4GAS\nONE LLC DBA STOP 4 GAS", address1="1233 S SHERIDAN",
                   city="LAKEWOOD", state="CO", zipcode="80232")],
            [party("S1", "2592871", "Corporation Service Company, as Representative")],
            [goods("C1", "2592871", collateraldescription="UNKNOWN",
                   additionalcollateraldescription='purchased certain "Future Receipts"')],
        )
    )  # fmt: skip
    debtor, secured = document.parties
    assert rejected == []
    assert (document.number, document.initial_number) == ("20262592871", "20262592871")
    assert (document.kind, document.filing_type, document.status_as_filed) == (
        "initial",
        "ucc",
        None,
    )
    assert (document.filed_on, document.lapse_on) == (date(2026, 9, 1), date(2031, 9, 1))
    assert (debtor.name, debtor.trade_names) == ("STOP4GAS ONE LLC", ("STOP 4 GAS",))
    assert (debtor.name_key, debtor.is_business, debtor.zip) == ("STOP4GASONE", True, "80232")
    assert (debtor.key, debtor.lender) == ("D1", None)
    assert (secured.lender, secured.lender_kind) == ("Corporation Service Company", "agent")
    assert (secured.lender_mca, secured.assignor) == ("possible", False)
    assert document.collateral[0].mca_phrase == "Future Receipts"
    assert document.collateral[0].text == 'purchased certain "Future Receipts"'
    assert document.source_id == "2592871"


@pytest.mark.parametrize(
    ("document", "cells", "kind"),
    [
        ("Termination", {"terminationflag": True}, "termination"),
        ("Federal tax lien release", {}, "termination"),
        ("Release", {}, "termination"),
        ("Partial release of collateral", {}, "collateral_change"),
        ("Continuation", {"continuation": True}, "continuation"),
        ("Assignment", {}, "assignment"),
        ("Partial assignment", {}, "partial_assignment"),
        ("UCC assignment - partial", {}, "partial_assignment"),
        ("Amendment - debtor", {}, "party_change"),
        ("Amendment - secured party", {}, "party_change"),
        ("Amendment - collateral", {}, "collateral_change"),
        ("Correction statement", {}, "correction"),
        ("Information statement", {}, "information"),
        ("Amendment", {"terminationflag": True}, "termination"),
        ("Amendment", {"continuation": "true"}, "continuation"),
        ("Amendment", {}, "other"),
    ],
)
async def test_kind_of_an_amendment(document: str, cells: dict[str, Any], kind: str) -> None:
    found, _ = await only(register([amendment("2", "22", "1", document, **cells)]))
    assert (found.kind, found.number, found.initial_number) == (kind, "2", "1")


async def test_bare_amendment_is_told_by_what_hangs_on_it() -> None:
    row = amendment("2", "22", "1", "Amendment")
    parties, _ = await only(register([row], [party("D1", "22", "ACME LLC")]))
    collateral, _ = await only(register([row], collateral=[goods("C1", "22")]))
    assert parties.kind == "party_change"
    assert collateral.kind == "collateral_change"


@pytest.mark.parametrize(
    ("code", "document", "secured", "lien"),
    [
        ("ucc", "UCC financing statement", "COLORADO DEPARTMENT OF REVENUE", "ucc"),
        ("lien_irs", "Federal tax lien", "IRS", "federal_tax_lien"),
        ("lien_hosp", "Hospital lien", "A HOSPITAL", "hospital_lien"),
        ("efs", "Effective financing statement", "A BANK", "farm_product"),
        ("lien_othr_stat", "State tax lien", "A", "state_tax_lien"),
        ("lien_othr_stat", "Judgment lien", "A", "judgment_lien"),
        ("lien_othr_stat", "Notice of lien", "COLORADO DEPARTMENT OF REVENUE", "state_tax_lien"),
        ("lien_othr_stat", "Notice of lien", "A", "other_lien"),
        ("lien_child", "Child support lien", "COLORADO DEPARTMENT OF REVENUE", "other_lien"),
        (None, "UCC financing statement", "A", "ucc"),
    ],
)
async def test_type_of_lien(code: str | None, document: str, secured: str, lien: str) -> None:
    row = filing("1", "11", filingtype=code, documenttype=document)
    found, _ = await only(register([row], secured=[party("S1", "11", secured)]))
    assert found.filing_type == lien


async def test_amendment_without_type_has_none() -> None:
    found, _ = await only(register([amendment("2", "22", "1", "Termination", filingtype=None)]))
    assert found.filing_type is None


async def test_initial_filing_that_the_register_marks_as_ended() -> None:
    found, _ = await only(register([filing("1", "11", terminationflag=True)]))
    assert (found.kind, found.status_as_filed) == ("initial", "terminated")


@pytest.mark.parametrize(
    ("told", "action"),
    [("add", "add"), ("change only", "change"), ("delete only", "delete"),
     ("change and delete", "delete"), (None, "add")],
)  # fmt: skip
async def test_action_and_status_of_a_party(told: str | None, action: str) -> None:
    row = party("D1", "22", "ACME LLC", actiontype=told, recordstatus="inactive", assignor="1")
    found, _ = await only(register([amendment("2", "22", "1", "Amendment - debtor")], [row]))
    assert (found.parties[0].action, found.parties[0].active) == (action, False)
    assert found.parties[0].assignor


async def test_person_is_no_business_and_has_no_key() -> None:
    cells = {"firstname": "PAT", "middlename": "Q", "lastname": "DEBTOR0001", "suffix": "JR"}
    found, _ = await only(register([filing("1", "11")], [party("D1", "11", None, **cells)]))
    person = found.parties[0]
    assert person.name == "PAT Q DEBTOR0001 JR"
    assert (person.is_organization, person.is_business, person.name_key) == (False, False, "")


async def test_person_in_the_column_of_organizations_is_no_business() -> None:
    found, _ = await only(register([filing("1", "11")], [party("D1", "11", "DEBTOR0001, PAT")]))
    person = found.parties[0]
    assert (person.is_organization, person.is_business, person.name_key) == (True, False, "")


async def test_rows_that_come_twice_count_once() -> None:
    twice = [filing("1", "11")] * 2
    found, _ = await only(register(twice, [party("D1", "11", "ACME LLC")] * 2))
    assert len(found.parties) == 1


async def test_different_rows_under_one_id_are_both_kept() -> None:
    rows = [party("D1", "11", "ACME LLC"), party("D1", "11", "ACME INC")]
    found, _ = await only(register([filing("1", "11")], rows))
    assert sorted(p.name for p in found.parties) == ["ACME INC", "ACME LLC"]
    assert len({p.key for p in found.parties}) == 2


async def test_transaction_on_several_files_is_one_document() -> None:
    rows = [amendment("2", str(file), "1", "Termination") for file in range(21, 44)]
    found, _ = await only(register(rows, [party("D1", "30", "ACME LLC")]))
    assert (found.kind, len(found.parties)) == ("termination", 1)


async def test_transaction_on_several_filings_is_a_document_for_each() -> None:
    rows = [amendment("9", "91", "1", "Termination"), amendment("9", "92", "2", "Termination")]
    page, _ = await read_page(register(rows, [party("D1", "92", "ACME LLC")]))
    found = [CO.parse(raw)[0] for raw in page.documents]
    assert [(d.number, d.initial_number, len(d.parties)) for d in found if d] == [
        ("9:1", "1", 0),
        ("9:2", "2", 1),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (filing("1", "11", transactionid=None), "column transactionid is missing"),
        (filing("1", "11", transactionid="  "), "column transactionid is missing"),
        (filing("1", "11", fileid=None), "column fileid is missing"),
        (filing("1", "11", fileid=["11"]), "column fileid holds a list where text is expected"),
        (filing("1", "11", filingdate=None), "column filingdate is missing"),
        (filing("1", "11", filingdate="2026-09-32"), "column filingdate is no date: '2026-09-32'"),
        (filing("1", "11", filingdate="09/01/2026"), "column filingdate is no date: '09/01/2026'"),
        (filing("1", "11", lapsedate={"a": 1}), "column lapsedate is no date: {'a': 1}"),
        (filing("1", "11", documenttype={}), "column documenttype holds an object where text is"),
        (amendment("1", "11", "", "Termination"), "column masterdocumentid is missing"),
    ],
)
async def test_bad_filing_row_is_rejected_with_the_column(row: Row, reason: str) -> None:
    page, _ = await read_page(register([row, filing("2", "22")]))
    rejected = [*page.rejected]
    documents = []
    for raw in page.documents:
        document, bad = CO.parse(raw)
        documents += [document.number] if document else []
        rejected += bad
    assert documents == ["2"]
    assert [r.reason.startswith(reason) for r in rejected] == [True]
    assert rejected[0].dataset == FILINGS


async def test_bad_party_row_costs_that_row_only() -> None:
    rows = [
        party("D1", "11", "   "),
        party("D2", "11", "ACME LLC"),
        party("D3", "11", "B", city=[]),
    ]
    found, rejected = await only(register([filing("1", "11")], rows))
    assert [p.name for p in found.parties] == ["ACME LLC"]
    assert {r.reason for r in rejected} == {
        "the row names nobody: neither an organization nor a person",
        "column city holds a list where text is expected",
    }
    assert {(r.dataset, r.row_key) for r in rejected} == {(DEBTORS, "1")}


async def test_nul_is_taken_out_of_text() -> None:
    found, _ = await only(register([filing("1", "11")], [party("D1", "11", "ACME\x00LLC")]))
    assert found.parties[0].name == "ACME LLC"


async def test_pages_hold_every_document_once_whole() -> None:
    filings = [filing(f"{n:03}", f"{n:03}0") for n in range(7)]
    filings += [amendment("003", f"003{n}", "001", "Termination") for n in range(1, 9)]
    debtors = [party(f"D{n}", f"{n:03}0", f"ACME {n} LLC") for n in range(7)]
    numbers: dict[str, bytes] = {}
    for offset in range(0, 16, 4):
        page, _ = await read_page(register(filings, debtors), offset=offset, limit=4)
        assert page.full == (offset < 12)
        for raw in page.documents:
            assert numbers.setdefault(raw.number, raw.content_hash) == raw.content_hash
    whole, _ = await read_page(register(filings, debtors))
    assert numbers == {raw.number: raw.content_hash for raw in whole.documents}
    assert len(numbers) == 8


async def test_window_is_a_half_open_range_of_filing_dates() -> None:
    days = ("2026-08-31", "2026-09-01", "2026-09-30", "2026-10-01")
    rows = [filing(day, str(n), filingdate=f"{day}T00:00:00.000") for n, day in enumerate(days)]
    window = Window(date(2026, 9, 1), date(2026, 10, 1))
    page, _ = await read_page(register(rows), window)
    assert [raw.number for raw in page.documents] == ["2026-09-01", "2026-09-30"]


async def test_parties_of_a_page_are_asked_by_file_in_a_stable_order() -> None:
    _, host = await read_page(register([filing("1", "11"), filing("2", "22")]))
    asked = {dataset: query for dataset, query in host.requests if dataset != FILINGS}
    assert {query["$where"] for query in asked.values()} == {"fileid in ('11','22')"}
    assert asked[DEBTORS]["$order"] == "fileid,debtorid"
    assert asked[SECURED]["$order"] == "fileid,spid"
    assert asked[COLLATERAL]["$order"] == "fileid,collateralid"


async def test_history_is_the_filing_and_all_its_amendments() -> None:
    rows = [
        filing("1", "11"),
        amendment("5", "55", "1", "Termination"),
        amendment("6", "61", "1", "Termination"),
        amendment("6", "62", "7", "Termination"),
        filing("8", "88"),
    ]
    tables = register(rows, [party("D1", "11", "ACME LLC")])
    async with soda_host(**tables) as host, client_of(host) as client:
        page = await CO.history(client, ["1", "unknown"])
    assert sorted(raw.number for raw in page.documents) == ["1", "5", "6:1", "6:7"]
    assert (page.full, page.rejected) == (False, [])


def test_hash_does_not_depend_on_the_order_of_rows_and_keys() -> None:
    rows = [party("D1", "11", "A"), party("D2", "11", "B")]
    turned = [dict(reversed(row.items())) for row in reversed(rows)]
    hashes = {_hash(rows), _hash(turned), _hash([*rows, *turned])}
    assert len(hashes) == 1
    assert hashes != {_hash(rows[:1])}
    assert len(hashes.pop()) == 16


def test_hash_depends_on_the_version_of_the_parser() -> None:
    assert _hash([], Colorado()) != _hash([], Colorado(parser_version="co-next"))


def _hash(debtors: list[Row], reader: Colorado = CO) -> bytes:
    raws: list[RawDocument] = list(
        reader._documents("1", [filing("1", "11")], {DEBTORS: {"11": debtors}})
    )
    return raws[0].content_hash


def test_sample_register_is_colorado_at_another_address() -> None:
    sample = REGISTERS["sample"]
    assert (sample.name, sample.state) == ("sample", "CO")
    assert sample.base_url == "http://127.0.0.1:8090"
