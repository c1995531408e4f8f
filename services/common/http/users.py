"""Callers and their rows in `users`: one at first sight, and a look for the disabled ones.

Nothing here is on the way of a request: rows are written in batches behind it, and the disabled
are a set in memory that follows the table. While the database is away the last set counts.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from services.common import pauses
from services.common.context import Principal
from services.common.db import Database
from services.common.sql import load
from services.common.types import Role

log = logging.getLogger(__name__)
Q = load(Path(__file__).with_name("users.sql"))
_MOST = 100_000
_BATCH = 500
_QUERY_S = 1.0
_AGAIN_S = 1.0
_SOON_S = 0.2  # between looks while the database does not answer: it may be back any moment


class Users:
    """`disable` is given the subjects that are disabled each time they were read."""

    def __init__(self, poll_s: float) -> None:
        self._poll_s = poll_s
        self._seen: set[Principal] = set()
        self._new: dict[str, Role] = {}
        self._woken = asyncio.Event()
        self._look = asyncio.Event()
        self._failing = False

    def saw(self, principal: Principal) -> None:
        """Remember to write the caller's row, once in the life of this process."""
        if principal not in self._seen:
            if len(self._seen) >= _MOST:
                self._seen.clear()
            self._seen.add(principal)
            self._new[principal.sub] = principal.role
            self._woken.set()

    def look(self) -> None:
        """Look for disabled users now: one was just changed here."""
        self._look.set()

    @asynccontextmanager
    async def open(
        self, db: Database, disable: Callable[[frozenset[str]], None]
    ) -> AsyncIterator[None]:
        """Follow the table while the block runs; the first look comes before it."""
        await self._poll(db, disable)
        tasks = [
            asyncio.create_task(self._follow(db, disable)),
            asyncio.create_task(self._write(db)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def _follow(self, db: Database, disable: Callable[[frozenset[str]], None]) -> None:
        while True:
            pause = min(_SOON_S, self._poll_s) if self._failing else self._poll_s
            await pauses.until(self._look, pause)
            self._look.clear()
            await self._poll(db, disable)

    async def _poll(self, db: Database, disable: Callable[[frozenset[str]], None]) -> None:
        try:
            async with asyncio.timeout(_QUERY_S):
                rows = await db.fetch(Q["users_disabled"])
        except Exception as exc:  # whatever is wrong, the last set counts and the next look comes
            if not self._failing:
                log.warning("disabled users cannot be read", extra={"cause": repr(exc)})
            self._failing = True
        else:
            self._failing = False
            disable(frozenset(row["subject"] for row in rows))

    async def _write(self, db: Database) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._new:
                batch = dict(list(self._new.items())[:_BATCH])
                try:
                    await db.execute(Q["users_seen"], [*batch], [*batch.values()], timeout=_QUERY_S)
                except Exception as exc:  # kept for the next attempt
                    log.warning("users cannot be written", extra={"cause": repr(exc)})
                    await asyncio.sleep(_AGAIN_S)
                else:
                    for subject in batch:
                        if self._new.get(subject) == batch[subject]:
                            del self._new[subject]
