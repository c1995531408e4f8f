"""California's master unload: rows of four files become documents."""

from datetime import date

import pytest

from services.pipelines.ingestion.records import Document
from services.pipelines.ingestion.registers.california import California
from tests.support.unloads import ca_amendment, ca_filing, ca_party
from tests.unit.ingestion.filed import Told, documents, join

CA = California()
NUMBER = "077101475345"
HEAD = ("filings", ca_filing(NUMBER, "2025-03-09", "2030-03-09"))
DEBTOR = ("debtors", ca_party(NUMBER, "SURF TACOS INC", POSTAL_CODE="92101-5339"))
SECURED = ("secured", ca_party(NUMBER, "PACIFIC WESTERN BANK"))


def made(*told: Told) -> dict[str, Document]:
    found, rejected = documents(CA, *told)
    assert rejected == []
    return found


def detail(number: str, action: str) -> Told:
    row = {"UCC1_NUM": NUMBER, "UCC3_NUM": number, "ACTION_TYPE": action}
    return ("amendments", row)


def test_an_initial_filing_keeps_the_zeros_of_its_number() -> None:
    (document,) = made(HEAD, DEBTOR, SECURED).values()
    debtor, secured = document.parties
    assert (document.number, document.kind, document.filing_type) == (NUMBER, "initial", "ucc")
    assert (document.filed_on, document.lapse_on) == (date(2025, 3, 9), date(2030, 3, 9))
    assert (debtor.name_key, debtor.zip) == ("SURFTACOS", "92101-5339")
    assert secured.lender_kind == "bank"


@pytest.mark.parametrize("spelled", ["03/09/2025", "2025-03-09", "2025-03-09 17:00:00", "20250309"])
def test_dates_of_every_spelling(spelled: str) -> None:
    row = ca_filing(NUMBER, "", "") | {"FILING_DATE": spelled}
    assert made(("filings", row))[NUMBER].filed_on == date(2025, 3, 9)


@pytest.mark.parametrize("number", ["", NUMBER])
def test_the_initial_filing_may_leave_its_second_number_empty(number: str) -> None:
    row = ca_filing(NUMBER, "2025-03-09", "") | {"UCC3_NUM": number}
    parties = [("debtors", ca_party(NUMBER, "SURF TACOS INC") | {"UCC3_NUM": number})]
    (document,) = made(("filings", row), *parties).values()
    assert (document.kind, len(document.parties)) == ("initial", 1)


@pytest.mark.parametrize(
    ("action", "kind"),
    [("Termination", "termination"), ("Continuation", "continuation"),
     ("Assignment", "assignment"), ("Amendment", "other"),
     ("Erroneous Termination", "correction")],
)  # fmt: skip
def test_amendments(action: str, kind: str) -> None:
    found = made(HEAD, ("filings", ca_amendment("U2", NUMBER, "2026-01-02", action)))
    assert (found["U2"].kind, found["U2"].initial_number) == (kind, NUMBER)
    assert (found["U2"].document_type, found["U2"].filing_type) == (action, None)


def test_an_amendment_does_what_the_fourth_file_says() -> None:
    head = ("filings", ca_amendment("U2", NUMBER, "2026-01-02", "Amendment"))
    found = made(HEAD, head, detail("U2", "Amendment"), detail("U2", "Termination"))
    assert found["U2"].kind == "termination"


def test_parties_of_an_amendment_are_its_own() -> None:
    head = ("filings", ca_amendment("U2", NUMBER, "2026-01-02", "Assignment"))
    new = ("secured", ca_party(NUMBER, "LIBERTAS FUNDING LLC", UCC3_NUM="U2"))
    found = made(HEAD, DEBTOR, SECURED, head, new)
    assert [p.name for p in found[NUMBER].parties] == ["SURF TACOS INC", "PACIFIC WESTERN BANK"]
    assert [(p.role, p.name) for p in found["U2"].parties] == [("secured", "LIBERTAS FUNDING LLC")]


def test_parties_of_an_amendment_that_only_deletes_are_deleted() -> None:
    head = ("filings", ca_amendment("U2", NUMBER, "2026-01-02", "Amendment"))
    old = ("debtors", ca_party(NUMBER, "SURF TACOS INC", UCC3_NUM="U2"))
    kind = detail("U2", "Debtor Delete")
    assert [p.action for p in made(HEAD, head, old, kind)["U2"].parties] == ["delete"]


@pytest.mark.parametrize(
    ("told", "holder", "lien"),
    [("UCC", "A BANK", "ucc"), ("State Tax Lien", "EDD", "state_tax_lien"),
     ("Federal Tax Lien", "IRS", "federal_tax_lien"), ("Judgment Lien", "A LLC", "judgment_lien"),
     ("", "FRANCHISE TAX BOARD", "state_tax_lien"), ("", "A BANK", "ucc")],
)  # fmt: skip
def test_types_of_lien(told: str, holder: str, lien: str) -> None:
    row = ca_filing(NUMBER, "2019-08-20", "2029-08-20", FILING_TYPE_ID=told)
    found = made(("filings", row), ("secured", ca_party(NUMBER, holder)))
    assert found[NUMBER].filing_type == lien


def test_a_person_comes_in_columns_of_its_own() -> None:
    row = ca_party(NUMBER, "", FIRST_NAME="PAT", LAST_NAME="DEBTOR0001", SUFFIX="JR")
    (document,) = made(HEAD, ("debtors", row)).values()
    assert [p.name for p in document.parties] == ["PAT DEBTOR0001 JR"]


def test_rows_of_documents_that_no_file_dates_wait() -> None:
    joined, _ = join(CA, DEBTOR, SECURED, detail("U2", "Termination"))
    assert (joined.documents, joined.waiting) == ([], 3)


def test_bad_rows() -> None:
    unnumbered = ("filings", ca_filing(NUMBER, "2026-01-02", "", ACTION_TYPE="Termination"))
    nobody = ("debtors", ca_party(NUMBER, ""))
    found, rejected = documents(CA, HEAD, unnumbered, nobody)
    assert found[NUMBER].kind == "initial"
    assert sorted(r.reason for r in rejected) == [
        "line 3 of filings: column UCC3_NUM is missing: Termination needs a number of its own",
        "line 4 of debtors: the row names nobody: neither an organization nor a person",
    ]
