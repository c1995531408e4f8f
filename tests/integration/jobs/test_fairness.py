"""What is urgent overtakes, and a queue that stands or a source that is slow holds up no other."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from services.common.db import Database
from services.common.jobs import Done, FanOut, JobContext, NewJob, Outcome, enqueue, enqueue_many
from services.common.kafka.ledger import Ledger
from services.common.kafka.pool import Pool, QueueSpec
from services.jobs import store_queues
from tests.integration.jobs.support import QUEUE, job, sql
from tests.support.waiting import until

PLACES = 3
WORKERS = 2
BULK = 240
BEFORE = """
SELECT count(*) FROM jobs AS bulk, jobs AS urgent
WHERE bulk.priority = 100 AND urgent.id = $1
  AND bulk.started_at > $2 AND bulk.started_at < urgent.started_at
"""
LATER = """
SELECT count(*) FROM jobs AS bulk, jobs AS urgent
WHERE bulk.priority = 100 AND urgent.id = $1
  AND coalesce(bulk.started_at, 'infinity') > urgent.finished_at
"""


async def short(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    await asyncio.sleep(0.02)
    return Done({})


async def parent(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    return Done({}) if ctx.children else FanOut([job("short") for _ in range(12)])


async def slow(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    """Waits for a source that does not answer, until the worker is told to stop."""
    await ctx.stopping.wait()
    return Done({})


class Workers:
    """Two workers' pools, of each queue one."""

    def __init__(self, db: Database, stack: AsyncExitStack) -> None:
        self.db = db
        self._stack = stack

    async def work_on(self, queue: str) -> None:
        handlers = {"short": short, "parent": parent, "slow": slow}
        for number in range(WORKERS):
            ledger = Ledger(self.db, f"{queue} {number}")
            pool = Pool(queue, QueueSpec(handlers, PLACES), ledger, poll_s=0.05)
            task = asyncio.create_task(pool.run(5))
            self._stack.push_async_callback(_stop, pool, task)


async def _stop(pool: Pool, task: asyncio.Task[None]) -> None:
    pool.stop()
    await task


def all_done(db: Database, condition: str) -> Callable[[], Awaitable[bool]]:
    async def done() -> bool:
        left = f"SELECT FROM jobs WHERE {condition} AND state <> 'succeeded' LIMIT 1"
        return not await sql(db, left)

    return done


def begun(db: Database) -> Callable[[], Awaitable[object]]:
    """Whether every place has had a job."""

    async def met() -> bool:
        ended = await sql(db, "SELECT FROM jobs WHERE state = 'succeeded'")
        return len(ended) >= PLACES * WORKERS

    return met


async def test_an_urgent_job_waits_for_no_more_than_runs_already(db: Database) -> None:
    await enqueue_many(db, [job("short") for _ in range(BULK)])
    async with AsyncExitStack() as stack:
        await Workers(db, stack).work_on(QUEUE)
        await until(begun(db))
        urgent = await enqueue(db, job("short", priority=10))
        [seen] = await sql(db, "SELECT clock_timestamp() AS at")
        await until(all_done(db, f"id = {urgent}"))
        overtaken_by = (await sql(db, BEFORE, urgent, seen["at"]))[0]["count"]
    assert overtaken_by <= PLACES * WORKERS


async def test_what_an_urgent_parent_asks_for_is_as_urgent(db: Database) -> None:
    await enqueue_many(db, [job("short") for _ in range(BULK)])
    async with AsyncExitStack() as stack:
        await Workers(db, stack).work_on(QUEUE)
        await until(begun(db))
        urgent = await enqueue(db, job("parent", priority=10))
        await until(all_done(db, f"id = {urgent}"))
        later = await sql(db, LATER, urgent)
    assert later[0]["count"] > BULK / 3


async def test_a_paused_queue_and_a_slow_source_hold_up_no_other(db: Database) -> None:
    await store_queues.pause(db, "ingestion", "the register is down")
    await enqueue_many(db, [NewJob("short", "ingestion", {}) for _ in range(40)])
    await enqueue_many(db, [NewJob("slow", "enrichment", {}) for _ in range(40)])
    await enqueue_many(db, [job("short") for _ in range(BULK)])
    async with AsyncExitStack() as stack:
        workers = Workers(db, stack)
        for queue in ("ingestion", "enrichment", QUEUE):
            await workers.work_on(queue)
        await until(
            all_done(db, f"queue = '{QUEUE}'"),
        )
        assert await sql(db, "SELECT FROM jobs WHERE queue = 'ingestion' AND attempt > 0") == []
        await store_queues.resume(db, "ingestion")
        await until(
            all_done(db, "queue = 'ingestion'"),
        )


async def test_a_slow_source_has_one_place_where_its_jobs_share_a_key(db: Database) -> None:
    await enqueue_many(db, [job("slow", serial_key="source:slow") for _ in range(20)])
    await enqueue_many(db, [job("short") for _ in range(BULK)])
    async with AsyncExitStack() as stack:
        await Workers(db, stack).work_on(QUEUE)
        await until(
            all_done(db, "kind = 'short'"),
        )
        running = await sql(db, "SELECT count(*) FROM jobs WHERE state = 'running'")
    assert running[0]["count"] == 1


async def test_of_jobs_as_urgent_the_first_come_is_served_first(db: Database) -> None:
    """Nobody waits for ever while others come: who comes later starts later."""
    async with AsyncExitStack() as stack:
        await enqueue_many(db, [job("short") for _ in range(60)])
        await Workers(db, stack).work_on(QUEUE)
        for _ in range(20):
            await enqueue_many(db, [job("short") for _ in range(6)])
            await asyncio.sleep(0.02)
        await until(
            all_done(db, "true"),
        )
    begun = await sql(db, "SELECT id FROM jobs ORDER BY started_at, id")
    places = [place - (row["id"] - begun[0]["id"]) for place, row in enumerate(begun)]
    assert max(map(abs, places)) <= 4 * PLACES * WORKERS
