"""What each command of the command line does: (database, options) -> the text to print."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import orjson

from services.common.db import Database
from services.jobs import store, store_queues
from services.jobs.models import ListQuery
from services.jobs.models_queues import Queue, QueueLimits


async def list_(db: Database, options: Namespace) -> str:
    """Jobs that match, newest first."""
    query = ListQuery(
        state=options.state, kind=options.kind, queue=options.queue, limit=options.limit
    )
    found = await store.page(db, query)
    rows = [
        (job.id, job.kind, job.state, f"{job.attempt}/{job.max_attempts}",
         f"{job.created_at:%Y-%m-%d %H:%M:%S}", job.error.message[:60] if job.error else "")
        for job in found.jobs
    ]  # fmt: skip
    shown = table([("id", "kind", "state", "tries", "created (UTC)", "error"), *rows])
    return f"{shown}\n{len(rows)} of {found.pagination.total} jobs"


async def show(db: Database, options: Namespace) -> str:
    """One job as JSON."""
    return _json((await store.get(db, options.id)).model_dump(mode="json"))


async def retry(db: Database, options: Namespace) -> str:
    """Start a job over."""
    return f"queued: {_ids(await store.rerun(db, options.id))}"


async def cancel(db: Database, options: Namespace) -> str:
    """Cancel a job."""
    return f"cancelled: {_ids(await store.cancel(db, options.id))}"


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


def _ids(ids: list[int]) -> str:
    return ", ".join(map(str, ids))


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def table(rows: Sequence[tuple[object, ...]]) -> str:
    """Columns side by side."""
    texts = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )
