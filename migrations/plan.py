"""The dry run: what a run would do, tried and undone. Changes nothing.

All pending files run one after the other in one transaction that is rolled back, so that each
meets what the ones before it made; pg_locks then says what it locked. The locks are real while
the dry run lasts: it gives each statement little time. What must run outside a transaction is not
tried. Sequences that a file draws from are the one thing that stays advanced.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import asyncpg

from migrations import history
from migrations.apply import Direction, Runner, read_history
from migrations.errors import InDoubt, StatementFailed
from migrations.files import Migration, Script
from migrations.session import Q, renew
from services.common.errors import AppError

PATIENCE_S = 10.0
_MOST_SQL = 200_000
_ON = re.compile(r"\bON\s+(?:ONLY\s+)?([\w.\"]+)", re.I)
_VACUUMED = re.compile(
    r"VACUUM\s+(?:\([^)]*\)\s*|(?:FULL|FREEZE|VERBOSE|ANALYZE)\s+)*([\w.\"]+)", re.I
)
# Modes from the weakest, and what somebody else cannot do meanwhile.
_MODES = {
    "AccessShareLock": "nothing",
    "RowShareLock": "nothing",
    "RowExclusiveLock": "nothing",
    "ShareUpdateExclusiveLock": "schema changes",
    "ShareLock": "writes",
    "ShareRowExclusiveLock": "writes",
    "ExclusiveLock": "writes",
    "AccessExclusiveLock": "reads and writes",
}
_STRENGTH = {mode: at for at, mode in enumerate(_MODES)}
_NEW_ENUM_VALUE = "55P04"
Held = dict[int, tuple[str, str]]


@dataclass(slots=True)
class Step:
    """A file of the plan; `locks` are those that no file before it took as strongly."""

    file: str
    version: int
    phase: str
    transaction: bool
    min_app_version: str | None
    sql: str
    tried: bool = False
    ms: int | None = None
    locks: list[dict[str, str]] | None = None
    error: dict[str, Any] | None = None


class Planner:
    """Tries files over the connection of a runner that holds the runners' lock."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.conn: asyncpg.Connection = runner.conn
        limits = runner.limits
        most = min(limits.statement_timeout_s or PATIENCE_S, PATIENCE_S)
        runner.attempts.limits = replace(limits, lock_retries=0, statement_timeout_s=most)
        self._names: dict[int, str] = {}
        self._held: Held = {}
        self._sized: dict[int, str] = {}

    async def settled(self, migrations: Sequence[Migration]) -> list[history.Entry]:
        """The history; raises InDoubt where a run would first have to find out about it."""
        entries = await read_history(self.conn)
        self.runner.journal.version = history.version(entries)
        history.check(migrations, entries)
        for entry in history.in_doubt(entries):
            raise InDoubt(history.doubt(migrations[entry.version - 1], entry))
        return entries

    async def make(self, todo: Sequence[Migration], direction: Direction) -> AppError | None:
        """Fill the journal's plan; the error of the file that failed, None where all went well."""
        steps = [_step(m, direction, _MOST_SQL // max(1, len(todo))) for m in todo]
        self._names = {r["oid"]: r["name"] for r in await self.conn.fetch(Q["relations"].sql)}
        error = await self._try_all(todo, direction, steps)
        sizes = await self._sizes()
        self.runner.journal.plan = {
            "direction": direction,
            "version": self.runner.journal.version,
            "target": self.runner.journal.target,
            "complete": error is None,
            "files": [{k: v for k, v in asdict(s).items() if v is not None} for s in steps],
            "tables": sizes,
            "lint": self.runner.journal.lint,
        }
        return error

    async def _try_all(
        self, todo: Sequence[Migration], direction: Direction, steps: list[Step]
    ) -> AppError | None:
        transaction = self.conn.transaction()
        await transaction.start()
        try:
            for migration, step in zip(todo, steps, strict=True):
                script = migration.up if direction == "up" else migration.down
                await self._try(script, step)
        except AppError as raised:
            exc = _known(raised)
            told = ("line", "statement", "sqlstate", "error")
            step.error = {"code": exc.code} | {k: exc.extra.get(k) for k in told}
            return exc
        finally:
            if not self.conn.is_closed():
                await transaction.rollback()
        return None

    async def _try(self, script: Script, step: Step) -> None:
        if not script.transaction:
            step.locks = await self._told(script)
            return
        began = time.perf_counter()
        attempt = partial(self._attempt, script)
        await self.runner.attempts.run(script, attempt, _nothing)
        step.tried = True
        step.ms = round((time.perf_counter() - began) * 1000)
        step.locks = await self._taken()

    async def _attempt(self, script: Script) -> None:
        limits = self.runner.attempts.limits
        await renew(self.conn)
        await self.runner.attempts.set_timeouts(
            limits.lock_timeout_s, limits.statement_timeout_s, local=True
        )
        await self.runner.attempts.execute(script)
        await self.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as its commit would

    async def _taken(self) -> list[dict[str, str]]:
        """The strongest lock on each table that was there before, where it is a new one."""
        now: Held = {}
        for row in await self.conn.fetch(Q["own_locks"].sql):
            oid, mode = row["oid"], row["mode"]
            if oid in self._names and _stronger(mode, now.get(oid)):
                now[oid] = (self._names[oid], mode)
        fresh = {oid: held for oid, held in now.items() if self._held.get(oid) != held}
        self._held |= now
        self._sized |= {oid: name for oid, (name, _) in now.items()}
        return [_lock(*held) for held in sorted(fresh.values())]

    async def _told(self, script: Script) -> list[dict[str, str]]:
        """The lock of a statement that was not tried, where it is one we know."""
        sql = script.statements[0].sql
        match = _ON.search(sql) if "index" in script.statements[0].words else _VACUUMED.match(sql)
        name = match[1] if match else None
        if script.index and script.index.action == "drop":
            name = await self.conn.fetchval(Q["table_of_index"].sql, script.index.name)
        name = (name or "").replace('"', "").removeprefix("public.")
        oid = next((o for o, known in self._names.items() if known == name), None)
        if oid is None:  # not known, or made by a file before it: nobody else waits for it
            return []
        full = "full" in script.statements[0].words
        mode = "AccessExclusiveLock" if full else "ShareUpdateExclusiveLock"
        self._sized[oid] = name
        return [_lock(name, mode)]

    async def _sizes(self) -> list[dict[str, Any]]:
        """Bytes and rows of the tables that were locked, read when the locks are gone."""
        if self.conn.is_closed():
            return []
        try:
            async with self.conn.transaction():
                await self.runner.attempts.set_timeouts(1, 5, local=True)
                rows = await self.conn.fetch(Q["sizes"].sql, [*self._sized])
        except asyncpg.PostgresError:
            return [{"relation": name} for name in sorted(self._sized.values())]
        return [dict(row) for row in rows]


def _step(migration: Migration, direction: Direction, most: int) -> Step:
    script = migration.up if direction == "up" else migration.down
    sql = script.sql if len(script.sql) <= most else f"{script.sql[:most]}…"
    name, needs = script.path.name, migration.needs_app
    return Step(name, migration.version, migration.up.phase, script.transaction, needs, sql)


def _known(exc: AppError) -> AppError:
    """The error of a dry run, and that a run may do without it where it commits in between."""
    if exc.extra.get("sqlstate") != _NEW_ENUM_VALUE:
        return exc
    hint = " A dry run commits nothing between two files; a run does, and may well go through."
    told = StatementFailed(exc.detail + hint)
    told.extra.update(exc.extra)
    return told


def _stronger(mode: str, than: tuple[str, str] | None) -> bool:
    return than is None or _STRENGTH[mode] > _STRENGTH[than[1]]


def _lock(relation: str, mode: str) -> dict[str, str]:
    return {"relation": relation, "mode": mode, "blocks": _MODES[mode]}


async def _nothing() -> None:
    """A try that got no lock leaves nothing: the transaction is rolled back as a whole."""
