"""Enrichment's way to PostgreSQL: revisions, filings that speak for growth, merged signals.

What a source told is merged under the lock of the prospects' work rows, taken in id order, and
only while the revision read before asking still holds: so a slow source can never bring back
what newer facts removed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from services.common import sql
from services.common.db import Executor

if TYPE_CHECKING:
    from services.pipelines.enrichment.signals import Signal

Q = sql.load(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, slots=True)
class EquipmentFiling:
    """A lender's filing against a prospect whose secured party finances equipment."""

    prospect_id: UUID
    register: str
    number: str
    filed_on: date | None
    as_filed: str
    lender: str | None


async def due(db: Executor, ids: Sequence[UUID], *, unchanged_too: bool) -> dict[UUID, int]:
    """Revisions of the prospects; without `unchanged_too` of those changed since enriched."""
    rows = await db.fetch(Q["due"], ids, unchanged_too)
    return {row["prospect_id"]: row["revision"] for row in rows}


async def unenriched(db: Executor, older_than_s: float, limit: int) -> list[UUID]:
    """Prospects changed more than `older_than_s` ago and not enriched since, oldest first."""
    rows = await db.fetch(Q["unenriched"], older_than_s, limit)
    return [row["prospect_id"] for row in rows]


async def equipment_filings(db: Executor, ids: Sequence[UUID]) -> list[EquipmentFiling]:
    """The lenders' filings of equipment financiers against the prospects, open or not."""
    rows = await db.fetch(Q["equipment_filings"], ids)
    # orjson refuses asyncpg's subclass of UUID
    return [EquipmentFiling(UUID(int=row[0].int), *tuple(row)[1:]) for row in rows]


async def hold(tx: Executor, revisions: Mapping[UUID, int]) -> list[UUID]:
    """Lock until `tx` ends; returns those whose facts are still at the revision given."""
    rows = await tx.fetch(Q["hold_work"], list(revisions), list(revisions.values()))
    return [row["prospect_id"] for row in rows]


async def merge(
    tx: Executor, source: str, ids: Sequence[UUID], signals: "Sequence[Signal]"
) -> tuple[set[UUID], Counter[str]]:
    """Make `signals` all that `source` tells of `ids`: (prospects changed, written by type)."""
    rows = await tx.fetch(Q["merge_signals"], ids, source, signals)
    written = Counter(row["type"] for row in rows if row["written"])
    return {row["prospect_id"] for row in rows}, written


async def mark_enriched(tx: Executor, ids: Sequence[UUID], changed: set[UUID]) -> None:
    """Note that `ids` are enriched; those `changed` get a new revision for scoring."""
    await tx.execute(Q["mark_enriched"], ids, [each in changed for each in ids])
