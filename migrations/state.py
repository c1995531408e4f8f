"""What a database says of its schema, for the operator: one short read, nothing is changed.

`read_state` is asked often and of many databases, so it takes one query where the catalog is not
wanted. Stands beside checks, which answers people.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import asyncpg

from migrations import catalog, history
from migrations.catalog import Catalog
from migrations.difference import difference as difference
from migrations.errors import DatabaseUnreachable, NotPermitted
from migrations.files import checksum_of
from migrations.history import Entry
from migrations.session import (
    FAULTS,
    Backend,
    Q,
    close_connection,
    open_connection,
    refuse_pooler,
)
from services.common.errors import AppError


@dataclass(frozen=True, slots=True)
class State:
    """The history of a database; `version` is the highest one in effect, 0 where none is.

    `stored` and `now` are there where they were asked for and can be compared (`difference`).
    """

    version: int
    entries: tuple[Entry, ...]
    in_doubt: tuple[Entry, ...]
    min_app_version: str | None
    stored: Catalog | None = None
    now: Catalog | None = None

    def checksum(self, upto: int) -> str:
        """files.checksum of the files that versions 1 to `upto` were applied from."""
        rows = (e for e in self.entries if e.version <= upto and e.state == "applied")
        return checksum_of((e.version, e.name, e.sha256) for e in rows)


def state_of(entries: Sequence[Entry]) -> State:
    """The state that these rows of schema_migrations tell."""
    return State(
        version=max((e.version for e in entries if e.state == "applied"), default=0),
        entries=tuple(entries),
        in_doubt=tuple(history.in_doubt(entries)),
        min_app_version=history.highest_app_version(entries),
    )


async def read_state(url: str, *, with_catalog: bool = False, timeout_s: float = 10) -> State:
    """The state of the database at `url`, a direct one, within `timeout_s`.

    With the catalog as the last run left it and as it is, unless there is none of this version,
    or a migration runs or is in doubt, which changes it rightly.

    Raises DatabaseUnreachable, NotPermitted and Pooler.
    """
    try:
        async with asyncio.timeout(timeout_s):
            conn = await open_connection(url, timeout_s)
            try:
                state = state_of(await _entries(conn))
                return await _with_catalog(conn, state) if with_catalog else state
            finally:
                await close_connection(conn)
    except TimeoutError as exc:
        raise DatabaseUnreachable(f"PostgreSQL did not answer within {timeout_s:g} s.") from exc
    except asyncpg.InsufficientPrivilegeError as exc:
        raise NotPermitted(
            f"The role of DATABASE_DIRECT_URL may not read schema_migrations: {exc}. Grant it "
            "SELECT, or correct the Secret.",
            sqlstate=exc.sqlstate,
            error=str(exc),
        ) from exc
    except asyncpg.UndefinedColumnError as exc:
        raise DatabaseUnreachable(history.FOREIGN, sqlstate=exc.sqlstate, error=str(exc)) from exc
    except FAULTS as exc:
        raise DatabaseUnreachable(
            f"The state of the schema could not be read: {exc}.",
            sqlstate=getattr(exc, "sqlstate", None),
            error=str(exc),
        ) from exc


async def read_blockers(url: str, *, timeout_s: float = 5) -> list[Backend]:
    """Who keeps the runner at work on this database waiting; nobody where it cannot be seen."""
    try:
        async with asyncio.timeout(timeout_s):
            conn = await open_connection(url, timeout_s)
            try:
                return [Backend(**row) for row in await conn.fetch(Q["runner_blockers"].sql)]
            finally:
                await close_connection(conn)
    except (AppError, *FAULTS):
        return []


async def _with_catalog(conn: asyncpg.Connection, state: State) -> State:
    kept = None if state.in_doubt else await catalog.stored(conn, state.version)
    if kept is None:
        return state
    now = await catalog.take(conn, state.version)
    if now.sha256 != kept.sha256:
        kept = replace(kept, things=await catalog.stored_things(conn, kept))
    return replace(state, stored=kept, now=now)


async def _entries(conn: asyncpg.Connection) -> list[Entry]:
    """All rows of schema_migrations; none where it is not there."""
    try:
        rows = [dict(row) for row in await conn.fetch(Q["state"].sql)]
    except asyncpg.InvalidSQLStatementNameError:  # prepared on one backend, looked for on another
        refuse_pooler(conn, None)
        raise
    except asyncpg.UndefinedTableError:
        refuse_pooler(conn, await conn.fetchval(Q["backend_pid"].sql))
        return []
    pids = [row.pop("pid") for row in rows]
    refuse_pooler(conn, pids[0])
    return [Entry(**row) for row in rows if row["version"] is not None]
