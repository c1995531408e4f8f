"""People in the column of organizations are no prospects."""

import pytest

from services.pipelines.ingestion.parties.people import is_business


@pytest.mark.parametrize(
    "name",
    ["DEBTOR0001, PAT", "DEBTOR0001, PAT Q JR", "SMITH, JOHN", "VAN DER BERG, JAN", "JOHN SMITH",
     "JOHN Q DEBTOR0001", "JOHN DEBTOR0001 JR", "JOHN & MARY SMITH", "SMITH, JOHN AND MARY",
     "ESTATE OF PAT DEBTOR0001", "UNKNOWN", "N/A", "---", "."],
)  # fmt: skip
def test_person_or_nobody(name: str) -> None:
    assert not is_business(name, organization=True)


@pytest.mark.parametrize(
    "name",
    ["KING REBAR", "SCOTT MOTORS", "JOHN DEERE", "SMITH, JONES AND BAKER", "SMITH, JONES & CO",
     "DENVER, CO", "ROOFING, SIDING", "WAGNER EQUIPMENT, CO", "SMITH, JOHN, INC", "GEORGE LLC",
     "CITY OF COLO SPRINGS/STREET DIVISION", "BANNER CONCRETE, LLC", "T-AHIRT ETC."],
)  # fmt: skip
def test_business(name: str) -> None:
    assert is_business(name, organization=True)


def test_individual_is_no_business_whatever_the_name() -> None:
    assert not is_business("KING REBAR LLC", organization=False)
