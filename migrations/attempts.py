"""Runs one script until it gets its locks, and says who was in the way.

Between runner and session: the runner says what to do, this says how often and how long.
"""

import logging
import math
import random
from asyncio import sleep
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from migrations.errors import (
    ConnectionLost,
    LockTimeout,
    MigrationFailed,
    NotPermitted,
    StatementFailed,
    StatementTimeout,
)
from migrations.files import Script
from migrations.session import BROKEN, LOCK, Backend, Q
from migrations.statements import Statement
from migrations.watch import Watcher
from services.common import pauses

_LOCKED = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_LOST = (
    *BROKEN,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.IdleSessionTimeoutError,
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Patience of the runner, in seconds; back-off doubles from `backoff_s` with full jitter."""

    lock_timeout_s: float = 5
    statement_timeout_s: float = 900
    lock_retries: int = 20
    runner_wait_s: float = 600
    backoff_s: float = 1
    backoff_cap_s: float = 60


class Attempts:
    """Tries scripts on `conn`; `watcher` sees who blocks it."""

    def __init__(self, conn: asyncpg.Connection, watcher: Watcher, limits: Limits) -> None:
        self.conn = conn
        self.watcher = watcher
        self.limits = limits
        self._at: Statement | None = None

    async def run(
        self,
        script: Script,
        attempt: Callable[[], Awaitable[None]],
        clear: Callable[[], Awaitable[None]],
    ) -> None:
        """Call `attempt` until it gets its locks, `clear` after each try that did not.

        Raises MigrationFailed and LockTimeout, whose `extra` says which statement and why.
        """
        every_s = max(0.01, min(0.25, self.limits.lock_timeout_s / 8))
        pid = self.conn.get_server_pid()
        for tried in range(self.limits.lock_retries + 1):
            self._at = None
            try:
                async with self.watcher.watching(pid, script.path.name, every_s) as seen:
                    return await attempt()
            except _LOST as exc:
                raise self._lost(script, exc) from exc
            except _LOCKED as exc:
                await clear()
                await self._step_back(script, tried, seen, exc)
            except asyncpg.PostgresError as exc:
                if self.conn.is_closed():
                    raise self._lost(script, exc) from exc
                raise self._failed(script, exc) from exc
        return None

    async def execute(self, script: Script) -> None:
        """Run the statements of `script` one by one, so that a failure names its own.

        What comes after them runs as the user of the connection. Raises StatementFailed where
        they gave the runners' lock away.
        """
        for statement in script.statements:
            self._at = statement
            await self.conn.execute(script.sql[statement.start : statement.end])
        self._at = None
        await self.conn.execute(Q["reset_user"].sql)
        if not await self.conn.fetchval(Q["has_lock"].sql, LOCK):
            raise StatementFailed(
                f"{script.path.name} gave the runners' lock away: take pg_advisory_unlock_all out.",
                file=script.path.name,
                sqlstate=None,
            )

    async def set_timeouts(self, lock_s: float, statement_s: float, *, local: bool = False) -> None:
        """Set lock_timeout and statement_timeout of `conn`; only 0 is no limit."""
        values = (f"{math.ceil(lock_s * 1000)}ms", f"{math.ceil(statement_s * 1000)}ms")
        await self.conn.execute(Q["timeouts"].sql, *values, local)

    async def _step_back(
        self, script: Script, tried: int, seen: list[Backend], exc: asyncpg.PostgresError
    ) -> None:
        """Sleep before the next try; raises LockTimeout after the last one."""
        tries = self.limits.lock_retries + 1
        who = "; ".join(map(str, seen)) or "a session that was gone before it could be seen"
        if tried + 1 == tries:
            raise LockTimeout(
                f"{script.path.name} got no lock in {tries} tries of "
                f"{self.limits.lock_timeout_s:g} s, blocked by {who}. Let it finish or end it "
                "(`SELECT pg_terminate_backend(pid)`) and run this again; nothing of it remains.",
                blockers=list(seen),
                **self._place(script, exc),
            ) from exc
        ceiling = pauses.longest(tried + 1, self.limits.backoff_s, self.limits.backoff_cap_s)
        delay = random.uniform(0, ceiling)
        log.warning(
            "%s got no lock (try %d of %d), blocked by %s; next try in %.1f s",
            script.path.name,
            tried + 1,
            tries,
            who,
            delay,
        )
        await sleep(delay)

    def _failed(self, script: Script, exc: asyncpg.PostgresError) -> MigrationFailed:
        """What PostgreSQL said, with the line of the file, and what is left of it."""
        place = self._place(script, exc)
        where = f" line {place['line']}" if place["line"] else ""
        rest = " It was rolled back: nothing of it remains." if script.transaction else ""
        said = f"{script.path.name}{where}: {place['error']} (SQLSTATE {exc.sqlstate})."
        if isinstance(exc, asyncpg.QueryCanceledError) and "user request" not in str(exc):
            longer = " If it needs longer, raise MIGRATION_STATEMENT_TIMEOUT_S."
            return StatementTimeout(said + longer + rest, **place)
        if isinstance(exc, asyncpg.InsufficientPrivilegeError):
            grant = " Grant it to the role of DATABASE_DIRECT_URL, or use the Secret of another."
            return NotPermitted(said + grant + rest, **place)
        if isinstance(exc, asyncpg.ReadOnlySQLTransactionError):
            primary = (
                " The database takes no writes: it is a standby, or default_transaction_read_only "
                "is set. Point DATABASE_DIRECT_URL at the primary, or lift that."
            )
            return StatementFailed(said + primary + rest, **place)
        return StatementFailed(said + rest, **place)

    def _lost(self, script: Script, exc: Exception) -> ConnectionLost:
        return ConnectionLost(
            f"{script.path.name}: the connection was lost ({exc}). Run this again: "
            "it reads from the database what was committed.",
            **self._place(script, exc) | {"sqlstate": "08006"},
        )

    def _place(self, script: Script, exc: Exception) -> dict[str, Any]:
        """What a report says of the statement that failed and of PostgreSQL's words."""
        more = [getattr(exc, name, None) for name in ("detail", "hint", "context")]
        words = [str(part).rstrip(".") for part in (*exc.args[:1], *more) if part]
        at = self._at
        return {
            "file": script.path.name,
            "line": at and at.line + _lines_before(script.sql[at.start : at.end], exc),
            "statement": at and at.sql,
            "sqlstate": getattr(exc, "sqlstate", None),
            "error": ". ".join(words) or type(exc).__name__,
        }


@contextmanager
def explaining() -> Iterator[None]:
    """What PostgreSQL refuses outside the files (the lock, the history), as an error of ours."""
    try:
        yield
    except (*_LOST, asyncpg.PostgresError) as exc:
        words: dict[str, Any] = {"sqlstate": getattr(exc, "sqlstate", None), "error": str(exc)}
        if isinstance(exc, asyncpg.InsufficientPrivilegeError):
            raise NotPermitted(
                f"The role of DATABASE_DIRECT_URL may not do what the runner needs: {exc}. Grant "
                "it, or use the Secret of another role.",
                **words,
            ) from exc
        if isinstance(exc, _LOST):
            raise ConnectionLost(
                f"The connection was lost between two migrations ({exc}). Run this again: it "
                "reads from the database what was committed.",
                **words | {"sqlstate": "08006"},
            ) from exc
        raise StatementFailed(f"PostgreSQL refused the runner's own work: {exc}.", **words) from exc


def _lines_before(statement: str, exc: Exception) -> int:
    """How many lines of the statement stand before the place PostgreSQL points to."""
    position = getattr(exc, "position", None)
    return statement.count("\n", 0, int(position) - 1) if position else 0
