"""The pool: claims the due jobs of one queue and runs them, at most `concurrency` at a time.

A permit from Kafka sets `wake`; without one the pool looks each `poll_s` seconds, so that losing
Kafka costs latency and nothing else. Whatever a job raises ends in its row, never in the loop.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any

from services.common import context, metrics
from services.common.errors import AppError, LostLease, Unavailable
from services.common.jobs import Handler, Job, JobContext, Outcome
from services.common.kafka.failure import UnknownKind
from services.common.kafka.ledger import LIVE, Claim, Key, Ledger

log = logging.getLogger(__name__)
_CANCEL_S = 2.0
_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """Handlers by job kind; kinds in `resume_with_dead` are resumed even with dead children."""

    handlers: Mapping[str, Handler]
    concurrency: int = 4
    resume_with_dead: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Running:
    job: Job
    task: asyncio.Task[None]
    context: JobContext | None = None
    recording: bool = False

    @property
    def over(self) -> bool:
        """Whether the row may have left `running` by our own doing."""
        return self.recording or (self.context is not None and self.context.completed)


@dataclass(slots=True)
class Pool:
    """Runs one queue until `stop`; `ticked` is the monotonic time of its last turn."""

    queue: str
    spec: QueueSpec
    ledger: Ledger
    state: Any = None
    poll_s: float = 1
    heartbeat_s: float = 10
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    running: dict[Key, _Running] = field(default_factory=dict)
    ticked: float = field(default_factory=monotonic)

    async def run(self, drain_s: float) -> None:
        """Claim and run until `stop`; then finish what runs within `drain_s` or give it back."""
        heart = asyncio.create_task(self._beat())
        try:
            while not self.stopping.is_set():
                self.ticked = monotonic()
                metrics.worker_last_progress_timestamp_seconds.set_to_current_time()
                self.wake.clear()
                if not await self._take():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.wake.wait(), self.poll_s)
            await self._drain(drain_s)
        finally:
            heart.cancel()

    def stop(self) -> None:
        """Claim no more; handlers see `ctx.stopping`."""
        self.stopping.set()
        self.wake.set()

    async def _take(self) -> bool:
        """Claim as many as there are free places; whether to look again at once."""
        free = self.spec.concurrency - len(self.running)
        if free <= 0:
            return False
        try:
            claims = await self.ledger.claim(self.queue, free)
        except Unavailable as exc:
            log.warning("cannot claim: %s", exc, extra={"queue": self.queue})
            return False
        except Exception:
            log.exception("cannot claim", extra={"queue": self.queue})
            return False
        for claim in claims:
            job = claim.job
            task = asyncio.create_task(self._work(claim), name=f"job-{job.id}")
            self.running[job.id, job.fence] = _Running(job, task)
        self._count()
        return bool(claims)

    async def _work(self, claim: Claim) -> None:
        job = claim.job
        context.job_id.set(job.id)
        context.request_id.set(job.request_id)
        metrics.job_attempts.labels(job.kind).inc()
        started = perf_counter()
        try:
            became = await self._attempt(claim) or "lost"
            metrics.job_seconds.labels(job.kind).observe(perf_counter() - started)
            metrics.jobs_finished_total.labels(job.kind, became).inc()
            if job.parent_id is not None:
                with suppress(Unavailable):  # the sweeper will do it
                    await self.ledger.settle([job.parent_id])
        except Exception:
            log.exception("cannot record a job: its lease will expire", extra={"kind": job.kind})
        finally:
            self._leave(job)

    async def _attempt(self, claim: Claim) -> str | None:
        """Run the handler and record its outcome: what became of the job, None if it was lost."""
        job = claim.job
        try:
            if any(claim.children.get(state) for state in LIVE):
                return await self._insist(job, lambda: self.ledger.await_children(job))
            ctx = self._context(claim)
            outcome = await self._handle(ctx)
            became = await self._insist(job, lambda: self.ledger.record(job, outcome))
            return "succeeded" if became is None and ctx.completed else became
        except LostLease:
            return None
        except asyncio.CancelledError as exc:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return await self._fail(job, exc)  # something inside the handler was cancelled
        except Exception as exc:
            return await self._fail(job, exc)

    def _context(self, claim: Claim) -> JobContext:
        ledger, job = self.ledger, claim.job
        ctx = JobContext(job, ledger.db, self.state, claim.children, self.stopping, ledger.lease_s)
        if running := self.running.get((job.id, job.fence)):
            running.context = ctx
        return ctx

    async def _handle(self, ctx: JobContext) -> Outcome:
        job = ctx.job
        handler = self.spec.handlers.get(job.kind)
        if handler is None:
            raise UnknownKind(f"No handler for {job.kind!r} in the workers of {self.queue!r}")
        failed = ctx.children.get("dead", 0) + ctx.children.get("cancelled", 0)
        if failed and job.kind not in self.spec.resume_with_dead:
            raise await self.ledger.children_failed(job)
        return await handler(ctx, job.args)

    async def _fail(self, job: Job, exc: BaseException) -> str | None:
        metrics.errors_total.labels(exc.code if isinstance(exc, AppError) else "internal").inc()
        log.warning("job failed", exc_info=exc, extra={"kind": job.kind, "attempt": job.attempt})
        return await self._insist(job, lambda: self.ledger.fail(job, exc))

    async def _insist(self, job: Job, write: Callable[[], Awaitable[str | None]]) -> str | None:
        """Repeat `write` while the database is away: the work is done, only its record is not."""
        if running := self.running.get((job.id, job.fence)):
            running.recording = True  # the heartbeat must not take the new state for a lost lease
        while True:
            try:
                return await write()
            except Unavailable as exc:
                log.warning("cannot record a job yet: %s", exc)
                await asyncio.sleep(_RETRY_S)

    async def _beat(self) -> None:
        pause = self.heartbeat_s
        while True:
            await asyncio.sleep(pause)
            pause = min(_RETRY_S, self.heartbeat_s)
            try:
                if await self._extend():
                    pause = self.heartbeat_s
            except Exception as exc:
                log.warning("heartbeat failed: %s", exc, extra={"queue": self.queue})

    async def _extend(self) -> bool:
        """One heartbeat; attempts whose job was taken or cancelled are stopped here."""
        before = dict(self.running)
        if not before:
            return True
        held, complete = await self.ledger.heartbeat([each.job for each in before.values()])
        for key in before.keys() - held:
            running = self.running.get(key)
            if running and not running.over:
                log.warning("lost the lease of job %d", running.job.id)
                metrics.jobs_finished_total.labels(running.job.kind, "lost").inc()
                running.task.cancel()
        return complete

    async def _drain(self, drain_s: float) -> None:
        """Let jobs finish for `drain_s` seconds, then stop them and give back their leases."""
        left = list(self.running.values())
        if left:
            await asyncio.wait([each.task for each in left], timeout=drain_s)
        left = [each for each in left if not each.task.done()]
        if left:
            for each in left:
                each.task.cancel()
            await asyncio.wait([each.task for each in left], timeout=_CANCEL_S)
            with suppress(Unavailable):  # their leases expire
                await self.ledger.release([each.job for each in left])
            log.info("gave back %d jobs", len(left), extra={"queue": self.queue})

    def _leave(self, job: Job) -> None:
        self.running.pop((job.id, job.fence), None)
        self._count()
        self.wake.set()

    def _count(self) -> None:
        metrics.jobs_running.labels(self.queue).set(len(self.running))
