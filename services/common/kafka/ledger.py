"""The ledger: transitions of a claimed job in PostgreSQL, the only truth about work.

Each transition answers whether it happened; False means that this attempt lost its lease and
must not write any more. Used by the pool; the sweeper (services/jobs) settles parents as well.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg

from services.common.db import Database, Executor
from services.common.jobs import Done, FanOut, Job, Outcome, Snooze, enqueue_many
from services.common.jobs import Q as JOBS
from services.common.kafka.failure import ChildrenFailed, describe, retry_in
from services.common.sql import load

Q = load(Path(__file__).with_name("ledger.sql"))
_TIMEOUT_S = 10.0
_CLAIM_TRIES = 3
_FOREIGN_CHILDREN_S = 5.0
LIVE = frozenset({"queued", "running", "retryable"})
Key = tuple[int, int]
"""Id and fence: one attempt of one job."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job held by this worker, with its children's count by state.

    It was due `wait_s` seconds before; `orphaned`: made after its parent had been cancelled.
    """

    job: Job
    children: dict[str, int]
    wait_s: float = 0
    orphaned: bool = False


class Ledger:
    """Moves the jobs of one worker; `worker` names it in the rows it holds."""

    def __init__(self, db: Database, worker: str, lease_s: float = 30) -> None:
        self.db = db
        self.worker = worker
        self.lease_s = lease_s

    async def claim(self, queue: str, limit: int) -> list[Claim]:
        """At most `limit` due jobs of `queue` by priority and due time, now leased to us.

        None of a paused queue; of one with limits as many as these allow over all workers.
        """
        for _ in range(_CLAIM_TRIES):
            # the violation: another worker took a job of the same serial_key since our snapshot
            with suppress(asyncpg.UniqueViolationError):
                claims = await self._claim(self.db, queue, limit, limited=False)
                return claims or await self._claim_within_limits(queue, limit)
        return []

    async def _claim(self, tx: Executor, queue: str, limit: int, *, limited: bool) -> list[Claim]:
        rows = await tx.fetch(
            Q["jobs_claim"], queue, limit, self.worker, self.lease_s, limited, timeout=_TIMEOUT_S
        )
        return [_claim(row) for row in rows]

    async def _claim_within_limits(self, queue: str, limit: int) -> list[Claim]:
        async with self.db.transaction() as tx:
            allowance = await tx.fetchrow(Q["queue_allowance"], queue, timeout=_TIMEOUT_S)
            if allowance is None:
                return []
            concurrency, tokens = allowance
            if concurrency is not None:
                limit = min(limit, concurrency - await tx.fetchval(Q["queue_running"], queue))
            if tokens is not None:
                limit = min(limit, tokens)
            if limit <= 0:
                return []
            claims = await self._claim(tx, queue, limit, limited=True)
            if tokens is not None:
                await tx.execute(Q["queue_spend"], queue, len(claims))
            return claims

    async def heartbeat(self, jobs: Sequence[Job]) -> tuple[set[Key], bool]:
        """Extend the leases; (what is still held, whether all of that was extended)."""
        rows = await self.db.fetch(
            Q["jobs_heartbeat"], *_guards(jobs), self.lease_s, timeout=_TIMEOUT_S
        )
        return {(row["id"], row["fence"]) for row in rows}, all(row["extended"] for row in rows)

    async def cancel_asked(self, jobs: Sequence[Job]) -> set[Key]:
        """Those of `jobs` that a person wants to end."""
        rows = await self.db.fetch(Q["jobs_cancel_asked"], *_guards(jobs), timeout=_TIMEOUT_S)
        return {(row["id"], row["fence"]) for row in rows}

    async def record(self, job: Job, outcome: Outcome) -> str | None:
        """Write what a handler returned: what became of the job, None where it was lost.

        Raises TypeError for anything but an Outcome. An error leaves the job as it was.
        """
        match outcome:
            case Done(result):
                done = await self.succeed([(job, result)])
                return "succeeded" if done else None
            case Snooze(seconds, progress):
                return await self._move(self.db, "job_snooze", job, float(seconds), progress)
            case FanOut():
                return await self._fan_out(job, outcome)
            case _:
                raise TypeError(f"The handler of {job.kind} returned {outcome!r}, not an Outcome")

    async def succeed(self, done: Sequence[tuple[Job, dict[str, Any]]]) -> set[Key]:
        """Let many jobs succeed in one transaction; those that were still held."""
        jobs, results = [job for job, _ in done], [result for _, result in done]
        rows = await self.db.fetch(
            JOBS["jobs_succeed"], *_guards(jobs), results, timeout=_TIMEOUT_S
        )
        return {(row["id"], row["fence"]) for row in rows}

    async def fail(self, job: Job, exc: BaseException) -> str | None:
        """Retry later or give up, as failure.retry_in says: "retryable", "dead" or None (lost).

        A job that is to be cancelled is not tried again: "cancelled".
        """
        delay = retry_in(exc, job.attempt, job.max_attempts)
        if delay is None:
            return await self._move(self.db, "job_die", job, describe(exc))
        return await self._move(self.db, "job_retry", job, delay, describe(exc))

    async def cancelled(self, job: Job, *, orphaned: bool = False) -> str | None:
        """End a job that a person cancelled, or whose parent: "cancelled", or None (lost)."""
        return await self._move(self.db, "job_cancelled", job, orphaned)

    async def await_children(self, job: Job) -> str | None:
        """Wait again for children that a person has set to work again."""
        if not await self._move(self.db, "job_await_children", job, {}):
            return await self.record(job, Snooze(0))  # they ended meanwhile: claim it anew
        await self.settle([job.id])  # a child may have ended while this was written
        return "waiting"

    async def release(self, jobs: Sequence[Job]) -> None:
        """Give jobs back as if they had not been claimed."""
        if jobs:
            await self.db.execute(Q["jobs_release"], *_guards(jobs), timeout=_TIMEOUT_S)

    async def settle(self, parent_ids: Sequence[int] | None) -> list[int]:
        """Wake parents whose children are all final (None: any parent); returns their ids."""
        rows = await self.db.fetch(Q["parents_settle"], parent_ids, timeout=_TIMEOUT_S)
        return [row["id"] for row in rows]

    async def children_failed(self, job: Job) -> ChildrenFailed:
        """The error of a parent whose children did not all succeed."""
        rows = await self.db.fetch(Q["children_failed"], job.id, timeout=_TIMEOUT_S)
        states = " or ".join(sorted({row["state"] for row in rows}))
        ids = ", ".join(f"#{row['id']}" for row in rows)
        failed, children = rows[0]["failed"], rows[0]["children"]
        more = ", ..." if failed > len(rows) else ""
        first = next((row for row in rows if row["message"]), None)
        told = f"; {first['error_class']} in #{first['id']}: {first['message']}" if first else ""
        return ChildrenFailed(f"{failed} of {children} children {states}: {ids}{more}{told}")

    async def _fan_out(self, job: Job, outcome: FanOut) -> str | None:
        children = [replace(child, parent_id=job.id) for child in outcome.children]
        async with self.db.transaction() as tx:
            if not await tx.fetchval(JOBS["job_fence"], job.id, job.fence, self.lease_s):
                return None
            if await self._move(tx, "job_cancelled", job, False):
                return "cancelled"
            await enqueue_many(tx, children)
            if not await self._move(tx, "job_await_children", job, outcome.progress):
                await self._move(tx, "job_snooze", job, _FOREIGN_CHILDREN_S, outcome.progress)
        return "waiting"

    @staticmethod
    async def _move(tx: Executor, name: str, job: Job, *values: object) -> str | None:
        became: str | None = await tx.fetchval(
            Q[name], job.id, job.fence, *values, timeout=_TIMEOUT_S
        )
        return became


def _guards(jobs: Sequence[Job]) -> tuple[list[int], list[int]]:
    return [job.id for job in jobs], [job.fence for job in jobs]


def _claim(row: asyncpg.Record) -> Claim:
    fields = dict(row)
    children, wait_s, orphaned = (fields.pop(name) for name in ("children", "wait_s", "orphaned"))
    return Claim(Job(**fields), children or {}, wait_s, orphaned)
