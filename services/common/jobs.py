"""Jobs: how any part of the platform asks for work, and what a handler sees and returns.

`enqueue` and `publish` write in the caller's transaction, so that a job or a message exists
exactly when the change that asks for it does; the relay (services/jobs/relay.py) tells Kafka.
The pool (services/common/kafka/pool.py) calls a `Handler` for each claimed job and records its
`Outcome`. Steps import what they need from here and thereby know neither Kafka nor Faust.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from services.common import context
from services.common.db import Database, Executor
from services.common.errors import LostLease
from services.common.logs import redact
from services.common.sql import load

Q = load(Path(__file__).with_name("jobs.sql"))
QUEUES = ("ingestion", "enrichment", "scoring", "maintenance")
TRIES: Mapping[str, int] = {"ingestion.page": 8, "ingestion.history": 8}
"""Tries of a job by its kind; a `NewJob` may say otherwise."""
TRIES_OF_OTHERS = 3
LOG_LINES = 500
"""Lines of its log that a job keeps, the last ones."""
LOG_LINE_LENGTH = 2000
MOST_BURIED = 2000
Level = Literal["info", "warning", "error"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be done by the handler of `kind` in a worker of `queue`.

    Lower `priority` numbers run first; None is that of the parent, so that what an urgent job asks
    for is as urgent, or 100. `run_at` None is now. Of one `dedupe_key` at most one job is live
    (queued, running or retryable); of one `serial_key` at most one runs. `max_attempts` None is
    what TRIES says; `version` is that of the arguments, which the worker must know.
    """

    kind: str
    queue: str
    args: dict[str, Any]
    priority: int | None = None
    run_at: datetime | None = None
    dedupe_key: str | None = None
    serial_key: str | None = None
    parent_id: int | None = None
    max_attempts: int | None = None
    version: int = 1
    replay_of: int | None = None

    def row(self) -> dict[str, Any]:
        """As the statement that enqueues takes it."""
        row = {name: getattr(self, name) for name in self.__slots__}  # asdict copies `args` deeply
        row["max_attempts"] = self.max_attempts or tries(self.kind)
        return row


def tries(kind: str) -> int:
    """How often a job of `kind` is tried unless it says otherwise."""
    return TRIES.get(kind, TRIES_OF_OTHERS)


@dataclass(frozen=True, slots=True)
class Done:
    """The job succeeded; `result` is kept in its row."""

    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FanOut:
    """Run `children`, then call this job again with `ctx.children` counting their states.

    A child whose `dedupe_key` is live under another parent is not waited for; where no child is
    left to wait for, the job is called again a little later. Raises ValueError without children.
    """

    children: Sequence[NewJob]
    progress: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.children:
            raise ValueError("FanOut needs a child: return Done where there is nothing to do")


@dataclass(frozen=True, slots=True)
class Snooze:
    """Call the job again in `seconds`; this call does not count as an attempt."""

    seconds: float
    progress: dict[str, Any] = field(default_factory=dict)


Outcome = Done | FanOut | Snooze


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job; `fence` rises with each claim and marks who may still write."""

    id: int
    kind: str
    queue: str
    args: dict[str, Any]
    attempt: int
    max_attempts: int
    parent_id: int | None
    progress: dict[str, Any]
    fence: int
    request_id: str | None
    version: int = 1


@dataclass(slots=True)
class JobContext:
    """What a handler may use: its job, the database, and whatever the worker's startup made.

    `children` is empty until a FanOut of this job has settled, then {state: count}.
    `stopping` is set when the worker drains or the job is to be cancelled: a long handler returns
    Snooze(0) early, or is interrupted some seconds later.
    """

    job: Job
    db: Database
    state: Any
    children: Mapping[str, int]
    stopping: asyncio.Event
    lease_s: float = 30
    completed: bool = False
    _log: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def progress(self, **values: object) -> None:
        """Merge `values` into the job's progress now. Raises LostLease."""
        guard = (self.job.id, self.job.fence)
        if not await self.db.fetchval(Q["job_progress"], *guard, values):
            raise LostLease
        self.job = replace(self.job, progress=self.job.progress | values)

    async def log(self, message: str, level: Level = "info") -> None:
        """Add a line to the job's log, which a person reads beside the job. Raises LostLease."""
        log.log(getattr(logging, level.upper()), "%s", message, extra={"kind": self.job.kind})
        line = redact(message.replace("\0", ""))[:LOG_LINE_LENGTH]
        async with self._log:
            added = await self.db.fetchval(
                Q["job_log"], self.job.id, self.job.fence, level, line, LOG_LINES
            )
        if not added:
            raise LostLease

    async def fence(self, tx: Executor) -> None:
        """Lock the job's row until `tx` ends and extend the lease; call before writing effects.

        Raises LostLease where another worker holds the job: roll back, nothing was written.
        """
        guard = (self.job.id, self.job.fence)
        if not await tx.fetchval(Q["job_fence"], *guard, self.lease_s):
            raise LostLease

    async def complete(self, tx: Executor, result: dict[str, Any]) -> Done:
        """Let the job succeed in `tx`, as its last statement; return what this returns.

        So effects that may not be repeated happen once: a crash undoes both or neither. Raises
        LostLease: roll back.
        """
        self.completed = True
        if not await tx.fetchval(Q["job_succeed"], self.job.id, self.job.fence, result):
            raise LostLease
        return Done(result)


Handler = Callable[[JobContext, dict[str, Any]], Awaitable[Outcome]]


async def enqueue(tx: Executor, job: NewJob) -> int:
    """Insert `job` and return its id, or the id of the live job with the same `dedupe_key`."""
    return (await enqueue_many(tx, [job]))[0]


async def enqueue_many(tx: Executor, jobs: Sequence[NewJob]) -> list[int]:
    """`enqueue` for many jobs in one statement; ids in the order of `jobs`.

    Live jobs met by a `dedupe_key` stay locked until `tx` ends: call it near the end.
    """
    if not jobs:
        return []
    rows = await tx.fetch(
        Q["jobs_enqueue"], [job.row() for job in jobs], context.request_id.get(), context.author()
    )
    return [row["id"] for row in rows]


async def bury(
    db: Executor, kind: str, queue: str, args: dict[str, Any], error: dict[str, Any]
) -> None:
    """Keep what can never be worked on as a dead job; of one kind at most some thousand."""
    await db.execute(Q["job_bury"], kind, queue, args, error, MOST_BURIED)


async def publish(
    tx: Executor, topic: str, messages: Sequence[Mapping[str, Any]], key: str | None = None
) -> None:
    """Put `messages` into the outbox: the relay sends them to `topic` at least once."""
    if messages:
        await tx.execute(Q["outbox_add"], topic, key, list(messages))
