"""The Faust side of a worker: permits wake the pools, changes go to their steps in batches.

Faust acks a message whatever its agent does and may die with its broker, so nothing here is
trusted with work: agents never raise, run with concurrency 1, keep no tables, and the whole app
is built anew whenever it stops by itself. The work is in the jobs table (pool.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import faust

from services.common import metrics
from services.common.db import Database
from services.common.errors import AppError, Unavailable
from services.common.kafka import topics
from services.common.kafka.messages import PoisonMessage, decode
from services.common.kafka.pool import Pool
from services.common.kafka.settings import WorkerSettings

log = logging.getLogger(__name__)
_START_S = 60.0
_STOP_S = 10.0
_BACKOFF_S = (1.0, 15.0)
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """What a change step may use: the database and whatever the worker's startup made."""

    db: Database
    state: Any
    stopping: asyncio.Event


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """`step` gets at most `batch` messages that came `within` seconds; it must be idempotent."""

    step: Callable[[ChangeContext, list[Message]], Awaitable[None]]
    batch: int = 200
    within: float = 0.5


@dataclass(slots=True)
class Consumer:
    """Keeps a Faust app of consumer group `name` alive until the context's `stopping` is set."""

    settings: WorkerSettings
    name: str
    pools: Mapping[str, Pool]
    changes: Mapping[str, ChangeStep]
    context: ChangeContext
    connected: bool = False
    busy: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Run apps one after the other; a lost broker is waited for with back-off."""
        pause = _BACKOFF_S[0]
        while not self.context.stopping.is_set():
            began = monotonic()
            try:
                with TemporaryDirectory(prefix="faust-") as folder:
                    await self._session(folder)
            except Unavailable as exc:
                log.warning("waiting for Kafka: %s", exc)
            except Exception:
                log.exception("the Faust app failed and is started again")
            pause = _BACKOFF_S[0] if monotonic() - began > 60 else min(pause * 2, _BACKOFF_S[1])
            with suppress(TimeoutError):
                await asyncio.wait_for(self.context.stopping.wait(), pause)

    async def _session(self, folder: str) -> None:
        """One Faust app from start to stop. Raises Unavailable without broker or topics."""
        prefix, brokers = self.settings.topic_prefix, self.settings.kafka_brokers
        wanted = [prefix + name for name in (*map(topics.permits, self.pools), *self.changes)]
        if not await topics.present(brokers, wanted):
            raise Unavailable(f"topics are missing, create them: {', '.join(wanted)}")
        app = self._app(folder)
        try:
            async with asyncio.timeout(_START_S):
                await app.start()
            self.connected = True
            await self._until_stopped(app)
        finally:
            self.connected = False
            async with asyncio.timeout(_STOP_S):
                await app.stop()

    async def _until_stopped(self, app: faust.App) -> None:
        ours = asyncio.create_task(self.context.stopping.wait())
        theirs = asyncio.create_task(app.wait_until_stopped())
        await asyncio.wait({ours, theirs}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ours, theirs):
            task.cancel()
        if not self.context.stopping.is_set():
            raise RuntimeError(f"Faust stopped by itself: {app.crash_reason!r}")
        if self.busy:  # Faust acks what it interrupts: let the step in hand come to its end
            self.idle.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.idle.wait(), self.settings.drain_s)

    def _app(self, folder: str) -> faust.App:
        brokers = self.settings.kafka_brokers.split(",")
        app = faust.App(
            self.settings.topic_prefix + self.name,
            broker=[f"kafka://{broker.strip()}" for broker in brokers],
            loop=asyncio.get_running_loop(),
            datadir=folder,
            autodiscover=False,
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            processing_guarantee="at_least_once",
            broker_commit_interval=1.0,
            broker_session_timeout=10.0,
            broker_heartbeat_interval=3.0,
            broker_max_poll_records=500,
            stream_wait_empty=False,
        )
        for queue, pool in self.pools.items():
            self._agent(app, topics.permits(queue), self._permits(pool))
        for topic, change in self.changes.items():
            self._agent(app, topic, self._batches(topic, change))
        return app

    def _agent(self, app: faust.App, topic: str, function: Callable[[Any], Any]) -> None:
        raw = {"key_type": bytes, "value_type": bytes}
        raw |= {"key_serializer": "raw", "value_serializer": "raw"}
        channel = app.topic(self.settings.topic_prefix + topic, **raw)
        app.agent(channel, name=f"{self.name}.{topic}", concurrency=1)(function)

    def _permits(self, pool: Pool) -> Callable[[AsyncIterator[bytes]], Awaitable[None]]:
        async def permits(stream: AsyncIterator[bytes]) -> None:
            async for _ in stream:
                pool.wake.set()

        return permits

    def _batches(self, topic: str, change: ChangeStep) -> Callable[[Any], Awaitable[None]]:
        async def batches(stream: Any) -> None:  # noqa: ANN401
            async for values in stream.take(change.batch, within=change.within):
                self.busy += 1
                try:
                    await self._apply(topic, change, values)
                finally:
                    self.busy -= 1
                    self.idle.set()
                if self.context.stopping.is_set():
                    await asyncio.Event().wait()  # begin no other batch; stop() ends this agent

        return batches

    async def _apply(self, topic: str, change: ChangeStep, values: list[bytes | None]) -> None:
        """Give a batch to its step; on failure each message alone, skipping those that fail."""
        messages = []
        for value in values:
            try:
                messages.append(decode(value))
            except PoisonMessage as exc:
                self._skip(topic, exc, value)
        if not messages or await self._step(topic, change, messages):
            return
        for message in messages:
            if not await self._step(topic, change, [message]):
                self._skip(topic, None, message)

    async def _step(self, topic: str, change: ChangeStep, messages: list[Message]) -> bool:
        """Whether the step took `messages`; failures that pass with time are waited out."""
        pause = _BACKOFF_S[0]
        while True:
            try:
                await change.step(self.context, messages)
            except Exception as exc:
                if not (isinstance(exc, AppError) and exc.retryable):
                    log.exception("a step failed", extra={"topic": topic, "size": len(messages)})
                    return False
                log.warning("a step waits: %s", exc, extra={"topic": topic})
                await asyncio.sleep(exc.retry_after or pause)
                pause = min(pause * 2, _BACKOFF_S[1])
            else:
                metrics.messages_total.labels(topic, "done").inc(len(messages))
                return True

    def _skip(self, topic: str, exc: Exception | None, message: object) -> None:
        metrics.messages_total.labels(topic, "skipped").inc()
        log.error(
            "skipped a message: %s", exc, extra={"topic": topic, "message_": repr(message)[:500]}
        )
