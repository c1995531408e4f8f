"""A worker process for fault tests: each job and each message leaves exactly one row, or should.

Run with the environment of a stack; tables `effects` (job_id) and `heard` (n) must exist.
"""

import asyncio
from typing import Any

from services.common import logs
from services.common.config import load
from services.common.jobs import Done, FanOut, JobContext, NewJob, Outcome
from services.common.kafka.topics import PROSPECTS_CHANGED
from services.common.kafka.worker import (
    ChangeContext,
    ChangeStep,
    QueueSpec,
    WorkerSettings,
    run_worker,
)
from services.common.sql import Query

EFFECT = Query("effect", "INSERT INTO effects (job_id) VALUES ($1)")
HEARD = Query("heard", "INSERT INTO heard (n) SELECT jsonb_array_elements_text($1)::int")


async def work(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    """Take a moment, then write one row."""
    await asyncio.sleep(0.05)
    async with ctx.db.transaction() as tx:
        await tx.execute(EFFECT, ctx.job.id)
        return await ctx.complete(tx, {"written": 1})


async def parent(ctx: JobContext, args: dict[str, Any]) -> Outcome:
    """Fan out into `n` jobs."""
    if ctx.children:
        return Done({"written": ctx.job.progress["written"]})
    return FanOut([NewJob("work", "scoring", {}, max_attempts=20) for _ in range(args["n"])])


async def changed(ctx: ChangeContext, messages: list[dict[str, Any]]) -> None:
    """Write what was heard."""
    await ctx.db.execute(HEARD, [str(message["n"]) for message in messages])


if __name__ == "__main__":
    settings = load(WorkerSettings)
    logs.configure("test-worker", settings.log_level)
    run_worker(
        settings,
        name="scoring",
        queues={"scoring": QueueSpec({"work": work, "parent": parent}, 4)},
        changes={PROSPECTS_CHANGED: ChangeStep(changed, batch=20, within=0.2)},
    )
