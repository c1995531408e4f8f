"""The signal an equipment lender's filing gives."""

from datetime import date
from uuid import UUID

from services.pipelines.enrichment.signals.equipment import signal
from services.pipelines.enrichment.store import EquipmentFiling

ID = UUID("00000000-0000-0000-0000-000000000001")


def test_the_lender_behind_the_name_is_told_with_the_filing() -> None:
    filing = EquipmentFiling(ID, "co", "7", date(2026, 8, 1), "CAT FINANCIAL", "Caterpillar")

    result = signal(filing)

    assert result.title == "Equipment financed by Caterpillar"
    assert result.source_key == result.evidence["filing"] == "co:7"
    assert result.evidence["as_filed"] == "CAT FINANCIAL"
    assert result.evidence["filed_on"] == "2026-08-01"
    assert result.evidence["why"].startswith("Inference")


def test_an_unknown_lender_is_told_as_filed() -> None:
    result = signal(EquipmentFiling(ID, "co", "7", None, "ACME LEASING", None))

    assert result.title == "Equipment financed by ACME LEASING"
    assert result.observed_on is None
