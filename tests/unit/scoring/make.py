"""Short ways to build facts for the tests of scoring."""

from datetime import date
from typing import Any
from uuid import UUID

from services.pipelines.scoring.facts import Collateral, Debtor, Facts, Filing, Secured

AS_OF = date(2026, 9, 15)
ID = UUID("00000000-0000-0000-0000-000000000001")

BANK = Secured("FIRST BANK OF DENVER", "First Bank of Denver", "bank", "none")
FUNDER = Secured("CREDIBLY OF ARIZONA", "Credibly", "mca", "certain", "Credibly is on the list")
AGENT = Secured(
    "CSC, AS REPRESENTATIVE",
    "Corporation Service Company",
    "agent",
    "possible",
    "Corporation Service Company files as representative: the funder behind it is not named",
)
RECEIPTS = Collateral(("receivables",), "Future Receipts")


def filing(
    number: str = "1",
    filed_on: date | None = date(2026, 8, 1),
    secured: tuple[Secured, ...] = (FUNDER,),
    **changes: Any,
) -> Filing:
    """An open lender's filing of August 2026, by a known funder unless told otherwise."""
    fields: dict[str, Any] = {"filing_type": "ucc", "lapse_on": date(2031, 8, 1)} | changes
    return Filing("co", number, filed_on=filed_on, secured=secured, **fields)


def debtor(name: str, filing: str = "co:1", **changes: Any) -> Debtor:
    """The debtor of one document."""
    fields: dict[str, Any] = {"filed_on": date(2026, 8, 1)} | changes
    return Debtor(filing, name=name, **fields)


def facts(*filings: Filing, **changes: Any) -> Facts:
    """The facts of a prospect with these filings."""
    return Facts(ID, 1, filings=filings, **changes)
