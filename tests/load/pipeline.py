"""The pipeline as it runs in production, timed from the job's row to its end.

sample register -> ingestion worker -> PgBouncer -> PostgreSQL, woken through relay and Kafka.
Scoring and enrichment do not run: what they would do is not ingestion.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.common.db import Database
from services.common.jobs import NewJob, enqueue
from services.common.sql import Query
from tests.load import exposition
from tests.load.databases import checkpoint
from tests.load.exposition import Samples
from tests.load.prepare import SOURCE
from tests.load.processes import Usage, Watch
from tests.support.stack import TestStack

PROCESSES = ("ingestion", "sample_register", "postgres", "pgbouncer", "relay", "kafka")
_POLL_S = 0.5
_JOB = Query(
    "bench_job",
    "SELECT state, error::text AS error, result,"
    " extract(epoch FROM finished_at - created_at)::float AS seconds FROM jobs WHERE id = $1",
)


@dataclass(frozen=True, slots=True)
class Run:
    """One ingestion: wall seconds, its counters, what each process used, the worker's metrics."""

    seconds: float
    result: dict[str, int]
    usage: dict[str, Usage]
    others_s: float
    worker: Samples

    @property
    def postgres_cpu_s(self) -> float:
        """CPU seconds of PostgreSQL."""
        return self.usage["postgres"].cpu_s


def start(size: int, page_size: int, as_of: date, cache: Path) -> TestStack:
    """A durable stack of its own, not started yet, whose register holds `size` filings."""
    return TestStack(
        ["ingestion", "relay", "sample_register"],
        durable=True,
        env={
            "SAMPLE_SIZE": str(size),
            "SAMPLE_AS_OF": as_of.isoformat(),
            "SAMPLE_CACHE_DIR": str(cache),
            "INGEST_PAGE_SIZE": str(page_size),
            "INGEST_WAIT_SCORES_S": "0",
        },
    )


def ingest(stack: TestStack, as_of: date, timeout_s: float) -> Run:
    """Run one `ingestion` job to its end. Raises RuntimeError where it does not succeed."""
    checkpoint(stack)
    url = stack.url("ingestion")
    before = exposition.scrape(url)
    with Watch({name: stack.pid(name) for name in PROCESSES}) as watch:
        seconds, result = asyncio.run(run_job(stack, as_of, timeout_s))
    worker = exposition.between(before, exposition.scrape(url))
    if restarted := [name for name in PROCESSES if stack.unit(name)["restarts"]]:
        raise RuntimeError(f"{', '.join(restarted)} died during the run: {_why(stack)}")
    return Run(seconds, result, watch.usage, watch.others_s, worker)


async def run_job(stack: TestStack, as_of: date, timeout_s: float) -> tuple[float, dict[str, int]]:
    """Enqueue an `ingestion` job and wait: its seconds and result. RuntimeError where it fails."""
    db = await Database.connect(stack.config.direct_dsn(), max_size=1)
    try:
        async with db.transaction() as tx:
            args = {"source": SOURCE, "as_of": as_of.isoformat()}
            job = await enqueue(tx, NewJob("ingestion", "ingestion", args))
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            await asyncio.sleep(_POLL_S)
            row = await db.fetchrow(_JOB, job)
            if row and row["state"] in ("dead", "cancelled"):
                raise RuntimeError(f"the ingestion is {row['state']}: {row['error']}")
            if row and row["state"] == "succeeded":
                return row["seconds"], row["result"]
        raise RuntimeError(f"the ingestion did not end within {timeout_s:.0f} s: {_why(stack)}")
    finally:
        await db.close()


def _why(stack: TestStack) -> str:
    return f"the worker's last line is {stack.last_line('ingestion')}"
