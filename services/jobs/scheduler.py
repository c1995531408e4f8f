"""The scheduler: turns due rows of `schedules` into jobs; sweeps. `services.jobs scheduler`.

The row stays locked while its job is inserted and its next time is set, in one transaction, so
that two schedulers start a run once and a crash starts it neither twice nor never.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from services.common import metrics
from services.common.db import Database, Executor
from services.common.jobs import enqueue
from services.common.sql import load
from services.jobs.loops import Loop, serve
from services.jobs.plan import BadSchedule, due_in_time, plan
from services.jobs.settings import SchedulerSettings
from services.jobs.store_schedules import job_of
from services.jobs.sweeper import sweep

Q = load(Path(__file__).with_name("schedules.sql"))
log = logging.getLogger(__name__)


def defaults(sources: Sequence[str]) -> list[tuple[object, ...]]:
    """Rows that every installation begins with; a person may change them afterwards."""
    return [
        _row("as_of", "as_of", "maintenance", "10 0 * * *", {"as_of": "today"}),
        _row("retention", "maintenance.retention", "maintenance", "40 3 * * *"),
        _row("competitors", "maintenance.competitors", "maintenance", "30 4 * * *"),
        _row("portfolio", "maintenance.portfolio", "maintenance", "30 */12 * * *",
             after="scoring"),
        _row("enrichment.stale", "enrichment.stale", "enrichment", "0 */6 * * *"),
        _row("scoring", "scoring", "scoring", "0 */12 * * *"),
        *(
            _row(f"ingestion.{name}", "ingestion", "ingestion", "0 2 * * *", {"source": name})
            for name in sources
        ),
    ]  # fmt: skip


def _row(
    name: str, kind: str, queue: str, cron: str, args: object = None, after: str | None = None
) -> tuple[object, ...]:
    return name, kind, queue, args or {}, cron, "UTC", "run_once", after


async def seed(db: Database, sources: Sequence[str]) -> None:
    """Write the rows of `defaults` that are not there yet. Raises Unavailable."""
    await db.executemany(Q["schedule_seed"], defaults(sources))


async def fire_due(db: Database) -> int:
    """Start what is due; returns the number of jobs asked for. Raises Unavailable."""
    async with db.transaction() as tx:
        return sum([await _fire(tx, row) for row in await tx.fetch(Q["schedules_due"])])


async def fire_after(db: Database) -> int:
    """Start what follows a kind of which a job has succeeded since. Raises Unavailable."""
    async with db.transaction() as tx:
        return sum([await _follow(tx, row) for row in await tx.fetch(Q["schedules_after"])])


async def measure(db: Database) -> None:
    """Set the gauges of how late schedules are. Raises Unavailable."""
    metrics.schedule_lag_seconds.clear()
    for row in await db.fetch(Q["schedule_lags"]):
        metrics.schedule_lag_seconds.labels(row["name"]).set(row["lag"])


async def _fire(tx: Executor, row: Mapping[str, Any]) -> int:
    name, now = row["name"], row["now"]
    try:
        planned = plan(row["cron"], row["timezone"], row["missed_policy"], row["next_run_at"], now)
        jobs = [job_of(row, run, run.isoformat()) for run in planned.runs]
    except BadSchedule as exc:
        return await _switch_off(tx, name, exc)
    for run in planned.skipped:
        await tx.execute(Q["schedule_ran"], name, "missed", run, None, None)
    ids = [await enqueue(tx, job) for job in jobs]
    for run, job_id in zip(planned.runs, ids, strict=True):
        cause = "due" if due_in_time(run, now) else "missed"
        await tx.execute(Q["schedule_ran"], name, cause, run, job_id, None)
    last_run, last_id = (planned.runs[-1], ids[-1]) if ids else (None, None)
    await tx.execute(Q["schedule_fired"], name, planned.next_run_at, last_run, last_id)
    _tell(name, ids)
    return len(ids)


async def _follow(tx: Executor, row: Mapping[str, Any]) -> int:
    name, seen_at = row["name"], row["seen_at"]
    if not await tx.fetchval(Q["schedule_seen"], name, seen_at):
        return 0
    try:
        job = job_of(row, seen_at, "after")
    except BadSchedule as exc:
        return await _switch_off(tx, name, exc)
    job_id = await enqueue(tx, job)
    await tx.execute(Q["schedule_ran"], name, "after", seen_at, job_id, None)
    await tx.execute(Q["schedule_followed"], name, seen_at, job_id)
    _tell(name, [job_id])
    return 1


async def _switch_off(tx: Executor, name: str, exc: BadSchedule) -> int:
    log.error("schedule %s is switched off: %s", name, exc)
    await tx.execute(Q["schedule_disable"], name, exc.detail)
    return 0


def _tell(name: str, ids: Sequence[int]) -> None:
    if ids:
        metrics.schedule_last_run_timestamp_seconds.labels(name).set_to_current_time()
        log.info("schedule %s started jobs %s", name, list(ids))


@dataclass(slots=True)
class Schedules:
    """The loop over the schedules; seeds them first."""

    db: Database
    sources: Sequence[str]
    seeded: bool = False

    async def turn(self) -> None:
        """Start what is due. Raises Unavailable."""
        if not self.seeded:
            await seed(self.db, self.sources)
            self.seeded = True
        await fire_due(self.db)
        await fire_after(self.db)
        await measure(self.db)


async def scheduler(settings: SchedulerSettings, stopping: asyncio.Event) -> None:
    """The scheduler process, until `stopping`."""
    async with AsyncExitStack() as stack:
        db = await Database.connect(settings.database_url, min_size=0, max_size=3)
        stack.push_async_callback(db.close)
        schedules = Loop("schedules", Schedules(db, settings.sources).turn, settings.schedule_s)
        sweeping = Loop("sweep", partial(sweep, db), settings.sweep_s)
        await serve(settings, "scheduler", db, [schedules, sweeping], stopping)
