"""Rows of the ledger as models of the API, and what a person may do to a job.

Every change is one transaction with its entry in the audit trail.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from services.common import audit
from services.common.db import Database, Executor
from services.common.errors import Conflict, NotFound
from services.common.jobs import NewJob, enqueue
from services.common.kafka.ledger import Ledger
from services.common.paging import Pagination
from services.common.sql import load
from services.jobs.models import Job, JobDetail, JobError, JobList, ListQuery

Q = load(Path(__file__).with_name("queries.sql"))
ENTITY = "job"


async def create(db: Database, job: NewJob) -> JobDetail:
    """Enqueue, or meet the live job with the same dedupe key."""
    async with db.transaction() as tx:
        return await create_in(tx, job)


async def create_in(tx: Executor, job: NewJob) -> JobDetail:
    """`create` in an open transaction."""
    job_id = await enqueue(tx, job)
    if await tx.fetchval(Q["job_is_new"], job_id):
        asked = {"kind": job.kind, "args": job.args}
        await audit.record(tx, "create", ENTITY, str(job_id), None, asked)
    return await get(tx, job_id)


async def get(db: Executor, job_id: int) -> JobDetail:
    """Raises NotFound."""
    row = await db.fetchrow(Q["job_get"], job_id)
    if row is None:
        raise NotFound(f"There is no job {job_id}")
    return JobDetail.model_validate(_fields(row))


async def page(db: Database, query: ListQuery) -> JobList:
    """Jobs that match, newest first."""
    filters = (query.state, query.kind, query.queue)
    total = await db.fetchval(Q["jobs_count"], *filters)
    offset = (query.page - 1) * query.limit
    rows = await db.fetch(Q["jobs_page"], *filters, query.limit, offset)
    return JobList(
        jobs=[Job.model_validate(_fields(row)) for row in rows],
        pagination=Pagination.of(query.page, query.limit, total),
    )


async def rerun(db: Database, job_id: int) -> list[int]:
    """Start a dead, cancelled or waiting job over, with its failed children; their ids.

    A parent that is dead because of this job starts over, too. Raises NotFound, Conflict.
    """
    try:
        async with db.transaction() as tx:
            before = await get(tx, job_id)
            rows = await tx.fetch(Q["job_rerun"], job_id)
            await _audit(tx, "rerun", before, rows)
    except asyncpg.UniqueViolationError as exc:
        raise Conflict(f"Job {job_id} cannot start over: the same work is queued already") from exc
    return _moved(rows, before, "start over")


async def cancel(db: Database, job_id: int) -> list[int]:
    """Cancel a live job and its live children; their ids. Raises NotFound, Conflict.

    A worker that runs one of them notices at its next heartbeat; it can write no more.
    """
    async with db.transaction() as tx:
        job = await get(tx, job_id)
        rows = await tx.fetch(Q["job_cancel"], job_id)
        await _audit(tx, "cancel", job, rows)
    if job.parent_id is not None:
        await Ledger(db, "cli").settle([job.parent_id])
    return _moved(rows, job, "be cancelled")


async def stats(db: Database) -> list[dict[str, Any]]:
    """{queue, state, jobs, oldest_s} for each that exists; the outbox as a queue of its own."""
    return [dict(row) for row in await db.fetch(Q["jobs_stats"])]


async def _audit(tx: Executor, action: str, job: Job, rows: list[asyncpg.Record]) -> None:
    if rows:
        moved = {"jobs": sorted(row["id"] for row in rows)}
        await audit.record(tx, action, ENTITY, str(job.id), {"state": job.state}, moved)


def _moved(rows: list[asyncpg.Record], job: Job, what: str) -> list[int]:
    if not rows:
        raise Conflict(f"Job {job.id} is {job.state}: it cannot {what}")
    return sorted(row["id"] for row in rows)


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """A parent's progress shows its children; an error its class."""
    fields = dict(row)
    sums, children = fields.pop("sums"), fields["children"]
    fields["progress"] |= sums | ({"children": children} if children else {})
    if fields["error"] is not None:
        fields["error"] = JobError.model_validate(fields["error"])
    return fields
