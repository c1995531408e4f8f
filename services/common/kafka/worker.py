"""A pipeline worker: pools for its queues, a Faust consumer, health and metrics, one drain.

`run_worker` is the whole `main` of services/pipelines/*. What the worker depends on may come and
go: pools and consumer wait for it by themselves. Only a defect ends the process, with an error,
for its supervisor to start it again.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from services.common.db import Database
from services.common.health import Health
from services.common.http.app import build_app, serving
from services.common.http.state import HEALTH
from services.common.jobs import Done, Handler, JobContext, Outcome
from services.common.kafka import process
from services.common.kafka.changes import ChangeContext, Changes, ChangeStep, kind_of
from services.common.kafka.consumer import Consumer
from services.common.kafka.ledger import Ledger
from services.common.kafka.pool import Pool, QueueSpec
from services.common.kafka.settings import WorkerSettings

__all__ = ["ChangeContext", "ChangeStep", "QueueSpec", "Worker", "WorkerSettings", "run_worker"]

log = logging.getLogger(__name__)
Startup = Callable[[Database, AsyncExitStack], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Worker:
    """What one worker process runs; `startup` makes the state that handlers and steps see."""

    settings: WorkerSettings
    name: str
    queues: Mapping[str, QueueSpec]
    changes: Mapping[str, ChangeStep] = field(default_factory=dict)
    startup: Startup | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping`, then drain and close."""
        settings = self.settings
        async with AsyncExitStack() as stack:
            db = await Database.connect(
                settings.database_url, min_size=0, max_size=settings.db_pool_max
            )
            stack.push_async_callback(db.close)
            app = build_app(settings, service=self.name, db=db)
            await stack.enter_async_context(serving(app))
            state = await self.startup(db, stack) if self.startup else None
            context = ChangeContext(db, state, stopping)
            queue = next(iter(self.queues), "")
            changes = {
                topic: Changes(topic, change, context, queue)
                for topic, change in self.changes.items()
            }
            pools = self._pools(db, state, changes)
            consumer = Consumer(settings, self.name, pools, changes, stopping)
            await self._work(app[HEALTH], pools, consumer)

    async def _work(self, health: Health, pools: Mapping[str, Pool], consumer: Consumer) -> None:
        async with asyncio.TaskGroup() as group:
            for queue, pool in pools.items():
                health.live[f"queue {queue}"] = process.turning(pool)
                health.live[f"progress of {queue}"] = pool.check
                group.create_task(pool.run(self.settings.drain_s))
            group.create_task(consumer.run())
            log.info("working", extra={"queues": list(pools), "topics": list(self.changes)})
            await consumer.stopping.wait()
            log.info("draining")
            health.draining = True
            health.live.clear()
            for pool in pools.values():
                pool.stop()

    def _pools(self, db: Database, state: Any, changes: Mapping[str, Changes]) -> dict[str, Pool]:
        me = f"{self.name}@{socket.gethostname()}:{os.getpid()}"
        ledger = Ledger(db, me, self.settings.lease_s)
        poll_s, heartbeat_s = self.settings.poll_s, self.settings.heartbeat_s
        replays = {kind_of(topic): _replay(each) for topic, each in changes.items()}
        return {
            queue: Pool(
                queue, replace(spec, handlers={**spec.handlers, **replays}), ledger, state,
                poll_s, heartbeat_s,
            )
            for queue, spec in self.queues.items()
        }  # fmt: skip


def _replay(changes: Changes) -> Handler:
    async def replay(_ctx: JobContext, args: dict[str, Any]) -> Outcome:
        await changes.replay(args)
        return Done({"messages": 1})

    return replay


def run_worker(
    settings: WorkerSettings,
    *,
    name: str,
    queues: Mapping[str, QueueSpec],
    changes: Mapping[str, ChangeStep] | None = None,
    startup: Startup | None = None,
) -> None:
    """Run a worker until SIGTERM or SIGINT; logs are configured by the caller."""
    process.run(Worker(settings, name, queues, changes or {}, startup).run)
