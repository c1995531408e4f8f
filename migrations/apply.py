"""Runs one migration, forwards or back, over one locked, direct connection, and records it.

A file runs in one transaction with its history row, or (header `transaction: false`) alone
between a committed `started` row and its end. Between runner, which says which, and attempts.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import asyncpg

from migrations import catalog, files, history
from migrations.attempts import Attempts, Limits
from migrations.difference import difference
from migrations.errors import ChecksumMismatch, InDoubt, LockTimeout, MigrationFailed, NameTaken
from migrations.files import IndexChange, Migration, Script
from migrations.history import Entry
from migrations.policy import OPEN, Policy, judge
from migrations.report import Journal, Ran
from migrations.session import FAULTS, HOST, Q, renew
from migrations.watch import Watcher
from services.common.errors import AppError

Direction = Literal["up", "down"]
_HISTORY = files.parse(
    Path("schema_migrations"),
    f"{Q['create_history'].sql};\n{Q['add_app_version'].sql}".encode(),
)
# Classes of SQLSTATE raised before a lone statement did anything: no lock, syntax, not allowed.
_NOTHING_DONE = ("55", "42", "40", "0A", "25")
log = logging.getLogger(__name__)


async def read_history(conn: asyncpg.Connection) -> list[Entry]:
    """All rows of schema_migrations; empty where the table does not exist yet."""
    if not await conn.fetchval(Q["has_history"].sql):
        return []
    try:
        return [Entry(**row) for row in await conn.fetch(Q["history"].sql)]
    except asyncpg.UndefinedColumnError as exc:
        raise ChecksumMismatch(f"{history.FOREIGN} Nothing was run.") from exc


class Runner:
    """Runs single migrations; whoever makes one holds the runners' lock on `conn`."""

    def __init__(
        self, conn: asyncpg.Connection, watcher: Watcher, limits: Limits, journal: Journal
    ) -> None:
        self.conn = conn
        self.limits = limits
        self.journal = journal
        self.attempts = Attempts(conn, watcher, limits)

    async def settled(self, migrations: Sequence[Migration]) -> list[Entry]:
        """The history once it fits the files and nothing in it is in doubt."""
        entries = await read_history(self.conn)
        self.journal.version = history.version(entries)
        history.check(migrations, entries)
        doubtful = history.in_doubt(entries)
        for entry in doubtful:
            await self._settle(migrations[entry.version - 1], entry)
        if doubtful:
            entries = await read_history(self.conn)
            self.journal.version = history.version(entries)
        return entries

    async def judge(
        self, scripts: Sequence[Script], policy: Policy, migrations: Sequence[Migration]
    ) -> None:
        """Raise LintFailed or Destructive where the policy forbids one of `scripts`."""
        if policy == OPEN:
            return
        server = self.conn.get_server_version()
        known = [s.path.name for m in migrations for s in (m.up, m.down)]
        verdict = await judge(scripts, policy, f"{server.major}.{server.minor}", known)
        self.journal.lint = verdict.shown()
        verdict.refuse()

    async def prepare(self, migrations: Sequence[Migration], todo: Sequence[Migration]) -> None:
        """Make schema_migrations as this release has it where there is something to record."""
        there = await self.conn.fetchval(Q["has_history"].sql)
        if (there or todo) and not await self.conn.fetchval(Q["has_app_version"].sql):
            await self._run_in_transaction(_HISTORY, None)
        for entry in await read_history(self.conn):
            needed = migrations[entry.version - 1].needs_app
            if needed != entry.min_app_version:  # applied by a release that had no such column
                await self.conn.execute(Q["set_app_version"].sql, entry.version, needed)

    async def tell_drift(self) -> None:
        """Log what was changed by hand since the last run: the next reading takes it over."""
        with self._best_effort("compare"):
            if kept := await catalog.stored(self.conn, self.journal.version or 0):
                now = await catalog.take(self.conn, kept.version)
                if kept.sha256 != now.sha256:
                    things = await catalog.stored_things(self.conn, kept)
                    lines = "; ".join(difference(replace(kept, things=things), now))
                    log.warning("the schema was changed since the last migration: %s", lines)

    async def keep_catalog(self) -> None:
        """Store what the schema is now, where this run changed it or nothing was stored for it."""
        version = self.journal.version or 0
        with self._best_effort("store"):
            if not await self.conn.fetchval(Q["has_history"].sql):
                return
            kept = None if self.journal.applied else await catalog.stored(self.conn, version)
            if kept is None:
                kept = await catalog.take(self.conn, version)
                await catalog.store(self.conn, kept)
            self.journal.fingerprint = kept.sha256

    @contextmanager
    def _best_effort(self, verb: str) -> Iterator[None]:
        """The migrations count, not the reading of the catalog: it must not fail a run."""
        try:
            yield
        except FAULTS as exc:
            log.warning("could not %s the catalog: %s", verb, exc)

    async def run(self, migration: Migration, direction: Direction) -> None:
        """Apply or undo one migration and record it."""
        script = migration.up if direction == "up" else migration.down
        began = time.perf_counter()
        await renew(self.conn)
        if script.transaction:
            await self._run_in_transaction(script, partial(self._record, migration, direction))
        else:
            await self._alone(migration, direction, script)
        self.journal.version = migration.version - (direction == "down")
        self.journal.applied.append(Ran(migration.version, migration.name, _ms(began)))
        verb = "applied" if direction == "up" else "undid"
        log.info("%s %s in %d ms", verb, migration.label, _ms(began))

    async def _run_in_transaction(
        self, script: Script, record: Callable[[int], Awaitable[None]] | None
    ) -> None:
        """Try the script until it gets its locks; `record` gets the ms of the try that did."""
        await self.attempts.run(
            script, partial(self._in_transaction, script, record), partial(self._drop_broken, None)
        )

    async def _in_transaction(
        self, script: Script, record: Callable[[int], Awaitable[None]] | None
    ) -> None:
        began = time.perf_counter()
        limits = self.limits
        async with self.conn.transaction():
            await self.attempts.set_timeouts(
                limits.lock_timeout_s, limits.statement_timeout_s, local=True
            )
            await self.attempts.execute(script)
            if record:
                await record(_ms(began))

    async def _alone(self, migration: Migration, direction: Direction, script: Script) -> None:
        """Run a file's only statement between a committed `started` row and its end."""
        await self._refuse_taken_name(script)
        await self._start(migration, direction)
        # CONCURRENTLY waits without blocking others, and stepping back would waste the build.
        lock_s = 0 if script.concurrent else self.limits.lock_timeout_s
        await self.attempts.set_timeouts(lock_s, self.limits.statement_timeout_s)
        began = time.perf_counter()
        attempt = partial(self.attempts.execute, script)
        try:
            await self.attempts.run(script, attempt, partial(self._drop_broken, script.index))
        except (MigrationFailed, LockTimeout) as exc:
            if not self.conn.is_closed():
                await self._after_failure(migration, direction, script, exc)
            raise
        await self._record(migration, direction, _ms(began))
        await self.attempts.set_timeouts(0, 0)

    async def _after_failure(
        self, migration: Migration, direction: Direction, script: Script, exc: AppError
    ) -> None:
        """Bring a failed lone statement back to "did not happen" where that is certain."""
        await self.attempts.set_timeouts(0, 0)
        await self._drop_broken(script.index)
        builds = script.index and script.index.action == "create"
        if builds or str(exc.extra["sqlstate"]).startswith(_NOTHING_DONE):
            await self._record(migration, "down" if direction == "up" else "up", None)
        elif not script.index:
            entries = {e.version: e for e in await read_history(self.conn)}
            raised = InDoubt(f"{exc.detail} {history.doubt(migration, entries[migration.version])}")
            raised.extra.update(exc.extra)
            raise raised

    async def _settle(self, migration: Migration, entry: Entry) -> None:
        """Find out what a crashed lone statement did, and finish or forget it."""
        change = (migration.up if entry.direction == "up" else migration.down).index
        if change is None:
            raise InDoubt(history.doubt(migration, entry))
        valid = await self.conn.fetchval(Q["index_is_valid"].sql, change.name)
        if valid is False or (change.action == "drop" and valid):
            await self._drop_index(change.name)
        took_effect = change.action == "drop" or valid is True
        in_effect = took_effect == (entry.direction == "up")
        await self._record(migration, "up" if in_effect else "down", None)
        log.warning(
            "%s was in doubt: its index %s was %s, so the migration counts as %s",
            migration.label,
            change.name,
            {True: "valid", False: "invalid and is dropped", None: "not there"}[valid],
            "applied" if in_effect else "not applied",
        )

    async def _drop_broken(self, change: IndexChange | None) -> None:
        """Drop the index a failed build left invalid."""
        if change is None or change.action != "create":
            return
        if await self.conn.fetchval(Q["index_is_valid"].sql, change.name) is False:
            await self._drop_index(change.name)

    async def _drop_index(self, name: str) -> None:
        await self.conn.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")

    async def _refuse_taken_name(self, script: Script) -> None:
        """An index that exists before the build was not made by it: never drop it later."""
        change = script.index
        if change is None or change.action != "create":
            return
        valid = await self.conn.fetchval(Q["index_is_valid"].sql, change.name)
        if valid is False or (valid and not change.lenient):
            raise NameTaken(
                f"{script.path.name}: an index {change.name} is there already"
                f"{'' if valid else ' and is invalid'}, made by somebody else: drop it "
                f"(`DROP INDEX CONCURRENTLY {change.name}`) and run this again.",
                file=script.path.name,
            )

    async def _start(self, migration: Migration, direction: Direction) -> None:
        if direction == "up":
            await self.conn.execute(Q["start_up"].sql, *_row(migration))
        else:
            await self.conn.execute(Q["start_down"].sql, migration.version)

    async def _record(self, migration: Migration, direction: Direction, ms: int | None) -> None:
        """Write that the migration is in effect (up) or is not (down)."""
        if direction == "up":
            await self.conn.execute(Q["applied"].sql, *_row(migration), ms)
        else:
            await self.conn.execute(Q["forget"].sql, migration.version)


def _row(migration: Migration) -> tuple[int, str, str, str, str | None]:
    return migration.version, migration.name, migration.up.sha256, HOST, migration.needs_app


def _ms(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
