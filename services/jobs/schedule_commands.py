"""The commands over schedules."""

from argparse import Namespace

from pydantic import ValidationError

from services.common.db import Database
from services.common.errors import BadRequest
from services.jobs import store_schedules
from services.jobs.models_schedules import EditSchedule, RunsQuery, Schedule
from services.jobs.table import moment, table


async def schedules(db: Database, _options: Namespace) -> str:
    """All schedules."""
    found = (await store_schedules.every(db)).schedules
    head = ("name", "cron", "timezone", "missed", "after", "next (UTC)", "last (UTC)", "state")
    return table([head, *map(_line, found)])


async def schedule_run(db: Database, options: Namespace) -> str:
    """Start a run by hand."""
    return f"queued: {(await store_schedules.run_now(db, options.name)).id}"


async def schedule_edit(db: Database, options: Namespace) -> str:
    """Change a schedule."""
    given = {name: getattr(options, name, None) for name in EditSchedule.model_fields}
    try:
        wanted = EditSchedule(**{name: v for name, v in given.items() if v is not None})
    except ValidationError as exc:
        raise BadRequest("; ".join(error["msg"] for error in exc.errors())) from exc
    schedule = await store_schedules.edit(db, options.name, wanted)
    return f"{schedule.name}: next run {moment(schedule.next_run_at)} UTC"


async def schedule_history(db: Database, options: Namespace) -> str:
    """What ran."""
    found = (await store_schedules.runs(db, options.name, RunsQuery())).runs
    rows = [
        (moment(run.due_at), run.cause, run.job_id or "skipped", run.state or "-",
         run.created_by or "-")
        for run in found
    ]  # fmt: skip
    return table([("due (UTC)", "cause", "job", "state", "by"), *rows])


def _line(each: Schedule) -> tuple[object, ...]:
    state = each.last_state or "-" if each.enabled else f"off: {each.problem or 'by hand'}"
    return (
        each.name, each.cron, each.timezone, each.missed_policy, each.after_kind or "-",
        moment(each.next_run_at), moment(each.last_run_at), state,
    )  # fmt: skip
