"""The Faust side of a worker: permits wake the pools, changes go to their steps in batches.

Faust acks a message whatever its agent does and may die with its broker, so nothing here is
trusted with work: agents never raise, run with concurrency 1, keep no tables, and the whole app
is built anew whenever it stops by itself. The work is in the jobs table (pool.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import faust

from services.common import pauses
from services.common.errors import Unavailable
from services.common.kafka import topics
from services.common.kafka.changes import Changes
from services.common.kafka.pool import Pool
from services.common.kafka.settings import WorkerSettings

log = logging.getLogger(__name__)
_START_S = 60.0
_STOP_S = 10.0
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0


@dataclass(slots=True)
class Consumer:
    """Keeps a Faust app of consumer group `name` alive until `stopping` is set."""

    settings: WorkerSettings
    name: str
    pools: Mapping[str, Pool]
    changes: Mapping[str, Changes]
    stopping: asyncio.Event
    connected: bool = False

    async def run(self) -> None:
        """Run apps one after the other; a lost broker is waited for with back-off.

        After `stopping` no batch is begun; the one in hand may end within `drain_s`.
        """
        pause = _PAUSE_S
        while not self.stopping.is_set():
            began = monotonic()
            try:
                with TemporaryDirectory(prefix="faust-") as folder:
                    await self._session(folder)
            except Unavailable as exc:
                log.warning("waiting for Kafka: %s", exc)
            except Exception:
                log.exception("the Faust app failed and is started again")
            pause = _PAUSE_S if monotonic() - began > _START_S else pause
            await pauses.until(self.stopping, pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

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
        ours = asyncio.create_task(self.stopping.wait())
        theirs = asyncio.create_task(app.wait_until_stopped())
        await asyncio.wait({ours, theirs}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ours, theirs):
            task.cancel()
        if not self.stopping.is_set():
            raise RuntimeError(f"Faust stopped by itself: {app.crash_reason!r}")
        with suppress(TimeoutError):  # Faust acks what it interrupts: let steps in hand end
            async with asyncio.timeout(self.settings.drain_s):
                for each in self.changes.values():
                    await each.idle.wait()

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
            consumer_group_instance_id=self.settings.kafka_instance_id or None,
            stream_wait_empty=False,
        )
        for queue, pool in self.pools.items():
            self._agent(app, topics.permits(queue), _permits(pool))
        for topic, changes in self.changes.items():
            self._agent(app, topic, self._batches(changes))
        return app

    def _agent(self, app: faust.App, topic: str, function: Callable[[Any], Any]) -> None:
        channel = app.topic(
            self.settings.topic_prefix + topic,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )
        app.agent(channel, name=f"{self.name}.{topic}", concurrency=1)(function)

    def _batches(self, changes: Changes) -> Callable[[Any], Any]:
        async def batches(stream: Any) -> None:
            async for values in stream.take(changes.change.batch, within=changes.change.within):
                await changes.take(values)
                if self.stopping.is_set():
                    await asyncio.Event().wait()  # until app.stop() ends this agent

        return batches


def _permits(pool: Pool) -> Callable[[Any], Any]:
    async def permits(stream: AsyncIterator[bytes]) -> None:
        async for _ in stream:
            pool.wake.set()

    return permits
