"""Rows of the ledger as models of the API; what a person does to them is store_steering's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.common import audit
from services.common.db import Database, Executor
from services.common.errors import NotFound
from services.common.jobs import NewJob, enqueue
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
    filters = query.filter().values()
    total = await db.fetchval(Q["jobs_count"], *filters)
    offset = (query.page - 1) * query.limit
    rows = await db.fetch(Q["jobs_page"], *filters, query.limit, offset)
    return JobList(
        jobs=[Job.model_validate(_fields(row)) for row in rows],
        pagination=Pagination.of(query.page, query.limit, total),
    )


async def stats(db: Database) -> list[dict[str, Any]]:
    """{queue, state, jobs, oldest_s} for each that exists; the outbox as a queue of its own."""
    return [dict(row) for row in await db.fetch(Q["jobs_stats"])]


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """A parent's progress shows its children; an error its class."""
    fields = dict(row)
    sums, children = fields.pop("sums"), fields["children"]
    fields["progress"] |= sums | ({"children": children} if children else {})
    if fields["error"] is not None:
        fields["error"] = JobError.model_validate(fields["error"])
    return fields
