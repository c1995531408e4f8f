"""Maintenance's way to PostgreSQL: lapses and revisions, in batches of their own transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from services.common import sql
from services.common.db import Executor

Q = sql.load(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of prospects: the last id, None after the end, and the ids that are due."""

    last: UUID | None
    due: list[UUID]


async def lapse_filings(db: Executor, as_of: date, limit: int) -> int:
    """Mark at most `limit` filings whose day has passed as lapsed; returns how many."""
    tag = await db.execute(Q["lapse_filings"], as_of, limit)
    return int(tag.rsplit(" ", 1)[-1])


async def work_page(db: Executor, as_of: date, after: UUID | None, limit: int) -> Page:
    """The next `limit` prospects after `after` in id order."""
    rows = await db.fetch(Q["work_page"], as_of, after, limit)
    last = rows[-1]["prospect_id"] if rows else None
    return Page(last, [row["prospect_id"] for row in rows if row["due"]])


async def bump(tx: Executor, ids: Sequence[UUID]) -> list[UUID]:
    """Give the prospects that still exist a new revision; returns them in id order."""
    return sorted(row["prospect_id"] for row in await tx.fetch(Q["bump"], ids))
