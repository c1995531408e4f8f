"""What scoring writes is what the API documents: nothing missing, nothing beyond."""

from collections.abc import Iterator
from datetime import date

from pydantic import BaseModel, TypeAdapter

from services.pipelines.scoring.assess import Assessment, assess
from services.prospects.evidence import Evidence, Lender
from services.prospects.models import Address, Component, NameAsFiled
from tests.unit.scoring.make import AGENT, AS_OF, BANK, FUNDER, RECEIPTS, debtor, facts, filing


def _everything() -> Assessment:
    return assess(
        facts(
            filing("1", secured=(FUNDER,), collateral=(RECEIPTS,)),
            filing("2", date(2026, 7, 1), (AGENT,)),
            filing("3", date(2022, 3, 1), (BANK,), lapse_on=date(2027, 3, 1)),
            filing("4", filing_type="federal_tax_lien", lapse_on=None),
            debtors=(debtor("BLUE CAFE LLC", trade_names=("BLUE BAR",), city="Denver"),),
            signals=(None,),
        ),
        AS_OF,
    )


def _undocumented(value: object) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from (f"{type(value).__name__}.{name}" for name in value.model_extra or {})
        for field in type(value).model_fields:
            yield from _undocumented(getattr(value, field))
    if isinstance(value, list):
        for item in value:
            yield from _undocumented(item)


def test_evidence_of_every_finding_has_the_documented_shape() -> None:
    evidence = Evidence.model_validate(_everything().evidence)
    assert evidence.model_fields_set == set(Evidence.model_fields)
    assert list(_undocumented(evidence)) == []


def test_lenders_have_the_documented_shape() -> None:
    lenders = TypeAdapter(list[Lender]).validate_python(_everything().lenders)
    assert len(lenders) == 3
    assert list(_undocumented(lenders)) == []


def test_names_addresses_and_components_have_the_documented_shape() -> None:
    made = _everything()
    for model, rows in (
        (NameAsFiled, made.names_as_filed),
        (Address, made.addresses),
        (Component, [*made.score_components, *made.health_components]),
    ):
        assert rows
        assert all(set(row) == set(model.model_fields) for row in rows)
        TypeAdapter(list[model]).validate_python(rows)  # type: ignore[valid-type]
