"""Florida: rows of four files become documents."""

from datetime import date

import pytest

from services.pipelines.ingestion.records import Document
from services.pipelines.ingestion.registers.base import BadRow
from services.pipelines.ingestion.registers.florida import Florida
from tests.support.unloads import fl_event, fl_filing, fl_party
from tests.unit.ingestion.filed import Told, documents, join

FL = Florida()
HEAD = ("filings", fl_filing("202500001", "03/09/2025", "03/09/2030"))
DEBTOR = ("debtors", fl_party("Deb", "202500001", "PELICAN BAKERY LLC", State="FL"))
SECURED = ("secureds", fl_party("Sec", "202500001", "SEACOAST NATIONAL BANK", StateProvince="FL"))


def made(*told: Told) -> dict[str, Document]:
    found, rejected = documents(FL, *told)
    assert rejected == []
    return found


def test_an_initial_filing_has_the_parties_of_both_files() -> None:
    (document,) = made(HEAD, DEBTOR, SECURED).values()
    debtor, secured = document.parties
    assert (document.kind, document.filing_type) == ("initial", "ucc")
    assert (document.filed_on, document.lapse_on) == (date(2025, 3, 9), date(2030, 3, 9))
    assert document.status_as_filed == "active"
    assert (debtor.name_key, debtor.city, debtor.state) == ("PELICANBAKERY", "MIAMI", "FL")
    assert (secured.lender_kind, secured.state) == ("bank", "FL")


@pytest.mark.parametrize(
    ("told", "status"),
    [("Filed", "active"), ("LAPSED", "lapsed"), ("Cancelled", "terminated"), ("New word", None)],
)
def test_statuses(told: str, status: str | None) -> None:
    (document,) = made(("filings", fl_filing("1", "03/09/2020", "", told))).values()
    assert document.status_as_filed == status


@pytest.mark.parametrize(
    ("action", "kind"),
    [("TERMINATION", "termination"), ("CONTINUATION", "continuation"), ("ASSIGNMENT", "assignment"),
     ("PARTIAL ASSIGNMENT", "partial_assignment"), ("AMENDMENT", "other"),
     ("DEBTOR NAME CHANGE", "party_change"), ("CORRECTION", "correction")],
)  # fmt: skip
def test_an_event_amends_the_filing_whose_number_it_pads(action: str, kind: str) -> None:
    found = made(HEAD, ("events", fl_event("202600009", "202500001", "07/01/2026", action)))
    assert (found["202600009"].kind, found["202600009"].initial_number) == (kind, "202500001")
    assert found["202600009"].filed_on == date(2026, 7, 1)


def test_an_event_of_two_rows_is_one_document_of_the_stronger_kind() -> None:
    rows = [fl_event("9", "1", "07/01/2026", told) for told in ("AMENDMENT", "TERMINATION")]
    (document,) = made(*(("events", row) for row in rows)).values()
    assert (document.kind, document.document_type) == ("termination", "AMENDMENT, TERMINATION")


def test_a_person_is_told_by_the_format_of_the_name() -> None:
    row = fl_party("Deb", "202500001", "DEBTOR0001 PAT", NameFormat="P")
    (document,) = made(HEAD, ("debtors", row)).values()
    assert [(p.name, p.is_organization) for p in document.parties] == [("DEBTOR0001 PAT", False)]


def test_a_deleted_party_does_not_count() -> None:
    row = fl_party("Deb", "202500001", "OLD NAME LLC", FilingStatus="D")
    (document,) = made(HEAD, DEBTOR, ("debtors", row)).values()
    assert {p.name: p.active for p in document.parties} == {
        "PELICAN BAKERY LLC": True,
        "OLD NAME LLC": False,
    }


@pytest.mark.parametrize(
    ("holder", "lien"),
    [("INTERNAL REVENUE SERVICE", "federal_tax_lien"), ("SEACOAST NATIONAL BANK", "ucc"),
     ("FLORIDA DEPARTMENT OF REVENUE", "state_tax_lien")],
)  # fmt: skip
def test_the_type_of_a_lien_is_told_by_its_holder(holder: str, lien: str) -> None:
    row = fl_party("Sec", "202500001", holder)
    assert made(HEAD, DEBTOR, ("secureds", row))["202500001"].filing_type == lien


def test_the_newer_of_two_uploads_counts_table_by_table() -> None:
    newer = ("debtors", fl_party("Deb", "202500001", "PELICAN BREAD LLC"), 2)
    (document,) = made(HEAD, DEBTOR, SECURED, newer).values()
    assert [p.name for p in document.parties] == ["PELICAN BREAD LLC", "SEACOAST NATIONAL BANK"]


def test_the_order_of_rows_does_not_matter() -> None:
    one, _ = join(FL, HEAD, DEBTOR, SECURED)
    other, _ = join(FL, SECURED, DEBTOR, HEAD)
    assert one.documents == other.documents


def test_parties_without_their_filing_wait() -> None:
    joined, _ = join(FL, DEBTOR, SECURED)
    assert (joined.documents, joined.waiting) == ([], 2)


def test_a_bad_party_costs_that_party_and_a_bad_date_the_document() -> None:
    nobody = ("debtors", fl_party("Deb", "202500001", " "))
    bad = ("filings", fl_filing("5", "02/30/2025", ""))
    event = ("events", fl_event("6", "5", "soon", "TERMINATION"))
    found, rejected = documents(FL, HEAD, DEBTOR, nobody, bad, event)
    assert list(found) == ["202500001"]
    assert sorted((r.dataset, r.reason) for r in rejected) == [
        ("fl.debtors", "line 4 of debtors: column DebName is missing"),
        ("fl.events", "line 6 of events: column EventDate is no date: 'soon'"),
        ("fl.filings", "line 5 of filings: column FilingDate is no date: '02/30/2025'"),
    ]


def test_an_event_without_a_number_is_set_aside() -> None:
    _, rejected = documents(FL, ("events", fl_event("", "5", "07/01/2026", "TERMINATION")))
    assert [r.reason for r in rejected] == ["line 2 of events: column Ucc3FilingNumber is missing"]


def test_a_row_without_filing_belongs_nowhere() -> None:
    with pytest.raises(BadRow, match="Ucc1FilingNumber is missing"):
        FL.filing("debtors", fl_party("Deb", "", "A LLC"))
