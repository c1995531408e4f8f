"""The worker that the benchmark measures: a real one whose handler does nothing.

Runs with the environment of a stack, plus BENCH_CONCURRENCY.
"""

from typing import Any

from pydantic import Field

from services.common import logs
from services.common.config import load
from services.common.jobs import Done, JobContext, Outcome
from services.common.kafka.worker import QueueSpec, WorkerSettings, run_worker

QUEUE, KIND = "scoring", "noop"


class BenchSettings(WorkerSettings):
    """A worker's settings, and how many jobs run at a time."""

    bench_concurrency: int = Field(100, ge=1, description="Jobs that run side by side")


async def noop(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    """Do nothing, durably."""
    return Done()


if __name__ == "__main__":
    settings = load(BenchSettings)
    logs.configure("bench-worker", settings.log_level)
    run_worker(
        settings, name=QUEUE, queues={QUEUE: QueueSpec({KIND: noop}, settings.bench_concurrency)}
    )
