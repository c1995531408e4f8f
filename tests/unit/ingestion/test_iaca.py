"""IACA XML: records become documents."""

from datetime import date

import pytest

from services.pipelines.ingestion.records import Document
from services.pipelines.ingestion.registers.base import BadRow
from services.pipelines.ingestion.registers.iaca import Iaca, is_accepted, pieces
from tests.support.unloads import collateral, of, party, record
from tests.unit.ingestion.filed import documents

TX = Iaca("tx", "TX")
DEBTOR, SECURED = party("Debtor", "LONE STAR DINER LLC"), party("Secured", "A BANK")
RESULT = """<Record><Results><ProcessDate>20130523</ProcessDate><FileDetail>
<TransType Type="Initial"/><AltFilingType Type="StateLien"/><OriginalFileNumber>137363375543
</OriginalFileNumber><OriginalFileDate>20130522 1700</OriginalFileDate><LapseDate>20230522
</LapseDate><FileNumber>137363375543</FileNumber><FileDate>20130522 1700</FileDate>
<Debtors><DebtorName><Names><OrganizationName>TRUE WELLNESS</OrganizationName></Names>
</DebtorName></Debtors><Secured><Names><OrganizationName>x</OrganizationName></Names></Secured>
</FileDetail><FileDetail><TransType>Amendment</TransType>
<AmendmentType>TerminationSecuredParty</AmendmentType><OriginalFileNumber>137363375543
</OriginalFileNumber><FileNumber>14-1</FileNumber><FileDate>20140102</FileDate></FileDetail>
</Results></Record>"""


def made(*records: str) -> dict[str, Document]:
    rows = [("records", {"Record": piece}) for each in records for piece in pieces(each)]
    found, rejected = documents(TX, *rows)
    assert rejected == []
    return found


def test_an_initial_filing() -> None:
    (document,) = made(
        record("11", "20250309", DEBTOR, SECURED, collateral("All assets & future receipts"))
    ).values()
    debtor, secured = document.parties
    assert (document.number, document.kind, document.filing_type) == ("11", "initial", "ucc")
    assert (document.filed_on, document.lapse_on) == (date(2025, 3, 9), None)
    assert (debtor.name_key, debtor.address1, debtor.zip) == ("LONESTARDINER", "1 MAIN ST", "78701")
    assert (secured.name, secured.lender_kind) == ("A BANK", "bank")
    assert [c.mca_phrase for c in document.collateral] == ["future receipts"]


@pytest.mark.parametrize(
    ("kind", "action", "expected"),
    [("Continuation", "NoAction", "continuation"), ("TerminationDebtor", "NoAction", "termination"),
     ("TerminationSecuredParty", "NoAction", "termination"),
     ("Assignment", "NoAction", "assignment"),
     ("Assignment", "CollateralAssign", "partial_assignment"),
     ("AmendmentParties", "DebtorAdd", "party_change"),
     ("AmendmentCollateral", "CollateralRestate", "collateral_change"),
     ("NoType", "CollateralDelete", "collateral_change"), ("NoType", "NoAction", "other")],
)  # fmt: skip
def test_amendments(kind: str, action: str, expected: str) -> None:
    told = {"TransType": "Amendment", "AmendmentType": kind, "AmendmentAction": action}
    (document,) = made(record("12", "2026-01-02", of("11"), **told)).values()
    assert (document.kind, document.initial_number) == (expected, "11")


@pytest.mark.parametrize(
    ("action", "parties"),
    [
        ("DebtorAdd", [("NEW NAME LLC", "add")]),
        ("DebtorDelete", [("NEW NAME LLC", "delete"), ("OLD NAME LLC", "delete")]),
        ("DebtorChange", [("NEW NAME LLC", "change"), ("OLD NAME LLC", "delete")]),
    ],
)
def test_what_happens_to_a_debtor(action: str, parties: list[tuple[str, str]]) -> None:
    current = "<CurrentName><OrganizationName>OLD NAME LLC</OrganizationName></CurrentName>"
    told = {"TransType": "Amendment", "AmendmentType": "AmendmentParties"}
    new = party("Debtor", "NEW NAME LLC")
    (document,) = made(
        record("12", "20260102", of("11"), current, new, AmendmentAction=action, **told)
    ).values()
    assert [(p.name, p.action) for p in document.parties] == parties


def test_a_person_comes_in_parts() -> None:
    names = "<FirstName>PAT</FirstName><LastName>DEBTOR0001</LastName><Suffix>JR</Suffix>"
    names = f"<Names><IndividualName>{names}</IndividualName></Names>"
    debtor = f"<Debtors><DebtorName>{names}</DebtorName></Debtors>"
    (document,) = made(record("11", "20250309", debtor)).values()
    assert [(p.name, p.is_organization) for p in document.parties] == [("PAT DEBTOR0001 JR", False)]


@pytest.mark.parametrize(
    ("told", "holder", "lien"),
    [("NOAltType", "A BANK", "ucc"), ("StateLien", "EDD", "state_tax_lien"),
     ("FederalLien", "IRS", "federal_tax_lien"), ("JudgmentLien", "A LLC", "judgment_lien"),
     ("TransmittingUtility", "A BANK", "ucc"),
     ("NOAltType", "FRANCHISE TAX BOARD", "state_tax_lien")],
)  # fmt: skip
def test_types_of_lien(told: str, holder: str, lien: str) -> None:
    (document,) = made(
        record("11", "20250309", DEBTOR, party("Secured", holder), AltFilingType=told)
    ).values()
    assert document.filing_type == lien


def test_the_offices_result_holds_several_documents() -> None:
    found = made(RESULT)
    lien, ended = found["137363375543"], found["14-1"]
    assert (lien.kind, lien.filing_type) == ("initial", "state_tax_lien")
    assert (lien.filed_on, lien.lapse_on) == (date(2013, 5, 22), date(2023, 5, 22))
    assert [(p.role, p.name) for p in lien.parties] == [
        ("debtor", "TRUE WELLNESS"),
        ("secured", "x"),
    ]
    assert (ended.kind, ended.initial_number) == ("termination", "137363375543")


def test_what_the_office_refused_is_no_filing() -> None:
    assert is_accepted(record("11", "20250309"))
    assert not is_accepted(record("", "20250309", status="Rejected"))


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (record("12", "20260102", TransType="Amendment"), "InitialFileNumber is missing"),
        (record("12", "2026"), "column FileDate is no date: '2026'"),
        (record("12", ""), "column FileDate is missing"),
    ],
)
def test_a_record_that_lacks_what_it_needs_is_set_aside(bad: str, why: str) -> None:
    found, rejected = documents(TX, ("records", {"Record": bad}))
    assert found == {}
    assert [why in r.reason for r in rejected] == [True]


def test_a_record_without_number_belongs_nowhere() -> None:
    with pytest.raises(BadRow, match="FileNumber is missing"):
        TX.filing("records", {"Record": record("", "20250309")})
