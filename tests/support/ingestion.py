"""Ingestion for tests: a worker in this process, jobs to give it, and waiting for their end."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from services.common.db import Database, Executor
from services.common.jobs import NewJob, enqueue
from services.common.kafka.worker import Worker
from services.common.sql import Query
from services.pipelines.ingestion import agents
from services.pipelines.ingestion.settings import IngestionSettings
from services.pipelines.ingestion.steps import QUEUE
from tests.support.waiting import PATIENCE_S

FINAL = ("succeeded", "dead", "cancelled")
JOB = Query("test_job", "SELECT * FROM jobs WHERE id = $1")
CHILDREN = Query(
    "test_children", "SELECT * FROM jobs WHERE parent_id = $1 AND kind = $2 ORDER BY id"
)
UNSETTLED = Query(
    "test_unsettled",
    "SELECT EXISTS (SELECT FROM prospect_work WHERE facts_rev NOT IN (enriched_rev, scored_rev)"
    " OR enriched_rev <> scored_rev) OR EXISTS (SELECT FROM outbox)",
)
SHOWN = Query(
    "test_shown",
    "SELECT id, parent_id, kind, state, attempt, args - 'numbers' AS args, worker, lease_until,"
    " error ->> 'message' AS why, progress FROM jobs"
    " WHERE state <> 'succeeded' ORDER BY id LIMIT 50",
)


@asynccontextmanager
async def ingestion_worker(environment: dict[str, str], **settings: Any) -> AsyncIterator[Database]:
    """An ingestion worker on the environment's database and Kafka; gives a pool of its database.

    `settings` are fields of IngestionSettings; it looks for jobs every 20 ms by itself.
    """
    quick = {"port": 0, "poll_s": 0.02, "ingest_page_size": 200, "ingest_wait_scores_s": 0}
    given = {name.lower(): value for name, value in environment.items()} | quick | settings
    read = IngestionSettings.model_validate(given)
    queues = {QUEUE: agents.queue(read)}
    worker = Worker(
        read, "ingestion", queues, startup=lambda _db, stack: agents.startup(read, stack)
    )
    stopping = asyncio.Event()
    db = await Database.connect(read.database_url)
    running = asyncio.create_task(worker.run(stopping))
    try:
        yield db
    finally:
        stopping.set()
        await running
        await db.close()


async def start(db: Executor, source: str, **args: Any) -> int:
    """Ask for a run of a source, as POST /api/jobs/ingestion does; the job's id."""
    return await enqueue(db, NewJob("ingestion", QUEUE, {"source": source, **args}))


async def job(db: Executor, job_id: int) -> dict[str, Any]:
    """A job as it is stored."""
    row = await db.fetchrow(JOB, job_id)
    assert row is not None, f"there is no job {job_id}"
    return dict(row)


async def finished(db: Executor, job_id: int, seconds: float = PATIENCE_S) -> dict[str, Any]:
    """The job once it is final; AssertionError that shows the jobs after `seconds`."""

    async def final() -> bool:
        return (await job(db, job_id))["state"] in FINAL

    await until(final, f"job {job_id} is final", db, seconds)
    return await job(db, job_id)


async def until(
    met: Callable[[], Awaitable[object]], what: str, db: Executor, seconds: float = PATIENCE_S
) -> None:
    """Return when `met`; AssertionError that names `what` and shows the jobs after `seconds`."""
    end = time.monotonic() + seconds
    while not await met():
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds:g} s still not: {what}\n{await shown(db)}")
        await asyncio.sleep(0.02)


async def shown(db: Executor) -> str:
    """The jobs as they stand, one a line, for messages of failures."""
    return "\n".join(str(dict(row)) for row in await db.fetch(SHOWN))


async def ingest(db: Executor, source: str, **args: Any) -> dict[str, Any]:
    """Run an ingestion to its end; the job, which must have succeeded."""
    row = await finished(db, await start(db, source, **args))
    assert row["state"] == "succeeded", row["error"]
    return row


async def children(db: Executor, job_id: int, kind: str = "ingestion.page") -> list[dict[str, Any]]:
    """Jobs of a kind that a run asked for, in the order they were asked for."""
    return [dict(row) for row in await db.fetch(CHILDREN, job_id, kind)]


async def settled(db: Executor) -> bool:
    """Whether every prospect is enriched and scored and no message waits to be sent."""
    return not await db.fetchval(UNSETTLED)
