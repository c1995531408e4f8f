"""Queues as rows: what waits, and what a person sets; workers follow at their next claim."""

from pathlib import Path
from typing import Any

from services.common import audit, context
from services.common.db import Database, Executor
from services.common.jobs import QUEUES
from services.common.sql import load
from services.jobs.models_queues import Queue, QueueLimits, QueueList

Q = load(Path(__file__).with_name("queues.sql"))
ENTITY = "queue"


async def every(db: Executor) -> QueueList:
    """All queues, by name."""
    rows = await db.fetch(Q["queues_list"], QUEUES)
    return QueueList(queues=[Queue.model_validate(dict(row)) for row in rows])


async def pause(db: Database, name: str, reason: str | None = None) -> Queue:
    """Let no job of the queue begin; again only changes the reason."""
    async with db.transaction() as tx:
        before = await _lock(tx, name)
        await tx.execute(Q["queue_pause"], name, context.author(), reason)
        return await _changed(tx, "pause", name, before)


async def resume(db: Database, name: str) -> Queue:
    """Let jobs begin again; one that is not paused stays as it is."""
    async with db.transaction() as tx:
        before = await _lock(tx, name)
        await tx.execute(Q["queue_resume"], name)
        await tx.execute(Q["queue_wake"], name)
        return await _changed(tx, "resume", name, before)


async def limit(db: Database, name: str, limits: QueueLimits) -> Queue:
    """Set the limits that are given."""
    async with db.transaction() as tx:
        before = await _lock(tx, name)
        after = before | limits.model_dump(include=limits.model_fields_set)
        await tx.execute(Q["queue_limit"], name, after["concurrency"], after["rate"])
        await tx.execute(Q["queue_wake"], name)
        return await _changed(tx, "limit", name, before)


async def _lock(tx: Executor, name: str) -> dict[str, Any]:
    (row,) = await tx.fetch(Q["queue_lock"], name)
    return dict(row)


async def _changed(tx: Executor, action: str, name: str, before: dict[str, Any]) -> Queue:
    (row,) = await tx.fetch(Q["queues_list"], [name])
    queue = Queue.model_validate(dict(row))
    after = queue.model_dump(include=set(before))
    if after != before:
        await audit.record(tx, action, ENTITY, name, before, after)
    return queue
