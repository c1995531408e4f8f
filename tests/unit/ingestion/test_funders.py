"""The lender behind a secured party's name, its kind, and whether it is a cash advance funder."""

import pytest

from services.pipelines.ingestion.parties import funders
from services.pipelines.ingestion.parties.funders import identify_lender


@pytest.mark.parametrize(
    ("filed", "name", "kind", "mca"),
    [
        ("KAPITUS SERVICING, INC., AS AGENT OF KAPITUS LLC", "Kapitus", "mca", "certain"),
        ("COLONIAL FUNDING NETWORK, LLC", "Kapitus", "mca", "certain"),
        ("DEATH VALLEY LLC", "Credibly", "mca", "certain"),
        ("RETAIL CAPITAL LLC DBA CREDIBLY", "Credibly", "mca", "certain"),
        ("THE LCF GROUP, INC.", "LCF Group", "mca", "certain"),
        ("National Funding, Inc.", "National Funding", "mca", "certain"),
        ("FC MARKETPLACE, LLC", "Funding Circle", "fintech", "possible"),
        ("QUICK MERCHANT FUNDING LLC", "QUICK MERCHANT FUNDING LLC", "mca", "possible"),
        (
            "Corporation Service Company, as Representative",
            "Corporation Service Company",
            "agent",
            "possible",
        ),
        ("CORPORATION SERVICE COMPANY", "Corporation Service Company", "agent", "possible"),
        ("CT CORPORATION SYSTEM, AS REPRESENTATIVE", "C T Corporation System", "agent", "possible"),
        ("C T CORPORATOIN SYSTEM", "C T Corporation System", "agent", "possible"),
        (
            "C T CORPORATOIN SYSTEM, AS REPRESENTATIVE",
            "C T Corporation System",
            "agent",
            "possible",
        ),
        ("OXBOW HOLDINGS AS REPRESENTATIVE", "OXBOW HOLDINGS", "agent", "possible"),
        ("FIRST CORPORATE SOLUTIONS, AS REPRESENTATIVE FOR KAPITUS", "Kapitus", "mca", "certain"),
        ("JPMORGAN CHASE BANK, N.A., AS REPRESENTATIVE", "JPMorgan Chase Bank", "bank", "none"),
        ("NATIONAL BANK OF ARIZONA", "NATIONAL BANK OF ARIZONA", "bank", "none"),
        ("CHARTER OAK FEDERAL CREDIT UNI", "CHARTER OAK FEDERAL CREDIT UNI", "bank", "none"),
        ("SOUND GARDEN NURSERY LLC", "SOUND GARDEN NURSERY LLC", "other", "none"),
        ("LEAF CAPITAL FUNDING, LLC", "LEAF Capital Funding", "equipment", "none"),
        ("CIT GROUP/EQUIPMENT FINANCING, INC. (THE)", "CIT Group", "equipment", "none"),
        ("JCB Finance, a program of Bank of the West", "JCB Finance", "equipment", "none"),
        (
            "PERFORMANCE EQUIPMENT SERVICE LLC",
            "PERFORMANCE EQUIPMENT SERVICE LLC",
            "equipment",
            "none",
        ),
        ("IRS Hartford Connecticut", "IRS Hartford Connecticut", "tax", "none"),
        ("IRS", "Internal Revenue Service", "tax", "none"),
        (
            "U.S. SMALL BUSINESS ADMINISTRATION",
            "U.S. Small Business Administration",
            "government",
            "none",
        ),
        ("SMITH FACTORS", "SMITH FACTORS", "factor", "none"),
        ("EL PASO COUNTY COURT", "EL PASO COUNTY COURT", "judgment", "none"),
    ],
)
def test_lender(filed: str, name: str, kind: str, mca: str) -> None:
    found = identify_lender(filed)
    assert (found.name, found.kind, found.mca) == (name, kind, mca)


def test_unknown_lender_has_no_evidence() -> None:
    assert identify_lender("SATER TOOLS & SERVICES LLC").evidence == ""


def test_evidence_of_an_agent_says_that_the_funder_is_hidden() -> None:
    evidence = identify_lender("CHTD COMPANY, AS REPRESENTATIVE").evidence
    assert evidence == "CHTD files as representative: the funder behind it is not named"


def test_evidence_of_a_shell_names_its_doubtful_source() -> None:
    assert "not verified" in identify_lender("ZULU CAPITAL").evidence


def test_first_words_are_long_enough_to_be_a_name() -> None:
    assert min(map(len, funders.STARTS)) >= 5
