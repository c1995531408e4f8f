"""Schedules as rows: what a person sees, edits and starts. The scheduler fires them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.common import audit, context
from services.common.db import Database, Executor
from services.common.errors import NotFound
from services.common.jobs import NewJob, enqueue
from services.common.sql import load
from services.jobs import service, store
from services.jobs.models import JobDetail
from services.jobs.models_schedules import (
    EditSchedule,
    RunList,
    RunsQuery,
    Schedule,
    ScheduleList,
    ScheduleRun,
)
from services.jobs.plan import plan, resolve

Q = load(Path(__file__).with_name("schedules.sql"))
ENTITY = "schedule"
PATIENCE = 12
"""Tries of a scheduled job, about a quarter of an hour: nobody waits for it, none restarts it."""


def job_of(row: Mapping[str, Any], run: datetime, what: str) -> NewJob:
    """The job of one run; `what` makes its dedupe key: of what is the same, one is live.

    Raises BadSchedule.
    """
    args = resolve(row["args"], run, row["timezone"])
    return NewJob(
        kind=row["kind"],
        queue=row["queue"],
        args=args,
        dedupe_key=f"schedule:{row['name']}:{what}",
        serial_key=service.serial_key(row["kind"], args),
        max_attempts=PATIENCE,
    )


async def every(db: Executor) -> ScheduleList:
    """All schedules, by name."""
    return ScheduleList(schedules=[_schedule(row) for row in await _rows(db, None)])


async def get(db: Executor, name: str) -> Schedule:
    """Raises NotFound."""
    rows = await _rows(db, name)
    if not rows:
        raise NotFound(f"There is no schedule {name}")
    return _schedule(rows[0])


async def edit(db: Database, name: str, wanted: EditSchedule) -> Schedule:
    """Change what is given; missed runs are forgotten. Raises NotFound, BadSchedule."""
    fields = set(EditSchedule.model_fields)
    async with db.transaction() as tx:
        await tx.execute(Q["schedule_lock"], name)
        before = (await get(tx, name)).model_dump(include=fields)
        new = before | wanted.model_dump(include=wanted.model_fields_set)
        now = datetime.now(UTC)
        following = plan(new["cron"], new["timezone"], "skip", None, now).next_run_at
        resolve(new["args"], now, new["timezone"])
        columns = ("args", "cron", "timezone", "missed_policy", "enabled", "after_kind")
        await tx.execute(Q["schedule_edit"], name, *(new[each] for each in columns), following)
        if new != before:
            await audit.record(tx, "edit", ENTITY, name, before, new)
        return await get(tx, name)


async def run_now(db: Database, name: str) -> JobDetail:
    """Start a run by hand; while one of these is live, the answer is that. Raises NotFound."""
    async with db.transaction() as tx:
        schedule = await get(tx, name)
        now = datetime.now(UTC)
        job_id = await enqueue(tx, job_of(schedule.model_dump(), now, "hand"))
        job = await store.get(tx, job_id)
        if await tx.fetchval(store.Q["job_is_new"], job_id):
            await tx.execute(Q["schedule_ran"], name, "hand", now, job_id, context.author())
            await audit.record(tx, "run", ENTITY, name, None, {"job": job_id})
        return job


async def runs(db: Database, name: str, query: RunsQuery) -> RunList:
    """The latest runs. Raises NotFound."""
    await get(db, name)
    rows = await db.fetch(Q["schedule_runs"], name, query.limit)
    return RunList(runs=[ScheduleRun.model_validate(dict(row)) for row in rows])


async def _rows(db: Executor, name: str | None) -> list[Any]:
    return list(await db.fetch(Q["schedules_list"], name))


def _schedule(row: Mapping[str, Any]) -> Schedule:
    fields = dict(row)
    now, due = fields.pop("now"), fields["next_run_at"]
    late = (now - due).total_seconds() if due and fields["enabled"] else 0
    return Schedule(**fields, lag_s=max(0, late))
