"""Short names for what the tests of jobs do again and again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from services.common.db import Database, Executor
from services.common.jobs import Done, Handler, JobContext, NewJob, Outcome
from services.common.kafka.ledger import Claim, Ledger
from services.common.kafka.pool import Pool, QueueSpec
from services.common.sql import Query
from tests.support.waiting import until

QUEUE = "scoring"


def job(kind: str = "work", **fields: Any) -> NewJob:
    """A job for the queue of these tests."""
    return NewJob(kind=kind, queue=QUEUE, args=fields.pop("args", {}), **fields)


async def sql(db: Executor, text: str, *args: object) -> list[dict[str, Any]]:
    """Rows of any statement."""
    return [dict(row) for row in await db.fetch(Query("test", text), *args)]


async def row(db: Executor, job_id: int) -> dict[str, Any]:
    """A job as it is stored."""
    return (await sql(db, "SELECT * FROM jobs WHERE id = $1", job_id))[0]


async def states(db: Executor) -> dict[str, int]:
    """How many jobs are in which state."""
    rows = await sql(db, "SELECT state, count(*)::int AS n FROM jobs GROUP BY state")
    return {each["state"]: each["n"] for each in rows}


async def until_state(db: Executor, job_id: int, state: str) -> dict[str, Any]:
    """The row of a job as soon as it is in `state`."""

    async def met() -> bool:
        return bool((await row(db, job_id))["state"] == state)

    await until(met)
    return await row(db, job_id)


def context_of(claim: Claim, ledger: Ledger) -> JobContext:
    """What a handler of the claimed job would get."""
    return JobContext(claim.job, ledger.db, None, claim.children, asyncio.Event())


async def done(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    """The handler of jobs whose work does not matter."""
    return Done({})


@asynccontextmanager
async def pool_of(
    db: Database, handlers: Mapping[str, Handler], drain_s: float = 5, **options: Any
) -> AsyncIterator[Pool]:
    """A running pool over `handlers`, drained at the end."""
    spec = QueueSpec(
        handlers,
        options.pop("concurrency", 4),
        options.pop("resume", frozenset()),
        time_limit_s=options.pop("time_limit_s", 60),
    )
    ledger = Ledger(db, options.pop("worker", "w1"), options.pop("lease_s", 30))
    pool = Pool(QUEUE, spec, ledger, **({"poll_s": 0.05} | options))
    task = asyncio.create_task(pool.run(drain_s))
    try:
        yield pool
    finally:
        pool.stop()
        await task
