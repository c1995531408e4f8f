"""The direct connection of the runner: opened, checked, locked.

A session lock needs the same backend for the whole run, so a pooler is refused.
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

from migrations.errors import DatabaseUnreachable, LockedOut, NotPermitted, Pooler
from services.common.sql import load

Q = load(Path(__file__).with_name("queries.sql"))
LOCK = int.from_bytes(b"ucc-migr", "big")
HOST = socket.gethostname()
# What asyncpg raises where a connection ends, also between two calls, and what PostgreSQL says.
BROKEN = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
FAULTS = (*BROKEN, asyncpg.PostgresError)
_HIDDEN = "<insufficient privilege>"
log = logging.getLogger(__name__)


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
        who = self.application_name or self.usename or "no application name"
        if self.state is None and self.query in (None, "", _HIDDEN):
            return f"pid {self.pid} ({who}): more only to a role with pg_read_all_stats"
        query = " ".join((self.query or "").split())[:200]
        return f"pid {self.pid} ({who}, {self.state} for {self.seconds or 0:.0f} s): {query}"


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A direct connection with search_path public, closed at the end.

    Raises DatabaseUnreachable, NotPermitted, and Pooler.
    """
    conn = await open_connection(url)
    try:
        async with conn.transaction():
            refuse_pooler(conn, await conn.fetchval(Q["backend_pid"].sql))
        await conn.execute(Q["prepare_session"].sql)
        yield conn
    finally:
        await close_connection(conn)


async def renew(conn: asyncpg.Connection) -> None:
    """Make the session as `connect` left it, whatever the files before set in it.

    So a file does the same whether it runs after others or alone.
    """
    await conn.execute(Q["reset_user"].sql)
    await conn.execute(Q["reset_session"].sql)
    await conn.execute(Q["prepare_session"].sql)


def refuse_pooler(conn: asyncpg.Connection, pid: int | None) -> None:
    """Raise Pooler unless `pid`, the backend that answered, is the one that was connected to."""
    if pid != conn.get_server_pid():
        raise Pooler(
            "DATABASE_DIRECT_URL leads through a pooler (PgBouncer), where the runner's lock "
            "would be lost: point it at PostgreSQL itself. Nothing was run."
        )


async def open_connection(url: str, timeout_s: float = 10) -> asyncpg.Connection:
    """A connection, not yet checked; raises DatabaseUnreachable and NotPermitted."""
    name = f"migrations {HOST}:{os.getpid()}"
    try:
        return await asyncpg.connect(
            url,
            timeout=timeout_s,
            statement_cache_size=0,
            server_settings={"application_name": name},
        )
    except asyncpg.InvalidAuthorizationSpecificationError as exc:
        raise NotPermitted(
            f"PostgreSQL at {_place(url)} cannot be used: {exc}. Correct user and password in "
            "DATABASE_DIRECT_URL (on Kubernetes: in the Secret it comes from).",
            sqlstate=exc.sqlstate,
            error=str(exc),
        ) from exc
    except ValueError as exc:  # which quotes the DSN, and so its password
        raise DatabaseUnreachable(
            "DATABASE_DIRECT_URL is no DSN: it must be postgresql://user:password@host:5432/"
            "database, with %23, %2F, %3F, %40 for # / ? @ in a password."
        ) from exc
    except FAULTS as exc:
        reason = str(exc) or type(exc).__name__
        raise DatabaseUnreachable(
            f"PostgreSQL at {_place(url)} cannot be used: {reason}. "
            "Start it (`make up`) or correct DATABASE_DIRECT_URL.",
            sqlstate=getattr(exc, "sqlstate", None),
            error=reason,
        ) from exc


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or 5432}{parts.path}"
    except ValueError:  # several hosts
        return "the hosts of DATABASE_DIRECT_URL"


async def close_connection(conn: asyncpg.Connection) -> None:
    """End the session; one that does not answer is dropped, as the work is over either way."""
    try:
        await conn.close(timeout=5)
    except FAULTS:
        conn.terminate()


async def lock(conn: asyncpg.Connection, wait_s: float, poll_s: float = 1) -> None:
    """Take the runners' lock for the life of `conn`.

    Polls, as a waiting lock call would keep CREATE INDEX CONCURRENTLY of the other runner
    waiting for ever. Raises LockedOut that names the holder after `wait_s` seconds.
    """
    deadline = time.monotonic() + wait_s
    told = False
    while not await conn.fetchval(Q["try_lock"].sql, LOCK):
        holder = await conn.fetchrow(Q["lock_holder"].sql, LOCK)
        blockers = [Backend(**holder)] if holder else []
        who = "".join(map(str, blockers)) or "a session that just ended"
        left = deadline - time.monotonic()
        if left <= 0:
            raise LockedOut(
                f"Another migration runner still works after {wait_s:.0f} s: {who}. "
                "Wait for it, or end it if it hangs, and run this again. Nothing was run.",
                blockers=blockers,
            )
        if not told:
            log.info("waiting for another migration runner: %s", who)
        told = True
        await asyncio.sleep(min(poll_s, left))
