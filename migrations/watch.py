"""Sees from a second connection who keeps the runner waiting.

It may never fail a run: where it cannot look, nobody is seen. Between session and attempts.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from migrations.session import FAULTS, Backend, Q, open_connection
from services.common import pauses
from services.common.errors import AppError

_FAULTS = (AppError, *FAULTS)
_PATIENCE_S = 5.0
log = logging.getLogger(__name__)


class Watcher:
    """Looks at the server by a connection of its own, which is made again when it is lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._conn: asyncpg.Connection | None = None
        self._not_before = 0.0

    async def open(self) -> None:
        """Connect now, so that the first look is not late."""
        try:
            self._conn = await open_connection(self._url)
        except _FAULTS as exc:
            self._give_up("the runner", exc)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._conn is not None:
            self._conn.terminate()

    @asynccontextmanager
    async def watching(self, pid: int, label: str, every_s: float) -> AsyncIterator[list[Backend]]:
        """While inside, the yielded list holds the sessions that last blocked backend `pid`."""
        seen: list[Backend] = []
        stop = asyncio.Event()
        task = asyncio.create_task(self._sample(pid, label, every_s, seen, stop))
        try:
            yield seen
        finally:
            stop.set()
            _, hanging = await asyncio.wait({task}, timeout=1)
            for late in hanging:
                late.cancel()

    async def _sample(
        self, pid: int, label: str, every_s: float, seen: list[Backend], stop: asyncio.Event
    ) -> None:
        """Keep `seen` at the last sample that was not empty; log each change once."""
        while not await pauses.until(stop, every_s):
            found = await self._blockers(pid, label)
            if found and {b.pid for b in found} != {b.pid for b in seen}:
                log.warning("%s waits for a lock held by %s", label, "; ".join(map(str, found)))
            if found:
                seen[:] = found

    async def _blockers(self, pid: int, label: str) -> list[Backend]:
        if time.monotonic() < self._not_before:
            return []
        try:
            if self._conn is None or self._conn.is_closed():
                self._conn = await open_connection(self._url)
            rows = await self._conn.fetch(Q["blockers"].sql, pid, timeout=_PATIENCE_S)
        except _FAULTS as exc:
            self._give_up(label, exc)
            return []
        return [Backend(**row) for row in rows]

    def _give_up(self, label: str, exc: Exception) -> None:
        log.warning("cannot see who blocks %s: %s", label, exc)
        self._not_before = time.monotonic() + _PATIENCE_S
