"""Maintenance's way to PostgreSQL: lapses and revisions, aggregates, exported files.

Batches and aggregates are a transaction each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from asyncpg import Record

from services.common import sql
from services.common.db import Database, Executor

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


async def find_export(db: Executor, export_id: UUID) -> Record | None:
    """`format`, `selection`, `rows` expected and whether it is `finished`."""
    return await db.fetchrow(Q["export_find"], export_id)


async def count_parts(db: Executor, export_id: UUID) -> int:
    """How many parts of ids an export has."""
    parts: int = await db.fetchval(Q["export_parts"], export_id)
    return parts


async def part_rows(db: Executor, export_id: UUID, part: int) -> tuple[bytes, int]:
    """The rows of a part, from 0, as JSON objects with commas between them, and how many."""
    [row] = await db.fetch(Q["export_part_rows"], export_id, part)
    return row["body"], row["rows"]


async def add_chunk(tx: Executor, export_id: UUID, chunk: int, data: bytes) -> None:
    """Keep a piece of the file; the first takes the place of what an earlier attempt left."""
    if chunk == 0:
        await tx.execute(Q["export_chunks_drop"], export_id)
    await tx.execute(Q["export_chunk_add"], export_id, chunk, data)


async def finish_export(tx: Executor, export_id: UUID, rows: int, size: int) -> None:
    """The file is whole: it is kept for a day from now."""
    await tx.execute(Q["export_finish"], export_id, rows, size)


async def purge_exports(db: Executor) -> None:
    """Delete files whose day is over."""
    await db.execute(Q["exports_purge"])


async def follow_health(tx: Executor) -> int:
    """Give every company of the portfolio its prospect's health; returns how many changed."""
    await tx.fetch(Q["hold_portfolio"])
    tag = await tx.execute(Q["follow_health"])
    return int(tag.rsplit(" ", 1)[-1])


async def lender_states(db: Executor) -> list[str]:
    """The states that have competitors, or ought to."""
    return [row["state"] for row in await db.fetch(Q["lender_states"])]


async def count_competitors(
    db: Database, state: str, as_of: date, recent_days: int
) -> dict[str, int]:
    """Make the competitors of a state what its filings show: {competitors, written, removed}."""
    async with db.transaction() as tx:
        # who waited here must see what the other wrote: the next statement looks anew
        await tx.execute(Q["lock_competitors"], state)
        [row] = await tx.fetch(Q["count_competitors"], state, as_of, recent_days)
    return dict(row)
