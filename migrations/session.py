"""The direct connections of the runner: opened, checked, locked, watched.

A session lock needs the same backend for the whole run, so a pooler is refused. Two
connections: one holds the advisory lock and migrates, the other sees who blocks the first.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from migrations.files import MigrationRefused
from services.common.errors import Unavailable
from services.common.sql import load

Q = load(Path(__file__).with_name("queries.sql"))
LOCK = int.from_bytes(b"ucc-migr", "big")
HOST = socket.gethostname()
log = logging.getLogger(__name__)


class RunnerBusy(Unavailable):
    """Another migration runner works on this database."""

    code = "migration_runner_busy"


@dataclass(frozen=True, slots=True)
class Backend:
    """A database session that holds what the runner waits for; `seconds` it has been open."""

    pid: int
    usename: str | None
    application_name: str | None
    state: str | None
    query: str | None
    seconds: float | None

    def __str__(self) -> str:
        query = " ".join((self.query or "query not visible to this role").split())[:200]
        who = self.application_name or self.usename or "no application name"
        return f"pid {self.pid} ({who}, {self.state} for {self.seconds or 0:.0f} s): {query}"


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A direct connection with search_path public, closed at the end.

    Raises Unavailable where nothing answers, MigrationRefused behind a pooler.
    """
    conn = await _open(url)
    try:
        async with conn.transaction():
            pid = await conn.fetchval(Q["backend_pid"].sql)
        if pid != conn.get_server_pid():
            raise MigrationRefused(
                "DATABASE_DIRECT_URL leads through a pooler (PgBouncer), where the runner's lock "
                "would be lost: point it at PostgreSQL itself. Nothing was run."
            )
        await conn.execute(Q["prepare_session"].sql)
        yield conn
    finally:
        await conn.close(timeout=5)


async def _open(url: str) -> asyncpg.Connection:
    name = f"migrations {HOST}:{os.getpid()}"
    try:
        return await asyncpg.connect(
            url, timeout=10, statement_cache_size=0, server_settings={"application_name": name}
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as exc:
        parts = urlsplit(url)
        place = f"{parts.hostname}:{parts.port or 5432}{parts.path}"
        reason = str(exc) or type(exc).__name__
        raise Unavailable(
            f"PostgreSQL at {place} cannot be used: {reason}. "
            "Start it (`make up`) or correct DATABASE_DIRECT_URL."
        ) from exc


async def lock(conn: asyncpg.Connection, wait_s: float, poll_s: float = 1) -> None:
    """Take the runners' lock for the life of `conn`.

    Polls, as a waiting lock call would keep CREATE INDEX CONCURRENTLY of the other runner
    waiting for ever. Raises RunnerBusy that names the holder after `wait_s` seconds.
    """
    deadline = time.monotonic() + wait_s
    told = False
    while not await conn.fetchval(Q["try_lock"].sql, LOCK):
        holder = await conn.fetchrow(Q["lock_holder"].sql, LOCK)
        who = str(Backend(**holder)) if holder else "a session that just ended"
        left = deadline - time.monotonic()
        if left <= 0:
            raise RunnerBusy(
                f"Another migration runner still works after {wait_s:.0f} s: {who}. "
                "Wait for it, or end it if it hangs, and run this again. Nothing was run."
            )
        if not told:
            log.info("waiting for another migration runner: %s", who)
        told = True
        await asyncio.sleep(min(poll_s, left))


@asynccontextmanager
async def watching(
    watcher: asyncpg.Connection, pid: int, label: str, every_s: float
) -> AsyncIterator[list[Backend]]:
    """While inside, the yielded list holds the sessions that last blocked backend `pid`."""
    seen: list[Backend] = []
    stop = asyncio.Event()
    task = asyncio.create_task(_sample(watcher, pid, label, every_s, seen, stop))
    try:
        yield seen
    finally:
        stop.set()
        await task


async def _sample(
    watcher: asyncpg.Connection,
    pid: int,
    label: str,
    every_s: float,
    seen: list[Backend],
    stop: asyncio.Event,
) -> None:
    """Keep `seen` at the last sample that was not empty; log each change once."""
    while not stop.is_set():
        try:
            rows = await watcher.fetch(Q["blockers"].sql, pid)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
            log.warning("cannot see who blocks %s: %s", label, exc)
            return
        found = [Backend(**row) for row in rows]
        if found and {b.pid for b in found} != {b.pid for b in seen}:
            log.warning("%s waits for a lock held by %s", label, "; ".join(map(str, found)))
        if found:
            seen[:] = found
        try:
            await asyncio.wait_for(stop.wait(), every_s)
        except TimeoutError:
            continue
