"""Enrichment's way to PostgreSQL: revisions, filings that speak for growth, merged signals.

What a source told is merged under the lock of the prospects' work rows, taken in id order, and
only while the revision read before asking still holds: so a slow source can never bring back
what newer facts removed.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from services.common import sql
from services.common.db import Executor
from services.pipelines.enrichment.signals.firms import Firm
from services.pipelines.enrichment.signals.places import Place

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


@dataclass(frozen=True, slots=True)
class Due:
    """A prospect as sources may know it, and the sources that answered about it lately."""

    firm: Firm
    fresh: frozenset[str]


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


async def firms(db: Executor, ids: Sequence[UUID], within: timedelta | None) -> list[Due]:
    """Names and places of the prospects; `within`: which sources answered that lately."""
    seconds = within.total_seconds() if within is not None else None
    return [_due(row) for row in await db.fetch(Q["firms"], ids, seconds)]


async def lock(tx: Executor, ids: Sequence[UUID]) -> list[UUID]:
    """Lock the prospects until `tx` ends, whatever their revision; those that are still there."""
    return [UUID(int=row["prospect_id"].int) for row in await tx.fetch(Q["lock_work"], ids)]


async def mark_changed(tx: Executor, ids: Collection[UUID]) -> None:
    """Give prospects whose signals changed a new revision for scoring, none for enrichment."""
    if ids:
        await tx.execute(Q["mark_changed"], sorted(ids))


async def mark_checked(
    tx: Executor, source: str, ids: Sequence[UUID], answered: Collection[UUID]
) -> None:
    """Note that `source` was asked about `ids` now, and about which of them it answered."""
    await tx.execute(Q["mark_checked"], source, ids, [each in answered for each in ids])


async def stale(
    db: Executor, sources: Sequence[str], older_than: timedelta, limit: int
) -> list[UUID]:
    """Prospects that one of `sources` did not answer about for so long; least lately asked first.

    Of those asked on the same day, and of those never asked, the best scored come first.
    """
    rows = await db.fetch(Q["stale"], sources, older_than.total_seconds(), limit)
    return [row["id"] for row in rows]


async def batch_results(db: Executor, job_id: int) -> dict[str, dict[str, Any]]:
    """What the sources told in all batches of a job, by source."""
    return {row["source"]: row["told"] for row in await db.fetch(Q["batch_results"], job_id)}


async def announce(db: Executor, sources: Sequence[Mapping[str, Any]]) -> None:
    """Say in data_sources which sources there are: name, enabled, configured, note, quota."""
    await db.execute(Q["announce_sources"], list(sources))


async def source_started(db: Executor, source: str) -> None:
    """A batch begins to ask."""
    await db.execute(Q["source_started"], source)


async def source_ended(db: Executor, source: str, answered: bool, error: str | None) -> None:
    """A batch is through; `error` is the reason of a question that failed."""
    await db.execute(Q["source_ended"], source, answered, error)


async def take_quota(db: Executor, source: str) -> bool:
    """Count one request against the quota of this month (UTC); False: it is used up."""
    return await db.fetchval(Q["take_quota"], source) is not None


async def quota_used_up(db: Executor) -> set[str]:
    """The sources whose quota of this month is used up."""
    return {row["name"] for row in await db.fetch(Q["quota_used_up"])}


def _due(row: asyncpg.Record) -> Due:
    names = list(dict.fromkeys(row["names"]))
    trade = [each for several in row["trade_names"] for each in several]
    places = {Place.of(*each) for each in row["places"]}
    firm = Firm(
        prospect_id=UUID(int=row["id"].int),  # orjson refuses asyncpg's subclass
        state=row["state"],
        name=row["name"],
        names=tuple(names),
        trade_names=tuple(dict.fromkeys(trade)),
        places=tuple(sorted(places - {Place()}, key=lambda place: place.text)),
    )
    return Due(firm, frozenset(row["fresh"]))
