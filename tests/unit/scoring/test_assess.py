"""The whole assessment: identity, lenders, industry, and that equal facts give equal rows."""

from dataclasses import asdict
from datetime import date
from random import Random

from services.pipelines.scoring.assess import assess
from services.pipelines.scoring.facts import Secured
from tests.unit.scoring.make import AGENT, AS_OF, BANK, FUNDER, RECEIPTS, debtor, facts, filing


def test_the_most_frequent_name_as_filed_is_the_companys() -> None:
    debtors = (
        debtor("PEAK ROOFING LLC", "co:1"),
        debtor("PEAK ROOFING LLC", "co:1"),
        debtor("Peak Roofing, L.L.C.", "co:2"),
        debtor("Peak Roofing, L.L.C.", "co:3"),
    )

    result = assess(facts(filing(), debtors=debtors), AS_OF)

    assert result.company_name == "Peak Roofing, L.L.C."
    assert result.names_as_filed == [
        {"name": "Peak Roofing, L.L.C.", "filings": 2},
        {"name": "PEAK ROOFING LLC", "filings": 1},
    ]


def test_of_equally_frequent_names_the_latest_wins_then_the_alphabet() -> None:
    debtors = (
        debtor("B", "co:1", filed_on=date(2020, 1, 1)),
        debtor("D", "co:2", filed_on=date(2026, 1, 1)),
        debtor("C", "co:3", filed_on=date(2026, 1, 1)),
    )

    names = assess(facts(debtors=debtors), AS_OF).names_as_filed

    assert [item["name"] for item in names] == ["C", "D", "B"]


def test_a_prospect_made_by_hand_keeps_its_name() -> None:
    assert assess(facts(debtors=(debtor("X"),), by_hand=True), AS_OF).company_name is None


def test_addresses_are_counted_by_filing() -> None:
    place = {"address1": "1 MAIN ST", "city": "DENVER", "region": "CO", "zip": "80202"}
    debtors = (
        debtor("X", "co:1", **place),
        debtor("X", "co:2", **place),
        debtor("X", "co:3", address1="1 N MAIN ST", city="DENVER", region="CO"),
        debtor("X", "co:4"),
    )

    addresses = assess(facts(debtors=debtors), AS_OF).addresses

    assert [(a["address1"], a["state"], a["filings"]) for a in addresses] == [
        ("1 MAIN ST", "CO", 2),
        ("1 N MAIN ST", "CO", 1),
    ]


def test_trade_names_are_listed_once() -> None:
    debtors = (debtor("X", "co:1", trade_names=("TAN",)), debtor("X", trade_names=("TAN", "SUN")))

    assert assess(facts(debtors=debtors), AS_OF).trade_names == ["SUN", "TAN"]


def test_lenders_are_grouped_under_the_name_behind_them() -> None:
    shell = Secured("DEATH VALLEY LLC", "Credibly", "mca", "certain", "alias of Credibly")
    filings = (
        filing("1", date(2026, 8, 1), (shell,)),
        filing("2", date(2026, 7, 1), (FUNDER,), terminated_on=date(2026, 8, 1)),
        filing("3", date(2026, 9, 1), (AGENT, BANK), collateral=(RECEIPTS,)),
    )

    lenders = assess(facts(*filings), AS_OF).lenders

    assert [lender["name"] for lender in lenders] == [
        "Corporation Service Company",
        "First Bank of Denver",
        "Credibly",
    ]
    credibly = lenders[2]
    assert credibly["as_filed"] == ["CREDIBLY OF ARIZONA", "DEATH VALLEY LLC"]
    assert (credibly["filings"], credibly["open"]) == (2, 1)
    assert credibly["last_filed_on"] == "2026-08-01"
    assert credibly["why"] == "Alias of Credibly."
    assert [item["filing"] for item in credibly["evidence"]] == ["co:1", "co:2"]
    assert [lender["mca"] for lender in lenders] == ["certain", "none", "certain"]


def test_holders_of_tax_liens_are_no_lenders() -> None:
    irs = filing(secured=(Secured("IRS", "IRS", "tax"),), filing_type="federal_tax_lien")

    result = assess(facts(irs), AS_OF)

    assert result.lenders == []
    assert result.distress
    assert result.filing_date is None
    assert (result.filings, result.open_filings) == (1, 1)


def test_the_industry_is_inferred_with_confidence_and_evidence() -> None:
    result = assess(facts(filing(), debtors=(debtor("PEAK ROOFING LLC"),)), AS_OF)

    assert result.industry == "construction"
    assert result.industry_confidence
    assert result.evidence["industry"]


def test_an_unknown_industry_is_none() -> None:
    result = assess(facts(filing(), debtors=(debtor("QXJ HOLDINGS"),)), AS_OF)

    assert (result.industry, result.industry_confidence) == (None, None)
    assert "industry" not in result.evidence


def test_a_stack_is_scored_and_explained() -> None:
    result = assess(facts(filing("1"), filing("2", secured=(AGENT,)), signals=(None, AS_OF)), AS_OF)

    assert (result.mca, result.stack_depth, result.stack_certain) == ("certain", 2, 1)
    assert {c["name"]: c["points"] for c in result.score_components} == {
        "mca": 20,
        "stack": 52,
        "freshness": 10,
        "growth_signals": 4,
        "health": 2,
    }
    assert result.priority_score == 88
    assert (result.health_score, result.health_grade) == (74, "C")


def test_the_order_in_which_facts_come_changes_nothing() -> None:
    filings = [
        filing(str(n), date(2026, 1 + n % 8, 1), (FUNDER if n % 2 else AGENT,)) for n in range(12)
    ]
    debtors = [debtor(f"NAME {n % 5}", f"co:{n}", address1=f"{n % 3} ST") for n in range(12)]
    before = assess(facts(*filings, debtors=tuple(debtors)), AS_OF)
    shuffle = Random(7).shuffle
    shuffle(filings)
    shuffle(debtors)

    after = assess(facts(*filings, debtors=tuple(debtors)), AS_OF)

    assert asdict(after) == asdict(before)


def test_nothing_known_is_an_assessment_too() -> None:
    result = assess(facts(), AS_OF)

    assert (result.mca, result.stack_depth, result.renewal_due, result.distress) == (
        "none", 0, False, False,
    )  # fmt: skip
    assert result.evidence == {}
    assert result.priority_score == 2
