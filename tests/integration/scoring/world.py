"""Filings as ingestion merges them, for tests of what comes after it."""

import asyncio
from collections.abc import Mapping
from datetime import date
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid4

from services.common.db import Database
from services.common.jobs import Job, JobContext
from services.common.kafka.changes import ChangeContext
from services.common.sql import Query
from services.pipelines.ingestion import store
from services.pipelines.ingestion.parties.collateral import mca_phrase
from services.pipelines.ingestion.parties.funders import identify_lender
from services.pipelines.ingestion.parties.names import name_key
from services.pipelines.ingestion.records import Collateral, Document, Party

AS_OF = date(2026, 9, 15)
FUNDER, AGENT = "CREDIBLY", "C T CORPORATION SYSTEM, AS REPRESENTATIVE"
BANK, EQUIPMENT = "FIRST NATIONAL BANK", "CATERPILLAR FINANCIAL SERVICES CORPORATION"

PROSPECT = Query(
    "test_prospect",
    "SELECT p.*, w.facts_rev, w.enriched_rev, w.scored_rev, w.scored_as_of AS judged_at"
    " FROM prospects p JOIN prospect_work w ON w.prospect_id = p.id WHERE p.name_key = $1",
)
# xmin tells a row that was written again from one that only looks the same
ROWS = Query(
    "test_rows",
    "SELECT 'p', id::text, xmin::text FROM prospects"
    " UNION ALL SELECT 'w', prospect_id::text, xmin::text FROM prospect_work"
    " UNION ALL SELECT 'h', prospect_id::text || as_of, xmin::text FROM health_scores"
    " UNION ALL SELECT 's', id::text, xmin::text FROM growth_signals"
    " UNION ALL SELECT 'o', id::text, xmin::text FROM outbox ORDER BY 1, 2",
)
MESSAGES = Query("test_messages", "SELECT payload FROM outbox WHERE topic = $1 ORDER BY id")
EMPTY_OUTBOX = Query("test_empty_outbox", "DELETE FROM outbox")


def filed(
    number: str,
    filed_on: date,
    lender: str = FUNDER,
    *,
    debtor: str = "PEAK ROOFING LLC",
    text: str = "",
    **changes: Any,
) -> Document:
    """An initial financing statement of one debtor and one lender."""
    known = identify_lender(lender)
    parties = (
        Party("debtor", f"d{number}", debtor, True, True, name_key(debtor), city="DENVER"),
        Party(
            "secured", f"s{number}", lender, True, True, name_key(lender), lender=known.name,
            lender_kind=known.kind, lender_mca=known.mca, lender_evidence=known.evidence,
        ),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "kind": "initial", "filing_type": "ucc", "lapse_on": None, "initial_number": number,
        "document_type": "UCC financing statement", "status_as_filed": None, "parties": parties,
        "collateral": (Collateral(f"c{number}", text, (), mca_phrase(text)),) if text else (),
    } | changes  # fmt: skip
    digest = blake2b(repr((number, filed_on, fields)).encode(), digest_size=16).digest()
    return Document(number=number, filed_on=filed_on, content_hash=digest, **fields)


def terminated(number: str, initial: str, filed_on: date) -> Document:
    """A termination of `initial`."""
    return filed(
        number, filed_on, kind="termination", initial_number=initial, parties=(), filing_type=None
    )


async def merge(db: Database, *documents: Document) -> None:
    """Ingest the documents as one page of the register co."""
    async with db.transaction() as tx:
        await store.merge(tx, "co", "CO", documents, AS_OF)


async def prospect(db: Database, key: str = "PEAKROOFING") -> dict[str, Any]:
    """The prospect's row with its work row."""
    row = await db.fetchrow(PROSPECT, key)
    assert row
    return dict(row)


async def rows(db: Database) -> list[tuple[Any, ...]]:
    """Every row that these pipelines may write, with the transaction that wrote it."""
    return [tuple(row) for row in await db.fetch(ROWS)]


async def named(db: Database, topic: str) -> list[str]:
    """The prospect ids in the outbox messages of a topic."""
    found = await db.fetch(MESSAGES, topic)
    return [each for row in found for each in row["payload"]["prospect_ids"]]


def job(
    db: Database,
    kind: str,
    children: Mapping[str, int] | None = None,
    progress: dict[str, Any] | None = None,
) -> JobContext:
    """A context for calling a handler without a pool."""
    held = Job(1, kind, kind.split(".")[0], {}, 1, 3, None, progress or {}, 1, None)
    return JobContext(held, db, None, children or {}, asyncio.Event())


def change(db: Database) -> ChangeContext:
    """A context for calling a change step."""
    return ChangeContext(db, None, asyncio.Event())


def message(*ids: UUID) -> dict[str, Any]:
    """A change message."""
    return {"prospect_ids": [str(each) for each in ids or (uuid4(),)]}
