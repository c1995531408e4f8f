"""A worker process for fault tests: each job and each message leaves exactly one row, or should.

Run with the environment of a stack; tables `effects` (job_id, kind) and `heard` (n) must exist.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from services.common import logs, redis
from services.common.config import load
from services.common.db import Database
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
from services.pipelines.enrichment.signals.gate import Gate

RATE = 40.0
"""Questions a second to the source that jobs of kind `ask` ask."""

EFFECT = Query("effect", "INSERT INTO effects (job_id, kind) VALUES ($1, $2)")
HEARD = Query("heard", "INSERT INTO heard (n) SELECT jsonb_array_elements_text($1)::int")


async def work(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    """Take a moment, then write one row."""
    await asyncio.sleep(0.05)
    async with ctx.db.transaction() as tx:
        await tx.execute(EFFECT, ctx.job.id, ctx.job.kind)
        return await ctx.complete(tx, {"written": 1})


async def ask(ctx: JobContext, args: dict[str, Any]) -> Outcome:
    """Wait for the turn that Redis gives to all workers, then write one row."""
    await ctx.state.turn()
    return await work(ctx, args)


async def parent(ctx: JobContext, args: dict[str, Any]) -> Outcome:
    """Fan out into `n` jobs, every third of which asks a source."""
    if ctx.children:
        return Done({"written": ctx.job.progress["written"]})
    kinds = ["work" if n % 3 else "ask" for n in range(args["n"])]
    return FanOut([NewJob(kind, "scoring", {}, max_attempts=20) for kind in kinds])


async def changed(ctx: ChangeContext, messages: list[dict[str, Any]]) -> None:
    """Write what was heard."""
    await ctx.db.execute(HEARD, [str(message["n"]) for message in messages])


async def startup(_db: Database, stack: AsyncExitStack) -> Gate:
    """The way out to the source."""
    client = redis.connect(settings.redis_url)
    stack.push_async_callback(client.aclose)
    return Gate(client, "test", RATE)


if __name__ == "__main__":
    settings = load(WorkerSettings)
    logs.configure("test-worker", settings.log_level)
    run_worker(
        settings,
        name="scoring",
        queues={"scoring": QueueSpec({"work": work, "ask": ask, "parent": parent}, 4)},
        changes={PROSPECTS_CHANGED: ChangeStep(changed, batch=20, within=0.2)},
        startup=startup,
    )
