"""The jobs part: what ledger, relay and pool can do, beside a peer in the same run.

PostgreSQL with fsync and synchronous commit, PgBouncer, Kafka, relay, the jobs API and one worker
process; the peer on the same PostgreSQL directly. `run` measures and prints.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from services.common.db import Database
from services.jobs import store_queues
from tests.load.databases import checkpoint
from tests.load.ingestion import Options
from tests.load.jobs import api, ours, peer
from tests.load.jobs.ours import Drain
from tests.load.jobs.peer import Peer
from tests.load.jobs.worker import QUEUE
from tests.load.report import Target, table
from tests.support.stack import TestStack

JOBS, MANY, CONCURRENCY = 20_000, 100_000, 100
RATIO, ENQUEUE, WAIT_MS, API_MS, GROWTH_MB = 2.0, 10_000.0, 100.0, 200.0, 20.0
PER_S, SECONDS = 50, 20


@dataclass(slots=True)
class Measured:
    """Everything that was measured; peers and drains have one entry a round."""

    enqueued: list[float] = field(default_factory=list)
    drains: list[Drain] = field(default_factory=list)
    peers: list[list[Peer]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    answers: dict[str, list[float]] = field(default_factory=dict)
    many: Drain | None = None


def run(options: Options, say: Callable[[str], None]) -> list[Target]:
    """Measure, print the tables; the targets."""
    say("starting PostgreSQL (fsync on), PgBouncer, Kafka, relay, jobs API")
    measured = Measured()
    with tempfile.TemporaryDirectory(prefix="ucc-intel-bench-") as name:
        folder = Path(name)
        with TestStack(["relay", "jobs"], durable=True) as stack:
            asyncio.run(_measure(options, stack, folder, measured, say))
    for text in _tables(measured):
        print(text)
    return targets(measured)


async def _measure(
    options: Options, stack: TestStack, folder: Path, measured: Measured, say: Callable[[str], None]
) -> None:
    db = await Database.connect(stack.config.dsn(), max_size=2)
    try:
        with ours.worker(stack, folder, CONCURRENCY) as (_, pid):
            for _ in range(options.repeat):
                enqueued, drained = await _drain(options, stack, db, pid, JOBS)
                measured.enqueued.append(enqueued)
                measured.drains.append(drained)
                say(f"ours: {drained.rate:,.0f}/s drained, {enqueued:,.0f}/s enqueued")
                peers = await asyncio.to_thread(peer.measure, stack, folder, JOBS)
                measured.peers.append(peers)
                say(f"procrastinate: {', '.join(f'{each.drain:,.0f}/s' for each in peers)}")
            await ours.empty(db)
            measured.waits = await ours.waits(db, PER_S, SECONDS)
            say(f"waits at {PER_S} a second: P95 {_p95(measured.waits):.0f} ms")
            await _many(options, stack, db, pid, measured, say)
    finally:
        await db.close()


async def _drain(
    options: Options, stack: TestStack, db: Database, pid: int, jobs: int
) -> tuple[float, Drain]:
    """Fill the paused queue, then open it."""
    await store_queues.pause(db, QUEUE)
    await ours.empty(db)
    enqueued = await ours.fill(db, jobs)
    checkpoint(stack)
    return enqueued, await ours.drain(db, jobs, pid, options.timeout_s)


async def _many(
    options: Options, stack: TestStack, db: Database, pid: int, measured: Measured,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """What the API takes while a hundred thousand jobs wait, then the worker's memory."""
    await store_queues.pause(db, QUEUE)
    await ours.empty(db)
    await ours.fill(db, MANY)
    measured.answers = await api.latencies(stack, MANY)
    say(f"the API with {MANY:,} queued jobs: P95 {_p95(_all(measured.answers)):.0f} ms")
    measured.many = await ours.drain(db, MANY, pid, options.timeout_s)
    say(f"{MANY:,} jobs: {measured.many.rate:,.0f}/s, {measured.many.worker.most_mb:.0f} MB")


def _all(answers: dict[str, list[float]]) -> list[float]:
    return sorted(ms for each in answers.values() for ms in each)


def _p95(values: Sequence[float]) -> float:
    return values[int(len(values) * 0.95)] if values else float("inf")


def _tables(measured: Measured) -> list[str]:
    rows = [
        (f"procrastinate, concurrency {each.concurrency}", each.jobs, each.enqueue, each.drain)
        for each in measured.peers[-1]
    ]
    rows += [
        (f"ours, concurrency {CONCURRENCY}", drained.jobs, enqueued, drained.rate)
        for enqueued, drained in zip(measured.enqueued, measured.drains, strict=True)
    ]
    answers = [
        (f"GET /api/jobs{path}", median(each), _p95(each))
        for path, each in measured.answers.items()
    ]
    return [
        table("No-op jobs a second", ("", "jobs", "enqueued", "drained"), rows),
        table(f"Answers with {MANY:,} jobs queued, ms", ("", "P50", "P95"), answers),
    ]


def targets(measured: Measured) -> list[Target]:
    """What issue 5 asks of jobs; with several rounds the median of their ratios."""
    ratios = [
        drained.rate / peers[-1].drain
        for drained, peers in zip(measured.drains, measured.peers, strict=True)
    ]
    growth = measured.many.worker.growth_mb if measured.many else float("inf")
    slowest = max(map(_p95, measured.answers.values()))
    return [
        Target.at_least("jobs drained / procrastinate at its best", RATIO, median(ratios)),
        Target.at_least("bulk enqueue", ENQUEUE, median(measured.enqueued), "/s"),
        Target.at_most(f"enqueue to start, P95 at {PER_S}/s", WAIT_MS, _p95(measured.waits), " ms"),
        Target.at_most(f"slowest address, P95 with {MANY:,} queued", API_MS, slowest, " ms"),
        Target.at_most(f"worker's growth over {MANY:,} jobs", GROWTH_MB, growth, " MB"),
    ]
