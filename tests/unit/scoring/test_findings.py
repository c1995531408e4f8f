"""What open filings show at a date: lapse, MCA, stacks, renewals, distress."""

from datetime import date

import pytest

from services.pipelines.scoring import findings
from services.pipelines.scoring.facts import Secured
from tests.unit.scoring.make import AGENT, AS_OF, BANK, FUNDER, RECEIPTS, filing


@pytest.mark.parametrize(
    ("day", "months", "result"),
    [
        (date(2026, 9, 15), -18, date(2025, 3, 15)),
        (date(2026, 8, 31), -18, date(2025, 2, 28)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 1, 31), -1, date(2025, 12, 31)),
    ],
)
def test_months_end_where_the_month_ends(day: date, months: int, result: date) -> None:
    assert findings.add_months(day, months) == result


@pytest.mark.parametrize(
    ("changes", "is_open"),
    [
        ({}, True),
        ({"filed_on": date(2026, 9, 16)}, False),
        ({"filed_on": None}, False),
        ({"lapse_on": AS_OF}, True),
        ({"lapse_on": date(2026, 9, 14)}, False),
        ({"lapse_on": None}, True),
        ({"lapse_on": None, "status": "lapsed"}, False),
        ({"terminated_on": AS_OF, "status": "terminated"}, False),
        ({"terminated_on": date(2026, 9, 16), "status": "terminated"}, True),
        ({"status": "terminated"}, False),
        # the register's word of today does not close a filing at an earlier date it was open at
        ({"lapse_on": AS_OF, "status": "lapsed"}, True),
    ],
)
def test_open_at_a_date(changes: dict[str, object], is_open: bool) -> None:
    assert findings.is_open(filing(**changes), AS_OF) is is_open  # type: ignore[arg-type]


def test_collateral_words_make_a_cash_advance_certain_whoever_files() -> None:
    finding = findings.filing_mca(filing(secured=(AGENT,), collateral=(RECEIPTS,)))

    assert finding.mca == "certain"
    assert finding.why == 'The collateral text says "Future Receipts".'


def test_a_known_funder_is_certain_with_its_evidence() -> None:
    evidence = findings.filing_mca(filing(secured=(BANK, FUNDER))).evidence()

    assert evidence == {
        "filing": "co:1",
        "filed_on": "2026-08-01",
        "lender": "Credibly",
        "as_filed": "CREDIBLY OF ARIZONA",
        "mca": "certain",
        "why": "Credibly is on the list.",
    }


def test_an_agent_is_only_possible() -> None:
    assert findings.filing_mca(filing(secured=(BANK, AGENT))).mca == "possible"


@pytest.mark.parametrize("filing_type", ["federal_tax_lien", "judgment_lien", "farm_product", None])
def test_only_lenders_filings_are_cash_advances(filing_type: str | None) -> None:
    lien = filing(filing_type=filing_type, collateral=(RECEIPTS,))

    assert findings.filing_mca(lien).mca == "none"


def test_a_stack_counts_eighteen_calendar_months_inclusive() -> None:
    picture = findings.read(
        [
            filing("1", date(2025, 3, 15)),
            filing("2", date(2025, 3, 14)),
            filing("3", date(2026, 9, 15), (AGENT,)),
        ],
        AS_OF,
    )

    assert [f.filing.number for f in picture.stack] == ["3", "1"]
    assert picture.certain == 1
    assert picture.strongest_mca == "certain"


def test_a_terminated_advance_leaves_the_stack() -> None:
    paid = filing("2", terminated_on=date(2026, 9, 1))

    assert len(findings.read([filing("1"), paid], AS_OF).stack) == 1


@pytest.mark.parametrize(
    ("lapse_on", "due"),
    [
        (date(2026, 12, 14), False),
        (date(2026, 12, 15), True),
        (date(2027, 9, 15), True),
        (date(2027, 9, 16), False),
    ],
)
def test_a_bank_lien_is_due_three_to_twelve_months_before_it_lapses(
    lapse_on: date, due: bool
) -> None:
    lien = filing(filed_on=date(2021, 12, 15), secured=(BANK,), lapse_on=lapse_on)

    assert findings.read([lien], AS_OF).renewal_on == (lapse_on if due else None)


def test_the_soonest_of_several_renewals_comes_first() -> None:
    later = filing("1", date(2022, 5, 1), (BANK,), lapse_on=date(2027, 5, 1))
    sooner = filing("2", date(2022, 1, 1), (BANK,), lapse_on=date(2027, 1, 1))

    picture = findings.read([later, sooner], AS_OF)

    assert picture.renewal_on == date(2027, 1, 1)
    assert [item["filing"] for item in picture.evidence()["renewal_due"]] == ["co:2", "co:1"]


def test_what_no_bank_holds_is_no_renewal() -> None:
    lien = filing(filed_on=date(2022, 1, 1), lapse_on=date(2027, 1, 1), secured=(FUNDER,))

    assert findings.read([lien], AS_OF).renewal_on is None


def test_distress_lists_open_tax_and_judgment_liens_as_inference() -> None:
    irs = Secured("INTERNAL REVENUE SERVICE", "IRS", "tax")
    liens = [
        filing("1", date(2025, 1, 1), (irs,), filing_type="federal_tax_lien"),
        filing("2", date(2026, 1, 1), (), filing_type="judgment_lien", lapse_on=None),
        filing("3", date(2026, 1, 1), (irs,), filing_type="federal_tax_lien", status="lapsed",
               lapse_on=date(2026, 2, 1)),
        filing("4", filing_type="hospital_lien"),
    ]  # fmt: skip

    distress = findings.read(liens, AS_OF).evidence()["distress"]

    assert distress["open_liens"] == 2
    assert distress["kinds"] == {"federal_tax_lien": 1, "judgment_lien": 1}
    assert distress["liens"] == [
        {"filing": "co:2", "filed_on": "2026-01-01", "kind": "judgment_lien", "holder": None},
        {
            "filing": "co:1",
            "filed_on": "2025-01-01",
            "kind": "federal_tax_lien",
            "holder": "INTERNAL REVENUE SERVICE",
        },
    ]
    assert "neither a debt still owed nor a default" in distress["note"]


def test_evidence_holds_only_what_was_found_and_the_newest_twenty() -> None:
    many = [filing(str(n), date(2026, 1, 1 + n)) for n in range(25)]

    evidence = findings.read(many, AS_OF).evidence()

    assert set(evidence) == {"mca", "stack_depth", "stack_certain"}
    assert len(evidence["mca"]) == 20
    assert evidence["mca"][0]["filing"] == "co:24"
