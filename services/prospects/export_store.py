"""From what is to be exported to statements, each on a connection of its own for milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from asyncpg import Record

from services.common.db import Executor
from services.common.sql import Query, load
from services.prospects import store
from services.prospects.filters import ProspectFilters

Q = load(Path(__file__).with_name("export.sql"))
PAGE = 2000
"""Rows read at once."""
Line = Literal["csv", "json"]
_SEPARATORS = {"csv": "", "json": ",\n"}


@dataclass(frozen=True, slots=True)
class Place:
    """The last row read, in the order priority_score DESC, id."""

    score: int
    id: UUID


START = Place(101, UUID(int=0))


@dataclass(frozen=True, slots=True)
class Page:
    """Finished rows, their number, and where they end."""

    body: bytes
    rows: int
    last: Place


async def page(db: Executor, filters: ProspectFilters, line: Line, after: Place) -> Page | None:
    """The next rows that match, as lines of CSV or as JSON objects with commas; None at the end."""
    condition, values = store.where(filters, 5)
    statement = _filled("export_page", line, condition)
    [row] = await db.fetch(statement, PAGE, after.score, after.id, _SEPARATORS[line], *values)
    return Page(row["body"], row["rows"], Place(row["score"], row["id"])) if row["rows"] else None


async def existing(db: Executor, ids: Sequence[UUID]) -> list[UUID]:
    """Those of `ids` that there are, each once, in the order of the list."""
    return [row["id"] for row in await db.fetch(Q["export_ids"], ids)]


async def rows_of(db: Executor, ids: Sequence[UUID], line: Line) -> tuple[bytes, int]:
    """The rows of those of `ids` that there are, in their order, and how many."""
    [row] = await db.fetch(_filled("export_rows_of", line), ids, _SEPARATORS[line])
    return row["body"] or b"", row["rows"]


async def count(db: Executor, filters: ProspectFilters, most: int) -> int:
    """How many match; counts no further than `most`."""
    condition, values = store.where(filters, 2)
    total: int = await db.fetchval(_filled("export_count", filters=condition), most, *values)
    return total


async def add(tx: Executor, subject: str, form: str, selection: dict[str, Any]) -> UUID:
    """A new export that a job will make; its id."""
    export_id: UUID = await tx.fetchval(Q["export_add"], subject, form, selection)
    return export_id


async def choose(tx: Executor, export_id: UUID, filters: ProspectFilters) -> int:
    """Keep the ids that match now, in their order; how many."""
    condition, values = store.where(filters, 3)
    statement = _filled("export_choose", filters=condition)
    rows: int = await tx.fetchval(statement, export_id, PAGE, *values)
    return rows


async def start(tx: Executor, export_id: UUID, rows: int, job_id: int) -> None:
    """Note how many rows there will be and who makes them."""
    await tx.execute(Q["export_start"], export_id, rows, job_id)


async def get(db: Executor, export_id: UUID) -> Record | None:
    """An export as stored, with the state that its job gives it; after its day `expired`."""
    return await db.fetchrow(Q["export_get"], export_id)


async def chunk(db: Executor, export_id: UUID, number: int) -> bytes | None:
    """A piece of the file, from 0; None after the last."""
    data: bytes | None = await db.fetchval(Q["export_chunk"], export_id, number)
    return data


@lru_cache(maxsize=1024)
def _filled(name: str, line: Line | None = None, filters: str = "true") -> Query:
    """The query `name` with its `{...}` replaced; its name, the metric label, stays."""
    row = Q[f"export_{line}_row"].sql.rstrip(";") if line else ""
    return Query(name, Q[name].sql.replace("{row}", row).replace("{filters}", filters))
