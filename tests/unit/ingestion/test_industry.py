"""Industry of a debtor: inferred with evidence, or not at all."""

import pytest

from services.common.types import Industry as Known
from services.pipelines.ingestion.parties.industry import infer_industry


@pytest.mark.parametrize(
    ("name", "industry"),
    [
        ("KING REBAR LLC", "construction"),
        ("HC BAR EXCAVATION LLC", "construction"),
        ("MILE HI BACKHOE SERVICE, ,INC", "construction"),
        ("CONSTITUTION SURGERY CENTER EAST, LLC", "healthcare"),
        ("MY HOME CARE, LLC", "healthcare"),
        ("DANBURY PET SUPPLY, INC.", "retail"),
        ("BURT CHEVROLET INC", "retail"),
        ("OXBOW BAR & GRILL LLC", "restaurant"),
        ("MEDICAL STAFFING OF DENVER INC", "services"),
        ("OXBOW MACHINE SHOP INC", "manufacturing"),
        ("OXBOW SOFTWARE CORP", "technology"),
        ("RESTAURANT EQUIPMENT SUPPLY CO", "retail"),
    ],
)
def test_name_words(name: str, industry: str) -> None:
    found = infer_industry([name])
    assert found
    assert found.value == industry


@pytest.mark.parametrize(
    "name",
    ["STOP4GAS ONE LLC", "OXBOW HOLDINGS LLC", "WEXCOMBE FARMS LLC", "OXBOW TRUCKING INC",
     "CITY OF COLORADO SPRINGS / STREET DIVISION", "PIZZA ROOFING LLC"],
)  # fmt: skip
def test_nothing_is_said_where_nothing_is_sure(name: str) -> None:
    found = infer_industry([name])
    assert found is None or found.confidence < 0.5


def test_lender_alone_gives_a_weak_inference() -> None:
    found = infer_industry(["TC COMPANY, INC."], ["Wagner Equipment"])
    assert found
    assert (found.value, found.confidence) == ("construction", 0.5)
    assert found.evidence == ["lender Wagner Equipment"]


def test_signs_add_up() -> None:
    found = infer_industry(["OXBOW LIQUORS LLC"], [], ["inventory"])
    assert found
    assert found.confidence == 0.89
    assert found.evidence == ['"LIQUORS" in the name', "collateral inventory"]


def test_farm_collateral_speaks_against() -> None:
    assert infer_industry(["OXBOW IRRIGATION"], ["Farm Credit of Oxbow"], ["farm"]) is None


def test_only_industries_of_the_product_are_given() -> None:
    from services.pipelines.ingestion.parties import industry

    told = {value for value, _ in industry._NAMES.values() if not value.startswith("-")}
    assert told <= set(Known)
