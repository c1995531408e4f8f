"""Ingestion's way to PostgreSQL: rows of parsed documents into staging, staging into tables.

Every function that writes takes an open transaction; a page is one transaction, so that a
worker killed in the middle leaves nothing half-written and may simply run the page again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from services.common import sql
from services.common.db import Executor
from services.common.errors import NotFound
from services.pipelines.ingestion.records import Document, Rejected
from services.pipelines.ingestion.registers import Correction

Q = sql.load(Path(__file__).with_name("queries.sql"))

CHANGED_TOPIC = "prospects.changed"
CHANGED_CHUNK = 200

_DOCUMENTS = (
    "number initial_number kind document_type filing_type filed_on lapse_on status_as_filed"
    " content_hash source_id"
).split()
_PARTIES = (
    "number role party_key name name_key trade_names is_organization is_business address1 address2"
    " city region zip country action active assignor lender lender_kind lender_mca lender_evidence"
).split()
_COLLATERAL = "number collateral_key description kinds mca_phrase action active".split()
_TABLES = (
    "stage_documents",
    "stage_parties",
    "stage_collateral",
    "stage_events",
    "stage_affected",
)
_LINK = (
    "stage_links",
    "adopt_prospects",
    "insert_prospects",
    "resolve_prospects",
    "stage_changed",
    "unlink_filings",
    "link_filings",
    # scorers lock prospect_work before prospects: the same order here, or they deadlock
    "bump_prospects",
    "prune_prospects",
)


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge changed: documents new and changed, prospects touched."""

    new: int
    changed: int
    prospects: int


async def known_hashes(db: Executor, register: str, numbers: Sequence[str]) -> dict[str, bytes]:
    """Content hashes of those documents that are stored already."""
    rows = await db.fetch(Q["known_hashes"], register, list(numbers))
    return {row["document_number"]: row["content_hash"] for row in rows}


async def merge(
    tx: Executor, register: str, state: str, documents: Sequence[Document], as_of: date
) -> Merged:
    """Apply whole documents to the filings they make up, and filings to prospects.

    Documents of one call must have distinct numbers. Running it again changes no row.
    """
    await _stage(tx, documents)
    await tx.execute(Q["lock_register"], register)
    await tx.execute(Q["insert_filings"], register, state, as_of)
    await tx.execute(Q["note_moved_filings"], register)
    await tx.execute(Q["upsert_events"], register)
    await tx.execute(Q["note_affected"])
    await tx.execute(Q["analyze_stage"])
    for name in ("drop_old_parties", "drop_old_collateral", "insert_parties", "insert_collateral"):
        await tx.execute(Q[name])
    await tx.execute(Q["derive_parties"])
    await tx.execute(Q["derive_filings"], as_of)
    for name in _LINK:
        await tx.execute(Q[name])
    await tx.execute(Q["publish_changed"], CHANGED_TOPIC, CHANGED_CHUNK)
    row = await tx.fetchrow(Q["merge_counts"])
    assert row is not None  # noqa: S101 - a SELECT of constants always gives a row
    return Merged(row["new"], row["changed"], row["prospects"])


async def quarantine(
    tx: Executor, register: str, job_id: int, rejected: Iterable[Rejected]
) -> None:
    """Keep rows nobody could read; one met before is not kept twice."""
    rows = [(register, r.dataset, r.row_key, r.row, r.reason, job_id) for r in rejected]
    if rows:
        await tx.executemany(Q["quarantine_row"], rows)


@dataclass(frozen=True, slots=True)
class Entry:
    """A quarantined row and what became of it."""

    id: int
    dataset: str
    row_text: str
    reason: str
    state: str
    replay_job_id: int | None


async def entry(db: Executor, entry_id: int) -> Entry:
    """Raises NotFound."""
    row = await db.fetchrow(Q["entry"], entry_id)
    if row is None:
        raise NotFound(f"There is no quarantine entry {entry_id}")
    return Entry(**row)


async def entry_replayed(
    tx: Executor, entry_id: int, corrected: dict[str, Any] | None, job_id: int
) -> bool:
    """Close an entry as replayed; False where it is closed already."""
    args = (entry_id, corrected, job_id)
    return await tx.fetchval(Q["entry_replayed"], *args) is not None


async def entry_refused(tx: Executor, entry_id: int, reason: str) -> None:
    """Note why the row of an open entry still cannot be read."""
    await tx.execute(Q["entry_refused"], entry_id, reason)


async def corrections(db: Executor, register: str) -> list[Correction]:
    """What people put in the place of bad rows of this register."""
    rows = await db.fetch(Q["corrections"], register)
    return [Correction(r["dataset"], r["row_text"], r["corrected_row"]) for r in rows]


async def page_exists(tx: Executor, parent_id: int, offset: int) -> bool:
    """Whether the run has a page job at this offset, in whatever state."""
    return bool(await tx.fetchval(Q["page_exists"], parent_id, offset))


async def orphans(db: Executor, register: str, limit: int) -> list[str]:
    """Initial filing numbers known only from amendments and not asked for yet."""
    rows = await db.fetch(Q["orphans"], register, limit)
    return [row["filing_number"] for row in rows]


async def mark_history_checked(tx: Executor, register: str, numbers: Sequence[str]) -> None:
    """The register was asked for these filings; those it does not know are not asked again."""
    await tx.execute(Q["mark_history_checked"], register, list(numbers))


async def child_totals(db: Executor, parent_id: int) -> dict[str, int]:
    """Summed counters of a run's finished jobs."""
    row = await db.fetchrow(Q["child_totals"], parent_id)
    return {key: int(value) for key, value in (row or {}).items()}


async def unscored(db: Executor) -> int:
    """Prospects whose facts are newer than their score."""
    return int(await db.fetchval(Q["unscored"]))


async def covered_until(db: Executor, source: str) -> date | None:
    """The filing date up to which a source was read, None before the first run."""
    value: date | None = await db.fetchval(Q["source_covered"], source)
    return value


async def source_started(db: Executor, source: str) -> None:
    """Note that a run of this source began."""
    await db.execute(Q["source_started"], source)


async def source_succeeded(
    db: Executor, source: str, since: date | None, covered: date | None
) -> None:
    """Note that a source has been read from a filing date (None: the first) up to another.

    Where that leaves a gap after what was read before, the next run begins at the gap. Files say
    nothing of dates: `covered` is None.
    """
    await db.execute(Q["source_succeeded"], source, since, covered)


async def _stage(tx: Executor, documents: Sequence[Document]) -> None:
    for table in _TABLES:
        await tx.execute(Q[table])
    await tx.copy("stage_documents", _DOCUMENTS, _document_rows(documents))
    await tx.copy("stage_parties", _PARTIES, _party_rows(documents))
    await tx.copy("stage_collateral", _COLLATERAL, _collateral_rows(documents))


def _document_rows(documents: Iterable[Document]) -> Iterator[tuple[Any, ...]]:
    for d in documents:
        yield (
            d.number, d.initial_number, d.kind, d.document_type, d.filing_type, d.filed_on,
            d.lapse_on, d.status_as_filed, d.content_hash, d.source_id,
        )  # fmt: skip


def _party_rows(documents: Iterable[Document]) -> Iterator[tuple[Any, ...]]:
    for d in documents:
        for p in d.parties:
            yield (
                d.number, p.role, p.key, p.name, p.name_key, p.trade_names, p.is_organization,
                p.is_business, p.address1, p.address2, p.city, p.state, p.zip, p.country, p.action,
                p.active, p.assignor, p.lender, p.lender_kind, p.lender_mca, p.lender_evidence,
            )  # fmt: skip


def _collateral_rows(documents: Iterable[Document]) -> Iterator[tuple[Any, ...]]:
    for d in documents:
        for c in d.collateral:
            yield (d.number, c.key, c.text, c.kinds, c.mca_phrase, c.action, c.active)
