"""What a person does to jobs, and what is kept of their failures.

Every change is one transaction with its entry in the audit trail.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from services.common import audit, steering
from services.common.db import Database, Executor
from services.common.errors import Conflict
from services.common.jobs import NewJob
from services.common.kafka.ledger import Ledger
from services.common.sql import load
from services.jobs import store
from services.jobs.models import JobDetail, JobError
from services.jobs.models_steering import (
    Attempt,
    AttemptList,
    ChangeJob,
    DeadGroup,
    DeadList,
    DeadQuery,
    Log,
    LogLine,
    LogQuery,
)

Q = load(Path(__file__).with_name("queries.sql"))


async def rerun(db: Database, job_id: int, reason: str | None = None) -> list[int]:
    """Start a dead, cancelled or waiting job over, with its failed children; their ids.

    A parent that is dead because of this job starts over, too. Raises NotFound, Conflict.
    """
    try:
        async with db.transaction() as tx:
            before = await store.get(tx, job_id)
            if before.replaced_by:
                raise Conflict(f"Job {job_id} was replayed as job {before.replaced_by}")
            ids = await steering.rerun(tx, [job_id])
            return await _moved(tx, "rerun", before, ids, "start over", reason)
    except asyncpg.UniqueViolationError as exc:
        raise Conflict(f"Job {job_id} cannot start over: the same work is queued already") from exc


async def cancel(db: Database, job_id: int, reason: str | None = None) -> list[int]:
    """Cancel a live job and its live children; their ids. Raises NotFound, Conflict.

    What runs is told within a second and has five to end; its row says `running` until then.
    """
    async with db.transaction() as tx:
        before = await store.get(tx, job_id)
        rows = await steering.cancel(tx, [job_id])
        ids = sorted(row["id"] for row in rows)
        await _moved(tx, "cancel", before, ids, "be cancelled", reason)
    if before.parent_id is not None:
        await Ledger(db, "api").settle([before.parent_id])
    return ids


async def replay(
    db: Database, job_id: int, args: dict[str, Any] | None, reason: str | None = None
) -> JobDetail:
    """Ask for the work of a final job again. Raises NotFound, Conflict."""
    async with db.transaction() as tx:
        new_id = await steering.replay(tx, job_id, args)
        told = {"job": new_id, "args": args} | _why(reason)
        await audit.record(tx, "replay", store.ENTITY, str(job_id), None, told)
        return await store.get(tx, new_id)


async def change(db: Database, job_id: int, wanted: ChangeJob) -> JobDetail:
    """Give a waiting job another priority or time. Raises NotFound, Conflict."""
    async with db.transaction() as tx:
        before = await store.get(tx, job_id)
        ids = await steering.prioritise(tx, [job_id], wanted.priority, wanted.run_at)
        if not ids:
            raise Conflict(f"Job {job_id} is {before.state}: it does not wait any more")
        after = await store.get(tx, job_id)
        seen = [each.model_dump(include={"priority", "run_at"}) for each in (before, after)]
        seen[1] |= _why(wanted.reason)
        await audit.record(tx, "change", store.ENTITY, str(job_id), *seen)
        return after


async def bulk(db: Database, job: NewJob, reason: str | None = None) -> JobDetail:
    """Ask for a bulk job over what there is now."""
    async with db.transaction() as tx:
        until = await steering.last_id(tx)
        made = await store.create_in(tx, _until(job, until))
        if reason:
            await audit.record(tx, "bulk", store.ENTITY, str(made.id), None, _why(reason))
        return made


async def dead(db: Database, query: DeadQuery) -> DeadList:
    """What jobs died of."""
    rows = await db.fetch(Q["dead_groups"], query.kind, query.queue, query.limit)
    return DeadList(dead=[DeadGroup.model_validate(dict(row)) for row in rows])


async def attempts(db: Database, job_id: int) -> AttemptList:
    """Attempts that did not succeed, oldest first. Raises NotFound."""
    await store.get(db, job_id)
    rows = [dict(row) for row in await db.fetch(Q["job_attempts"], job_id)]
    for row in rows:
        row["error"] = row["error"] and JobError.model_validate(row["error"])
    return AttemptList(attempts=[Attempt.model_validate(row) for row in rows])


async def log(db: Database, job_id: int, query: LogQuery) -> Log:
    """Lines of a job's log. Raises NotFound."""
    await store.get(db, job_id)
    rows = await db.fetch(Q["job_log"], job_id, query.after, query.limit)
    return Log(log=[LogLine.model_validate(dict(row)) for row in rows])


async def _moved(
    tx: Executor, action: str, job: JobDetail, ids: Sequence[int], what: str, reason: str | None
) -> list[int]:
    if not ids:
        raise Conflict(f"Job {job.id} is {job.state}: it cannot {what}")
    moved = {"jobs": list(ids)} | _why(reason)
    await audit.record(tx, action, store.ENTITY, str(job.id), {"state": job.state}, moved)
    return list(ids)


def _why(reason: str | None) -> dict[str, str]:
    return {"reason": reason} if reason else {}


def _until(job: NewJob, last_id: int) -> NewJob:
    return NewJob(job.kind, job.queue, job.args | {"until_id": last_id}, dedupe_key=job.dedupe_key)
