"""The generator keeps the proportions counted in Colorado's data (sources.md 1.1)."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest

from services.sample_register import lenders
from tests.unit.sample_register.conftest import AS_OF, Rows

SIZE = 15_000


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def test_as_many_filings_as_asked_for(clean: Rows) -> None:
    assert SIZE <= len(clean["filings"]) < SIZE + 40


@pytest.mark.parametrize(
    ("filing_type", "share"),
    [("ucc", 0.801), ("lien_irs", 0.101), ("lien_hosp", 0.0375), ("efs", 0.0307), (None, 0.015)],
)
def test_filing_types(clean: Rows, filing_type: str | None, share: float) -> None:
    counts = Counter(row.get("filingtype") for row in clean["filings"])
    assert counts[filing_type] / SIZE == pytest.approx(share, abs=0.006 + share * 0.03)


def test_other_liens_are_few(clean: Rows) -> None:
    known = ("ucc", "lien_irs", "lien_hosp", "efs", None)
    others = sum(row.get("filingtype") not in known for row in clean["filings"])
    assert others / SIZE == pytest.approx(0.014, abs=0.005)


def test_initial_filings_and_amendments(clean: Rows) -> None:
    initial = sum(row["transactiontype"] == "Initial Filing" for row in clean["filings"])
    assert initial / SIZE == pytest.approx(0.578, abs=0.035)


def test_document_types(clean: Rows) -> None:
    counts = Counter(row["documenttype"] for row in clean["filings"])
    assert counts["UCC financing statement"] / SIZE == pytest.approx(0.47, abs=0.025)
    assert counts["Termination"] / SIZE == pytest.approx(0.25, abs=0.025)


@pytest.mark.parametrize(
    ("name", "ratio"), [("debtors", 0.7766), ("secured", 0.8024), ("collateral", 0.6568)]
)
def test_rows_that_hang_on_a_filing(clean: Rows, name: str, ratio: float) -> None:
    assert len(clean[name]) / SIZE == pytest.approx(ratio, abs=0.03)


def test_people_among_debtors(clean: Rows) -> None:
    people = [row for row in clean["debtors"] if "organizationname" not in row]
    assert len(people) / len(clean["debtors"]) == pytest.approx(0.448, abs=0.02)


def test_people_are_placeholders(clean: Rows) -> None:
    people = [row for row in clean["debtors"] if "organizationname" not in row]
    assert all(row["firstname"] == "PERSON" for row in people)
    assert all(row["lastname"].startswith("DEBTOR") for row in people)


def test_active_secured_parties(clean: Rows) -> None:
    active = sum(row["recordstatus"] == "active" for row in clean["secured"])
    assert active / len(clean["secured"]) == pytest.approx(0.967, abs=0.01)


def test_one_transaction_may_act_on_several_files(clean: Rows) -> None:
    numbers = {row["transactionid"] for row in clean["filings"]}
    assert 1 - len(numbers) / SIZE == pytest.approx(0.0058, abs=0.0035)


def test_the_register_spans_about_six_years(clean: Rows) -> None:
    first = min(_day(row["filingdate"]) for row in clean["filings"])
    assert 5.7 * 365 < (AS_OF - first).days < 6.6 * 365


def test_ucc_filings_a_month(clean: Rows) -> None:
    """4,000 to 4,650 a month in Colorado, whose six years would be about 660,000 rows."""
    months = Counter(
        row["filingdate"][:7]
        for row in clean["filings"]
        if row["documenttype"] == "UCC financing statement"
    )
    whole = sorted(months)[1:-1]
    mean = sum(months[month] for month in whole) / len(whole)
    assert mean == pytest.approx(4325 * SIZE / 660_000, rel=0.07)


def test_no_document_is_later_than_as_of(clean: Rows) -> None:
    assert max(_day(row["filingdate"]) for row in clean["filings"]) <= AS_OF


def test_numbers_begin_with_the_year(clean: Rows) -> None:
    assert all(row["transactionid"][:4] == row["filingdate"][:4] for row in clean["filings"])
    assert {len(row["transactionid"]) for row in clean["filings"]} == {11}


def test_amendments_point_at_an_earlier_initial_filing(clean: Rows) -> None:
    initial = {
        row["transactionid"]: row["filingdate"]
        for row in clean["filings"]
        if row["transactiontype"] == "Initial Filing"
    }
    later = [row for row in clean["filings"] if row["transactiontype"] == "Amendment"]
    assert all(initial[row["masterdocumentid"]] <= row["filingdate"] for row in later)


def test_continuations_are_timely_but_for_a_few(clean: Rows) -> None:
    lapses = {
        row["transactionid"]: _day(row["lapsedate"])
        for row in clean["filings"]
        if row["transactiontype"] == "Initial Filing" and "lapsedate" in row
    }
    continued = [row for row in clean["filings"] if row["continuation"]]
    before = [(lapses[r["masterdocumentid"]] - _day(r["filingdate"])).days for r in continued]
    timely = sum(0 < days <= 183 for days in before)
    assert 0.8 < timely / len(before) < 0.99


def test_bank_liens_lapse_in_the_renewal_window(clean: Rows) -> None:
    soon, late = AS_OF + timedelta(days=92), AS_OF + timedelta(days=365)
    ended = {r["masterdocumentid"] for r in clean["filings"] if r["transactiontype"] == "Amendment"}
    banks = {r["fileid"] for r in clean["secured"] if "BANK" in r["organizationname"]}
    due = [
        row
        for row in clean["filings"]
        if row["transactiontype"] == "Initial Filing"
        and soon <= _day(row.get("lapsedate", "9999-01-01")) <= late
        and row["fileid"] in banks
        and row["transactionid"] not in ended
    ]
    assert len(due) > SIZE / 300


def test_cash_advances_are_stacked_within_18_months(clean: Rows) -> None:
    funders = lenders.FUNDERS + lenders.SHELLS + lenders.AGENTS
    advances = {
        row["fileid"] for row in clean["secured"] if f"{row['organizationname']}|" in funders
    }
    filed = {row["fileid"]: _day(row["filingdate"]) for row in clean["filings"]}
    by_firm: dict[str, list[date]] = {}
    for row in clean["debtors"]:
        if row["fileid"] in advances and "organizationname" in row:
            by_firm.setdefault(row["organizationname"], []).append(filed[row["fileid"]])
    stacked = sum(
        any((b - a).days < 548 and b > AS_OF - timedelta(days=548) for a, b in pairwise(sorted(at)))
        for at in by_firm.values()
    )
    assert stacked > SIZE / 400


def test_firms_come_back(clean: Rows) -> None:
    names = Counter(r["organizationname"] for r in clean["debtors"] if "organizationname" in r)
    assert sum(count > 1 for count in names.values()) / len(names) > 0.2


def test_firms_are_written_in_several_ways(clean: Rows) -> None:
    spellings: dict[str, set[str]] = {}
    for row in clean["debtors"]:
        if name := row.get("organizationname"):
            stem = name.upper().replace(".", "").replace(",", "").removesuffix(" LLC")
            spellings.setdefault(stem, set()).add(name)
    assert sum(len(names) > 1 for names in spellings.values()) > SIZE / 100
