"""The relay: tells Kafka what PostgreSQL holds. `python -m services.jobs relay`.

Permits: queues that have due jobs, few messages however many jobs. Outbox: change messages in
the order of their ids, deleted once Kafka has acknowledged them, so each is sent at least once.
Notifications make it quick, a poll each second makes it sure; two relays share the work by row
locks. Losing PostgreSQL or Kafka pauses a loop, never ends it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from services.common import metrics, pauses
from services.common.db import Database
from services.common.errors import Unavailable
from services.common.jobs import QUEUES
from services.common.kafka import topics
from services.common.kafka.messages import encode_permit
from services.common.sql import load
from services.jobs.loops import Loop, serve
from services.jobs.publisher import Publisher, Record
from services.jobs.settings import RelaySettings

Q = load(Path(__file__).with_name("queries.sql"))
BATCH = 500
_TIMEOUT_S = 10.0
_LOST = (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(slots=True)
class Relay:
    """Three loops: listen, permits, outbox."""

    settings: RelaySettings
    db: Database
    publisher: Publisher
    dirty: set[str] = field(default_factory=set)
    listen: Loop = field(init=False)
    permits: Loop = field(init=False)
    outbox: Loop = field(init=False)

    def __post_init__(self) -> None:
        poll_s = self.settings.relay_poll_s
        self.listen = Loop("listen", self.hear, poll_s)
        self.permits = Loop("permits", self.send_permits, poll_s)
        self.outbox = Loop("outbox", self.send_outbox, poll_s)

    async def hear(self) -> None:
        """Hold the connection that notifications come on. Raises Unavailable when it is lost."""
        url = self.settings.database_direct_url
        lost = asyncio.Event()
        try:
            connection = await asyncpg.connect(url, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
            try:
                connection.add_termination_listener(lambda _: lost.set())
                await connection.add_listener("ucc_jobs", self._on_jobs)
                await connection.add_listener("ucc_outbox", self._on_outbox)
                while not lost.is_set():
                    self.listen.tick()
                    self.listen.failing = None
                    await connection.fetchval("SELECT 1")
                    await pauses.until(lost, _TIMEOUT_S)
            finally:
                with suppress(*_LOST):
                    await connection.close(timeout=1)
        except _LOST as exc:
            raise Unavailable(f"No connection for notifications: {exc!r}") from exc
        raise Unavailable("The connection for notifications was closed")

    def _on_jobs(self, _connection: Any, _pid: int, _channel: str, queue: Any) -> None:
        self.dirty.add(str(queue))
        self.permits.wake.set()

    def _on_outbox(self, *_: Any) -> None:
        self.outbox.wake.set()

    async def send_permits(self) -> None:
        """Wake the workers of the queues that were named, or at a poll of all."""
        known = set(QUEUES)
        queues, self.dirty = self.dirty & known or known, set()
        rows = await self.db.fetch(
            Q["permits_due"], sorted(queues), topics.PARTITIONS, timeout=_TIMEOUT_S
        )
        await self.publisher.send(
            [
                Record(topics.permits(row["queue"]), encode_permit(row["queue"]))
                for row in rows
                for _ in range(row["due"])
            ]
        )

    async def send_outbox(self) -> None:
        """Send what is in the outbox, batch by batch."""
        sent = BATCH
        while sent == BATCH:
            self.outbox.tick()
            metrics.relay_lag_seconds.set(
                await self.db.fetchval(Q["outbox_age"], timeout=_TIMEOUT_S)
            )
            async with self.db.transaction() as tx:
                rows = await tx.fetch(Q["outbox_take"], topics.TOPICS, BATCH, timeout=_TIMEOUT_S)
                rows.sort(key=lambda row: int(row["id"]))
                await self.publisher.send([_record(row) for row in rows])
            sent = len(rows)


def _record(row: Mapping[str, Any]) -> Record:
    key = row["key"]
    return Record(row["topic"], row["payload"].encode(), None if key is None else key.encode())


async def relay(settings: RelaySettings, stopping: asyncio.Event) -> None:
    """The relay process, until `stopping`."""
    async with AsyncExitStack() as stack:
        db = await Database.connect(settings.database_direct_url, min_size=0, max_size=3)
        stack.push_async_callback(db.close)
        publisher = Publisher(settings.kafka_brokers, settings.topic_prefix)
        stack.push_async_callback(publisher.close)
        work = Relay(settings, db, publisher)
        await serve(settings, "relay", db, [work.listen, work.permits, work.outbox], stopping)
