"""What each command of the command line does: (database, options) -> the text to print."""

from argparse import Namespace
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from services.common.db import Database
from services.common.errors import BadRequest
from services.jobs import service, store, store_queues, store_steering
from services.jobs.models import ListQuery, Matching
from services.jobs.models_queues import Queue, QueueLimits
from services.jobs.models_steering import BulkRequest, ChangeJob, DeadQuery, LogQuery
from services.jobs.table import moment, table

Command = Callable[[Database, Namespace], Awaitable[str]]


async def list_(db: Database, options: Namespace) -> str:
    """Jobs that match, newest first."""
    found = await store.page(db, ListQuery(**_given(options, Matching), limit=options.limit))
    rows = [
        (job.id, job.kind, job.state, f"{job.attempt}/{job.max_attempts}",
         moment(job.created_at), job.error.message[:60] if job.error else "")
        for job in found.jobs
    ]  # fmt: skip
    shown = table([("id", "kind", "state", "tries", "created (UTC)", "error"), *rows])
    return f"{shown}\n{len(rows)} of {found.pagination.total} jobs"


async def show(db: Database, options: Namespace) -> str:
    """One job as JSON, with its failed attempts and its log."""
    job = (await store.get(db, options.id)).model_dump(mode="json")
    attempts = await store_steering.attempts(db, options.id)
    log = await store_steering.log(db, options.id, LogQuery())
    return _json(job | attempts.model_dump(mode="json") | log.model_dump(mode="json"))


async def dead(db: Database, options: Namespace) -> str:
    """What jobs died of."""
    found = await store_steering.dead(db, DeadQuery(kind=options.kind, queue=options.queue))
    rows = [
        (each.jobs, each.kind, each.fingerprint or "-", moment(each.last_at),
         each.last_id, f"{each.error_class}: {each.message}"[:80])
        for each in found.dead
    ]  # fmt: skip
    return table([("jobs", "kind", "fingerprint", "last (UTC)", "last id", "error"), *rows])


async def retry(db: Database, options: Namespace) -> str:
    """Start a job over."""
    return f"queued: {_ids(await store_steering.rerun(db, options.id, options.reason))}"


async def replay(db: Database, options: Namespace) -> str:
    """Do a job's work again."""
    job = await store_steering.replay(db, options.id, options.args, options.reason)
    return f"queued: {job.id}"


async def cancel(db: Database, options: Namespace) -> str:
    """Cancel a job."""
    return f"cancelled: {_ids(await store_steering.cancel(db, options.id, options.reason))}"


async def change(db: Database, options: Namespace) -> str:
    """Give a waiting job another priority."""
    wanted = ChangeJob(priority=options.priority, reason=options.reason)
    job = await store_steering.change(db, options.id, wanted)
    return f"{job.id}: priority {job.priority}"


async def bulk(db: Database, options: Namespace) -> str:
    """Do something to all jobs that match."""
    given = {"priority": options.priority, "rate": options.rate, "reason": options.reason}
    try:
        request = BulkRequest(
            action=options.action, filter=Matching(**_given(options, Matching)), **given
        )
    except ValidationError as exc:
        raise BadRequest("; ".join(error["msg"] for error in exc.errors())) from exc
    job = await store_steering.bulk(db, service.bulk(request), options.reason)
    return f"queued: {job.id}"


async def stats(db: Database, _options: Namespace) -> str:
    """Jobs by queue and state."""
    rows = await store.stats(db)
    head = ("queue", "state", "jobs", "oldest (s)")
    return table([head, *(tuple(row.values()) for row in rows)])


async def queues(db: Database, _options: Namespace) -> str:
    """Queues with what a person set."""
    return _queues((await store_queues.every(db)).queues)


async def pause(db: Database, options: Namespace) -> str:
    """Pause a queue."""
    return _queues([await store_queues.pause(db, options.queue, options.reason)])


async def resume(db: Database, options: Namespace) -> str:
    """Resume a queue."""
    return _queues([await store_queues.resume(db, options.queue)])


async def limit(db: Database, options: Namespace) -> str:
    """Set the limits that were given; 0 takes one away."""
    given = {"concurrency": options.concurrency, "rate": options.rate}
    limits = {name: value or None for name, value in given.items() if value is not None}
    return _queues([await store_queues.limit(db, options.queue, QueueLimits(**limits))])


def _queues(found: Sequence[Queue]) -> str:
    head = (
        "queue",
        "state",
        "concurrency",
        "rate",
        "due",
        "later",
        "running",
        "dead",
        "oldest (s)",
    )
    return table([tuple(head), *(
        (each.name, f"paused: {each.reason or '-'}" if each.paused else "open",
         each.concurrency or "-", each.rate or "-", each.due, each.later, each.running, each.dead,
         round(each.oldest_s))
        for each in found
    )])  # fmt: skip


def _given(options: Namespace, model: type[BaseModel]) -> dict[str, Any]:
    return {name: getattr(options, name) for name in model.model_fields if hasattr(options, name)}


def _ids(ids: list[int]) -> str:
    return ", ".join(map(str, ids))


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
