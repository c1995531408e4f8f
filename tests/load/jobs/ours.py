"""The platform's jobs, measured from outside: rows in PostgreSQL, answers over HTTP."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from services.common.db import Database
from services.common.jobs import NewJob, enqueue, enqueue_many
from services.common.sql import Query
from services.jobs import store_queues
from tests.load.jobs.worker import KIND, QUEUE
from tests.load.processes import Usage, Watch
from tests.support.processes import Process, process
from tests.support.stack import TestStack

CHUNK = 1000
_LEFT = Query(
    "bench_left",
    "SELECT count(*) FROM (SELECT FROM jobs WHERE state IN ('queued', 'running', 'retryable')"
    " LIMIT 1) AS few",
)
_SPAN = Query(
    "bench_span",
    "SELECT count(*) AS jobs, count(*) FILTER (WHERE state = 'succeeded' AND attempt = 1) AS done,"
    " extract(epoch FROM max(finished_at) - min(claimed_at))::float AS seconds"
    " FROM jobs WHERE kind = $1",
)
_WAITS = Query(
    "bench_waits",
    "SELECT extract(epoch FROM started_at - created_at)::float * 1000 AS ms FROM jobs"
    " WHERE kind = $1 ORDER BY 1",
)
_EMPTY = Query("bench_empty", "TRUNCATE jobs, outbox RESTART IDENTITY CASCADE")


@dataclass(frozen=True, slots=True)
class Drain:
    """Jobs drained, a second, and what the worker used meanwhile."""

    jobs: int
    rate: float
    worker: Usage


def job(n: int) -> NewJob:
    """A job that does nothing."""
    return NewJob(KIND, QUEUE, {"n": n})


@contextmanager
def worker(stack: TestStack, folder: Path, concurrency: int) -> Iterator[tuple[Process, int]]:
    """A no-op worker process and its pid, until the end of the block."""
    env = stack.environment() | {
        "BENCH_CONCURRENCY": str(concurrency),
        "LOG_LEVEL": "WARNING",
    }
    with process("tests.load.jobs.worker", env, folder) as running:
        yield running, running.pid


async def empty(db: Database) -> None:
    """Take everything out of the ledger."""
    await db.execute(_EMPTY)


async def fill(db: Database, jobs: int) -> float:
    """Enqueue `jobs`, a thousand in a transaction, one after the other; jobs a second."""
    began = perf_counter()
    for start in range(0, jobs, CHUNK):
        async with db.transaction() as tx:
            await enqueue_many(tx, [job(n) for n in range(start, min(start + CHUNK, jobs))])
    return jobs / (perf_counter() - began)


async def drain(db: Database, jobs: int, pid: int, timeout_s: float) -> Drain:
    """Open the queue and wait until all is done. Raises RuntimeError where it is not."""
    with Watch({"worker": pid}) as watch:
        await store_queues.resume(db, QUEUE)
        end = time.monotonic() + timeout_s
        while await db.fetchval(_LEFT):
            if time.monotonic() > end:
                raise RuntimeError(f"{jobs} jobs did not end within {timeout_s:.0f} s")
            await asyncio.sleep(0.2)
    (row,) = await db.fetch(_SPAN, KIND)
    if not row["jobs"] == row["done"] == jobs:
        raise RuntimeError(f"of {jobs} jobs {row['done']} succeeded at their first try")
    return Drain(jobs, jobs / row["seconds"], watch.usage["worker"])


async def waits(db: Database, per_s: float, seconds: float) -> list[float]:
    """Milliseconds from enqueue to start, sorted, of single jobs at a steady rate."""
    began, pause = perf_counter(), 1 / per_s
    for n in range(int(per_s * seconds)):
        await asyncio.sleep(max(0, began + n * pause - perf_counter()))
        await enqueue(db, job(n))
    await asyncio.sleep(2)
    return [row["ms"] for row in await db.fetch(_WAITS, KIND)]
