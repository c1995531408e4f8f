"""Runs one script until it gets its locks, and says who was in the way.

Between runner and session: the runner says what to do, this says how often and how long.
"""

import logging
import random
from asyncio import sleep
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from migrations.files import Script
from migrations.session import Backend, Q, watching
from services.common.errors import AppError, Unavailable

_LOCKED = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_LOST = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)
log = logging.getLogger(__name__)


class MigrationFailed(AppError):
    """A statement of a migration failed."""

    code = "migration_failed"


class LockUnavailable(Unavailable):
    """A migration did not get a lock on a table."""

    code = "migration_lock_unavailable"


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
    """Tries scripts on `conn`; `watcher` is the connection that sees who blocks it."""

    def __init__(
        self, conn: asyncpg.Connection, watcher: asyncpg.Connection, limits: Limits
    ) -> None:
        self.conn = conn
        self.watcher = watcher
        self.limits = limits

    async def run(
        self,
        script: Script,
        attempt: Callable[[], Awaitable[None]],
        clear: Callable[[], Awaitable[None]],
    ) -> None:
        """Call `attempt` until it gets its locks, `clear` after each try that did not.

        Raises MigrationFailed and LockUnavailable, both with `extra["sqlstate"]`.
        """
        every_s = min(0.25, self.limits.lock_timeout_s / 4)
        pid = self.conn.get_server_pid()
        for tried in range(self.limits.lock_retries + 1):
            try:
                async with watching(self.watcher, pid, script.path.name, every_s) as seen:
                    return await attempt()
            except _LOST as exc:
                raise MigrationFailed(_lost(script, exc), sqlstate="08006") from exc
            except _LOCKED as exc:
                await clear()
                await self._step_back(script, tried, seen, exc)
            except asyncpg.PostgresError as exc:
                raise MigrationFailed(_explain(script, exc), sqlstate=exc.sqlstate) from exc
        return None

    async def set_timeouts(self, lock_s: float, statement_s: float, *, local: bool = False) -> None:
        """Set lock_timeout and statement_timeout of `conn`; 0 is no limit."""
        values = (f"{lock_s * 1000:.0f}ms", f"{statement_s * 1000:.0f}ms")
        await self.conn.execute(Q["timeouts"].sql, *values, local)

    async def _step_back(
        self, script: Script, tried: int, seen: list[Backend], exc: asyncpg.PostgresError
    ) -> None:
        """Sleep before the next try; raises LockUnavailable after the last one."""
        tries = self.limits.lock_retries + 1
        who = "; ".join(map(str, seen)) or "a session that was gone before it could be seen"
        if tried + 1 == tries:
            raise LockUnavailable(
                f"{script.path.name} got no lock in {tries} tries of "
                f"{self.limits.lock_timeout_s:g} s, blocked by {who}. Let it finish or end it "
                "(`SELECT pg_terminate_backend(pid)`) and run this again; nothing of it remains.",
                sqlstate=exc.sqlstate,
            ) from exc
        ceiling = min(self.limits.backoff_cap_s, self.limits.backoff_s * 2.0**tried)
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


def _explain(script: Script, exc: asyncpg.PostgresError) -> str:
    """What PostgreSQL said, with the line of the file, and what is left of it."""
    position = getattr(exc, "position", None)
    line = f" line {script.sql.count(chr(10), 0, int(position) - 1) + 1}" if position else ""
    more = [getattr(exc, name, None) for name in ("detail", "hint", "context")]
    said = ". ".join(str(part).rstrip(".") for part in (exc.args[0], *more) if part)
    longer = " If it needs longer, raise MIGRATION_STATEMENT_TIMEOUT_S."
    rest = longer if isinstance(exc, asyncpg.QueryCanceledError) else ""
    rest += " It was rolled back: nothing of it remains." if script.transaction else ""
    return f"{script.path.name}{line}: {said} (SQLSTATE {exc.sqlstate}).{rest}"


def _lost(script: Script, exc: Exception) -> str:
    return (
        f"{script.path.name}: the connection was lost ({exc}). Run this again: "
        "it reads from the database what was committed."
    )
