"""Steering: what a person does to jobs, one by one (services/jobs) or all that match (bulk jobs).

Every function is for an open transaction; the caller writes the audit trail.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
from asyncpg import Record

from services.common.db import Executor
from services.common.errors import Conflict, NotFound
from services.common.jobs import NewJob, enqueue
from services.common.sql import load

Q = load(Path(__file__).with_name("steering.sql"))
FINAL = frozenset({"succeeded", "dead", "cancelled"})


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Jobs that match everything that is not None; `arg` is "name=value" of an argument."""

    state: str | None = None
    kind: str | None = None
    queue: str | None = None
    fingerprint: str | None = None
    error_class: str | None = None
    arg: str | None = None
    parent_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def values(self) -> tuple[object, ...]:
        """As the statements take it."""
        name, _, value = (self.arg or "").partition("=")
        return (
            self.state, self.kind, self.queue, self.fingerprint, self.error_class,
            name or None, value, self.parent_id, self.since, self.until,
        )  # fmt: skip


async def matching(
    tx: Executor, wanted: JobFilter, after: int, until: int, limit: int
) -> list[int]:
    """The next ids that match, in order, after one and up to another."""
    rows = await tx.fetch(Q["jobs_matching"], after, until, limit, *wanted.values())
    return [row["id"] for row in rows]


async def last_id(tx: Executor) -> int:
    """The highest id so far."""
    found: int = await tx.fetchval(Q["jobs_last_id"])
    return found


async def rerun(tx: Executor, ids: Collection[int], *, skip_queued: bool = False) -> list[int]:
    """Start dead, cancelled or waiting jobs over, with their failed children; all their ids.

    A parent that is dead because of one of them starts over, too. Where the same work is queued
    already asyncpg raises UniqueViolationError, unless these are to be left out.
    """
    rows = await tx.fetch(Q["jobs_rerun"], ids, skip_queued)
    return sorted(row["id"] for row in rows)


async def cancel(tx: Executor, ids: Collection[int]) -> Sequence[Record]:
    """Cancel live jobs and their live children: `id`, `state`, `parent_id` of each.

    One that runs stays `running` until its worker, told within a second, has ended it.
    """
    return await tx.fetch(Q["jobs_cancel"], ids)


async def prioritise(
    tx: Executor, ids: Collection[int], priority: int | None, run_at: datetime | None = None
) -> list[int]:
    """Give waiting jobs another priority or time; their ids."""
    rows = await tx.fetch(Q["jobs_prioritise"], ids, priority, run_at)
    return sorted(row["id"] for row in rows)


async def delete(tx: Executor, ids: Collection[int]) -> list[int]:
    """Delete final jobs with all below them; the ids of `ids` that are gone."""
    return sorted(row["id"] for row in await tx.fetch(Q["jobs_delete"], ids))


async def replay(tx: Executor, job_id: int, args: dict[str, Any] | None = None) -> int:
    """Ask for the work of a final job again, with other `args` if given; id of the new job.

    The old job keeps its record; a dead one counts no more, also for its parent. Raises NotFound,
    Conflict.
    """
    old = await tx.fetchrow(Q["job_original"], job_id)
    if old is None:
        raise NotFound(f"There is no job {job_id}")
    if old["state"] not in FINAL:
        raise Conflict(f"Job {job_id} is {old['state']}: it cannot be replayed")
    if old["replaced_by"]:
        raise Conflict(f"Job {job_id} was replayed as job {old['replaced_by']}")
    new_id = await enqueue(tx, _again(old, args))
    if old["state"] != "succeeded":
        await tx.execute(Q["job_replaced"], job_id, new_id)
    return new_id


def _again(old: Record, args: dict[str, Any] | None) -> NewJob:
    key = old["dedupe_key"]
    if args is not None or key is None:
        text = orjson.dumps(args, option=orjson.OPT_SORT_KEYS)
        key = f"replay:{old['id']}:{blake2b(text, digest_size=16).hexdigest()}"
    return NewJob(
        kind=old["kind"],
        queue=old["queue"],
        args=old["args"] if args is None else args,
        priority=old["priority"],
        dedupe_key=key,
        serial_key=old["serial_key"],
        parent_id=old["parent_id"],
        max_attempts=old["max_attempts"],
        version=old["version"],
        replay_of=old["id"],
    )
