"""The pool: claims the due jobs of one queue and runs them, at most `concurrency` at a time.

A permit from Kafka sets `wake`; without one the pool looks each `poll_s` seconds, so that losing
Kafka costs latency and nothing else. Whatever a job raises ends in its row, never in the loop.
A job whose handler has ended gives up its place before its end is written (recorder.py).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any

from services.common import context, metrics, pauses
from services.common.errors import AppError, LostLease, Unavailable
from services.common.jobs import Done, Job, JobContext, Outcome
from services.common.kafka.failure import JobTimeout
from services.common.kafka.ledger import LIVE, Claim, Key, Ledger
from services.common.kafka.recorder import Recorder
from services.common.kafka.spec import QueueSpec

__all__ = ["Pool", "QueueSpec"]

log = logging.getLogger(__name__)
_CANCEL_S = 2.0
_RETRY_S = 1.0
_LOOK_S = 1.0
GRACE_S = 5.0
"""Seconds that a handler may take to end after it was told to."""
_UNRECORDED = 3
"""Times `concurrency` that a pool holds at most, jobs that wait to be recorded included."""


@dataclass(slots=True)
class _Running:
    job: Job
    task: asyncio.Task[None]
    stopping: asyncio.Event
    since: float = field(default_factory=monotonic)
    context: JobContext | None = None
    recording: bool = False
    cancel_asked: bool = False
    cancelling: bool = False

    @property
    def over(self) -> bool:
        """Whether the row may have left `running` by our own doing."""
        return self.recording or (self.context is not None and self.context.completed)


@dataclass(slots=True)
class Pool:
    """Runs one queue until `stop`; `ticked` and `moved` are monotonic times.

    `ticked`: of the last turn. `moved`: when a job last began or ended.
    """

    queue: str
    spec: QueueSpec
    ledger: Ledger
    state: Any = None
    poll_s: float = 1
    heartbeat_s: float = 10
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    running: dict[Key, _Running] = field(default_factory=dict)
    busy: int = 0
    ticked: float = field(default_factory=monotonic)
    moved: float = field(default_factory=monotonic)
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.ledger)

    async def run(self, drain_s: float) -> None:
        """Claim and run until `stop`; then finish what runs within `drain_s` or give it back."""
        heart = asyncio.create_task(self._beat())
        try:
            while not self.stopping.is_set():
                self.ticked = monotonic()
                metrics.worker_last_progress_timestamp_seconds.set_to_current_time()
                self.wake.clear()
                if not await self._take():
                    await pauses.until(self.wake, self.poll_s)
            await self._drain(drain_s)
        finally:
            heart.cancel()

    def stop(self) -> None:
        """Claim no more; handlers see `ctx.stopping`."""
        self.stopping.set()
        for each in self.running.values():
            each.stopping.set()
        self.wake.set()

    async def check(self) -> None:
        """The live check of progress: raises Unavailable where no job ends that should have."""
        limit = self.spec.longest_s + 2 * GRACE_S
        if self.busy >= self.spec.concurrency and monotonic() - self.moved > limit:
            raise Unavailable(f"No job of {self.queue} has ended for {limit:.0f} s")

    async def _take(self) -> bool:
        """Claim as many as there are free places; whether to look again at once."""
        room = self.spec.concurrency * _UNRECORDED - len(self.running)
        free = min(self.spec.concurrency - self.busy, room)
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
            self._begin(claim)
        self._count()
        return bool(claims)

    def _begin(self, claim: Claim) -> None:
        job, stopping = claim.job, asyncio.Event()
        if self.stopping.is_set():
            stopping.set()
        metrics.job_attempts.labels(job.kind).inc()
        metrics.job_wait_seconds.labels(job.kind).observe(max(0, claim.wait_s))
        self.busy += 1
        self.moved = monotonic()
        task = asyncio.create_task(self._work(claim), name=f"job-{job.id}")
        self.running[job.id, job.fence] = _Running(job, task, stopping)

    async def _work(self, claim: Claim) -> None:
        job, running = claim.job, self.running[claim.job.id, claim.job.fence]
        context.job_id.set(job.id)
        context.request_id.set(job.request_id)
        started = perf_counter()
        try:
            became = await self._attempt(claim, running) or "lost"
            metrics.job_seconds.labels(job.kind).observe(perf_counter() - started)
            metrics.jobs_finished_total.labels(job.kind, became).inc()
            if job.parent_id is not None:
                self.recorder.settle(job.parent_id)
        except Exception:
            log.exception("cannot record a job: its lease will expire", extra={"kind": job.kind})
        finally:
            self._record(running)
            self.running.pop((job.id, job.fence), None)
            self._count()
            self.wake.set()

    async def _attempt(self, claim: Claim, running: _Running) -> str | None:
        """Run the handler and record its outcome: what became of the job, None if it was lost."""
        job, ledger = claim.job, self.ledger
        try:
            if claim.orphaned:
                return await self._insist(running, lambda: ledger.cancelled(job, orphaned=True))
            if any(claim.children.get(state) for state in LIVE):
                return await self._insist(running, lambda: ledger.await_children(job))
            ctx = running.context = JobContext(
                job, ledger.db, self.state, claim.children, running.stopping, ledger.lease_s
            )
            outcome = await self._handle(ctx)
            became = await self._insist(running, lambda: self._write(job, outcome))
            return "succeeded" if became is None and ctx.completed else became
        except LostLease:
            return None
        except asyncio.CancelledError as exc:
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                return await self._fail(running, exc)  # something in the handler was cancelled
            if not running.cancelling:
                raise
            task.uncancel()
            return await self._insist(running, lambda: ledger.cancelled(job))
        except Exception as exc:
            return await self._fail(running, exc)

    async def _write(self, job: Job, outcome: Outcome) -> str | None:
        if not isinstance(outcome, Done):
            return await self.ledger.record(job, outcome)
        return "succeeded" if await self.recorder.succeed(job, outcome.result) else None

    async def _handle(self, ctx: JobContext) -> Outcome:
        job, spec = ctx.job, self.spec
        handler = spec.handler(job, self.queue)
        failed = ctx.children.get("dead", 0) + ctx.children.get("cancelled", 0)
        if failed and job.kind not in spec.resume_with_dead:
            raise await self.ledger.children_failed(job)
        limit = spec.time_limit(job.kind)
        try:
            async with asyncio.timeout(limit) as timer:
                return await handler(ctx, job.args)
        except TimeoutError as exc:
            if timer.expired():
                raise JobTimeout(f"{job.kind!r} took more than {limit:g} s") from exc
            raise

    async def _fail(self, running: _Running, exc: BaseException) -> str | None:
        job = running.job
        metrics.errors_total.labels(exc.code if isinstance(exc, AppError) else "internal").inc()
        log.warning("job failed", exc_info=exc, extra={"kind": job.kind, "attempt": job.attempt})
        return await self._insist(running, lambda: self.ledger.fail(job, exc))

    def _record(self, running: _Running) -> None:
        """The handler has ended: its place is free, and its row may change by our own doing."""
        if not running.recording:
            running.recording = True  # the heartbeat must not take the new state for a lost lease
            self.busy -= 1
            self.moved = monotonic()
            self.wake.set()

    async def _insist(
        self, running: _Running, write: Callable[[], Awaitable[str | None]]
    ) -> str | None:
        """Repeat `write` while the database is away: the work is done, only its record is not."""
        self._record(running)
        while True:
            try:
                return await write()
            except Unavailable as exc:
                log.warning("cannot record a job yet: %s", exc)
                await asyncio.sleep(_RETRY_S)

    async def _beat(self) -> None:
        due, turn = monotonic() + self.heartbeat_s, min(_LOOK_S, self.heartbeat_s)
        while True:
            await asyncio.sleep(turn)
            try:
                await self._look()
                if monotonic() >= due and await self._extend():
                    due = monotonic() + self.heartbeat_s
            except Exception as exc:
                log.warning("heartbeat failed: %s", exc, extra={"queue": self.queue})

    async def _look(self) -> None:
        """Tell the jobs that a person has cancelled; interrupt those that were told a while ago."""
        now = monotonic()
        held = [
            each for each in self.running.values()
            if not each.over and now - each.since >= min(_LOOK_S, self.heartbeat_s)
        ]  # fmt: skip
        asked = await self.ledger.cancel_asked([each.job for each in held]) if held else set()
        for running in held:
            if (running.job.id, running.job.fence) not in asked or running.cancelling:
                continue
            if not running.cancel_asked:
                running.cancel_asked, running.since = True, now
                running.stopping.set()
            elif now - running.since >= GRACE_S:
                running.cancelling = True
                running.task.cancel()

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
        await self.recorder.flush()

    def _count(self) -> None:
        metrics.jobs_running.labels(self.queue).set(len(self.running))
