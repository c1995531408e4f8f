"""The scheduler: turns due rows of `schedules` into jobs; sweeps. `services.jobs scheduler`.

The row stays locked while its job is inserted and its next time is set, in one transaction, so
that two schedulers start a run once and a crash starts it neither twice nor never.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from services.common import metrics
from services.common.db import Database, Executor
from services.common.jobs import NewJob, enqueue
from services.common.sql import load
from services.jobs.loops import Loop, serve
from services.jobs.plan import BadSchedule, plan, resolve
from services.jobs.service import serial_key
from services.jobs.settings import SchedulerSettings
from services.jobs.sweeper import sweep

Q = load(Path(__file__).with_name("queries.sql"))
log = logging.getLogger(__name__)
DAILY = "UTC", "run_once"


def defaults(sources: Sequence[str]) -> list[tuple[object, ...]]:
    """Rows that every installation begins with; a person may change them afterwards."""
    return [
        ("as_of", "as_of", "maintenance", {"as_of": "today"}, "10 0 * * *", *DAILY),
        ("enrichment.stale", "enrichment.stale", "enrichment", {}, "0 */6 * * *", *DAILY),
        *(
            (f"ingestion.{name}", "ingestion", "ingestion", {"source": name}, "0 2 * * *", *DAILY)
            for name in sources
        ),
    ]


async def seed(db: Database, sources: Sequence[str]) -> None:
    """Write the rows of `defaults` that are not there yet. Raises Unavailable."""
    await db.executemany(Q["schedule_seed"], defaults(sources))


async def fire_due(db: Database) -> int:
    """Start what is due; returns the number of jobs asked for. Raises Unavailable."""
    async with db.transaction() as tx:
        return sum([await _fire(tx, row) for row in await tx.fetch(Q["schedules_due"])])


async def _fire(tx: Executor, row: Mapping[str, Any]) -> int:
    name, zone = row["name"], row["timezone"]
    try:
        planned = plan(row["cron"], zone, row["missed_policy"], row["next_run_at"], row["now"])
        jobs = [_job(row, run, resolve(row["args"], run, zone)) for run in planned.runs]
    except BadSchedule as exc:
        log.error("schedule %s is switched off: %s", name, exc)
        await tx.execute(Q["schedule_disable"], name)
        return 0
    ids = [await enqueue(tx, job) for job in jobs]
    last_run, last_id = (planned.runs[-1], ids[-1]) if ids else (None, None)
    await tx.execute(Q["schedule_fired"], name, planned.next_run_at, last_run, last_id)
    if ids:
        metrics.schedule_last_run_timestamp_seconds.labels(name).set_to_current_time()
        log.info("schedule %s started jobs %s", name, ids)
    return len(ids)


PATIENCE = 12
"""Tries of a scheduled job, about a quarter of an hour: nobody waits for it, none restarts it."""


def _job(row: Mapping[str, Any], run: datetime, args: dict[str, Any]) -> NewJob:
    return NewJob(
        kind=row["kind"],
        queue=row["queue"],
        args=args,
        dedupe_key=f"schedule:{row['name']}:{run.isoformat()}",
        serial_key=serial_key(row["kind"], args),
        max_attempts=PATIENCE,
    )


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


async def scheduler(settings: SchedulerSettings, stopping: asyncio.Event) -> None:
    """The scheduler process, until `stopping`."""
    async with AsyncExitStack() as stack:
        db = await Database.connect(settings.database_url, min_size=0, max_size=3)
        stack.push_async_callback(db.close)
        schedules = Loop("schedules", Schedules(db, settings.sources).turn, settings.schedule_s)
        sweeping = Loop("sweep", partial(sweep, db), settings.sweep_s)
        await serve(settings, "scheduler", db, [schedules, sweeping], stopping)
