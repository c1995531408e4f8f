"""Equipment bought on credit: an equipment lender's UCC filing names the prospect as debtor."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common.db import Executor
from services.pipelines.enrichment import store
from services.pipelines.enrichment.signals import Signal

WHY = (
    "Inference: an equipment lender's filing suggests new equipment; "
    "it tells neither the price nor whether it was bought or leased."
)


@dataclass(frozen=True, slots=True)
class EquipmentFilings:
    """Signals from filings already in the database, paid off or not; no network."""

    name: str = "ucc_equipment"

    async def collect(self, db: Executor, prospects: Sequence[UUID]) -> list[Signal]:
        """One signal a filing, keyed `register:number`."""
        filings = await store.equipment_filings(db, prospects)
        return [signal(filing) for filing in filings]


def signal(filing: store.EquipmentFiling) -> Signal:
    """The signal of one filing; where several equipment lenders share it, the first by name."""
    ref = f"{filing.register}:{filing.number}"
    return Signal(
        prospect_id=filing.prospect_id,
        type="equipment",
        source_key=ref,
        observed_on=filing.filed_on,
        title=f"Equipment financed by {filing.lender or filing.as_filed}",
        evidence={
            "filing": ref,
            "filed_on": filing.filed_on.isoformat() if filing.filed_on else None,
            "lender": filing.lender or filing.as_filed,
            "as_filed": filing.as_filed,
            "why": WHY,
        },
    )
