"""Rows of the quarantine and sources as models, and what a person may do to an entry."""

from pathlib import Path
from typing import Any, get_args

from services.common import audit, context
from services.common.db import Database, Executor
from services.common.errors import Conflict, NotFound
from services.common.jobs import NewJob
from services.common.paging import Pagination
from services.common.sql import load
from services.jobs import store
from services.jobs.models import JobDetail
from services.jobs.models import Source as SourceName
from services.jobs.models_quarantine import (
    QuarantineEntry,
    QuarantineList,
    QuarantineQuery,
    Source,
    SourceList,
)

Q = load(Path(__file__).with_name("queries.sql"))
ENTITY = "quarantine"


async def page(db: Database, query: QuarantineQuery) -> QuarantineList:
    """Entries that match, newest first."""
    filters = (query.register_, query.state, query.reason)
    total = await db.fetchval(Q["quarantine_count"], *filters)
    offset = (query.page - 1) * query.limit
    rows = await db.fetch(Q["quarantine_page"], *filters, query.limit, offset)
    return QuarantineList(
        quarantine=[QuarantineEntry.model_validate(dict(row)) for row in rows],
        pagination=Pagination.of(query.page, query.limit, total),
    )


async def get(db: Executor, entry_id: int) -> QuarantineEntry:
    """Raises NotFound."""
    row = await db.fetchrow(Q["quarantine_get"], entry_id)
    if row is None:
        raise NotFound(f"There is no quarantine entry {entry_id}")
    return QuarantineEntry.model_validate(dict(row))


async def replay(db: Database, entry: QuarantineEntry, job: NewJob) -> JobDetail:
    """Ask for the replay of an open entry. Raises NotFound, Conflict."""
    async with db.transaction() as tx:
        before = await _open(tx, entry.id, "replayed")
        created = await store.create_in(tx, job)
        await tx.execute(Q["quarantine_asked"], entry.id, created.id)
        after = before | {"replay_job_id": created.id, "row": job.args.get("row")}
        await audit.record(tx, "replay", ENTITY, str(entry.id), before, after)
    return created


async def discard(db: Database, entry_id: int, reason: str) -> QuarantineEntry:
    """Close an open entry with a note. Raises NotFound, Conflict."""
    async with db.transaction() as tx:
        before = await _open(tx, entry_id, "discarded")
        await tx.execute(Q["quarantine_discard"], entry_id, reason, context.author())
        entry = await get(tx, entry_id)
        await audit.record(
            tx, "discard", ENTITY, str(entry_id), before, entry.model_dump(by_alias=True)
        )
    return entry


async def sources(db: Database) -> SourceList:
    """Every register that can be read, and whatever else was read."""
    rows = await db.fetch(Q["sources"], list(get_args(SourceName)))
    return SourceList(sources=[await _source(db, dict(row)) for row in rows])


async def _source(db: Database, row: dict[str, Any]) -> Source:
    run_id = row.pop("run_id")
    run = await store.get(db, run_id) if run_id else None
    if run and run.state == "dead" and run.error:
        row["last_error"] = run.error.message
    return Source.model_validate(row | {"last_run": run.brief() if run else None})


async def _open(tx: Executor, entry_id: int, what: str) -> dict[str, Any]:
    """The entry, locked, where a person may still decide about it."""
    await tx.fetchrow(Q["quarantine_lock"], entry_id)
    entry = await get(tx, entry_id)
    if entry.state != "open":
        detail = f"Quarantine entry {entry_id} is {entry.state}: it cannot be {what}"
        raise Conflict(detail, state=entry.state)
    return entry.model_dump(by_alias=True)
