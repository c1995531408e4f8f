"""The database: an asyncpg pool that is safe behind PgBouncer in transaction mode.

Store modules call `fetch`, `fetchrow`, ... with named queries; each call is timed under the
query's name. Nothing here depends on a session: no reset query, no named prepared statements
(unless a cache size is set, for PgBouncer 1.21+ with max_prepared_statements), no LISTEN, no
SET. What the database or PgBouncer cannot do now becomes errors.Unavailable, never a hang.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal, Self

import asyncpg
from asyncpg.transaction import Transaction

from services.common import metrics
from services.common.codecs import set_codecs
from services.common.connection import Connection
from services.common.db_errors import translated
from services.common.errors import Unavailable
from services.common.sql import Query

Isolation = Literal["read_committed", "repeatable_read", "serializable"]
_CLEAN_S = 1.0
"""What a connection may take to end what it was at: then it is dropped, nobody waits for it."""
_LOST = (
    TimeoutError,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class Executor:
    """Runs named queries: a Database (each call its own transaction) or an open transaction.

    `timeout` is in seconds. Every call may raise Unavailable; errors of the statement itself
    (unique violation, bad input) come as asyncpg raises them.
    """

    def _hold(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        raise NotImplementedError

    async def _run(self, name: str, method: str, *args: object, **options: object) -> Any:
        async with self._hold() as connection:
            with _measured(name, connection):
                return await getattr(connection, method)(*args, **options)

    async def fetch(
        self, q: Query, *args: object, timeout: float | None = None
    ) -> list[asyncpg.Record]:
        """All rows."""
        rows: list[asyncpg.Record] = await self._run(q.name, "fetch", q.sql, *args, timeout=timeout)
        return rows

    async def fetchrow(
        self, q: Query, *args: object, timeout: float | None = None
    ) -> asyncpg.Record | None:
        """The first row or None."""
        return await self._run(q.name, "fetchrow", q.sql, *args, timeout=timeout)

    async def fetchval(self, q: Query, *args: object, timeout: float | None = None) -> Any:
        """First column of the first row, or None."""
        return await self._run(q.name, "fetchval", q.sql, *args, timeout=timeout)

    async def execute(self, q: Query, *args: object, timeout: float | None = None) -> str:
        """The command tag, like `UPDATE 3`."""
        return str(await self._run(q.name, "execute", q.sql, *args, timeout=timeout))

    async def executemany(
        self, q: Query, rows: Iterable[Sequence[object]], timeout: float | None = None
    ) -> None:
        """Once a row of arguments, all or none."""
        await self._run(q.name, "executemany", q.sql, rows, timeout=timeout)

    async def copy(
        self, table: str, columns: Sequence[str], records: Iterable[Sequence[object]]
    ) -> None:
        """Load records by binary COPY; timed as `copy_<table>`."""
        await self._run(
            f"copy_{table}", "copy_records_to_table", table, columns=columns, records=records
        )


class _Transaction(Executor):
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    def _hold(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        return nullcontext(self._connection)


@dataclass(slots=True, eq=False)
class _Scope:
    """An open transaction that calls on its database join; one of them at a time."""

    db: "Database"
    connection: asyncpg.Connection
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    open: bool = True


_scope: ContextVar[_Scope | None] = ContextVar("shared_transaction", default=None)


class Database(Executor):
    """A pool of connections; itself an Executor whose every call is a transaction of its own."""

    def __init__(self, pool: asyncpg.Pool, acquire_timeout_s: float) -> None:
        self._pool = pool
        self._acquire_timeout_s = acquire_timeout_s

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        min_size: int = 1,
        max_size: int = 20,
        idle_s: float = 30,
        connect_timeout_s: float = 2,
        command_timeout_s: float = 300,
        statement_cache_size: int = 0,
    ) -> Self:
        """Open the pool; raises Unavailable within the timeout where nothing answers.

        With `min_size=0` nothing is opened before the first call. `connect_timeout_s` bounds
        both a new connection and the wait for a free one; `command_timeout_s` any call that
        gives no timeout of its own.
        """
        with translated():
            pool = await asyncpg.create_pool(
                url,
                min_size=min_size,
                max_size=max_size,
                max_inactive_connection_lifetime=idle_s,
                timeout=connect_timeout_s,
                command_timeout=command_timeout_s,
                statement_cache_size=statement_cache_size,
                connection_class=Connection,
                init=set_codecs,
            )
        return cls(pool, connect_timeout_s)

    async def close(self, timeout_s: float = 5) -> None:
        """Wait for calls in flight, then close; after `timeout_s` drop what is left."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    def _hold(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        scope = self._joined()
        return self._acquired() if scope is None else self._savepoint(scope, None)

    def _joined(self) -> _Scope | None:
        scope = _scope.get()
        # a task that outlives the block it was started in must not use its connection
        return scope if scope is not None and scope.db is self and scope.open else None

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[asyncpg.Connection]:
        with (
            metrics.db_waiting.track_inprogress(),
            metrics.db_acquire_seconds.time(),
            translated(),
        ):
            connection = await self._pool.acquire(timeout=self._acquire_timeout_s)
        try:
            yield connection
        finally:
            # asyncpg shields the release from cancellation and drops a connection it cannot clean
            with suppress(*_LOST):
                await self._pool.release(connection, timeout=_CLEAN_S)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation | None = None) -> AsyncIterator[Executor]:
        """Commit at the end of the block, roll back where it raises.

        Within `shared` it is a savepoint of that transaction, which has `read_committed`.
        """
        scope = self._joined()
        if scope is not None:
            async with self._savepoint(scope, isolation) as connection:
                yield _Transaction(connection)
            return
        async with self._acquired() as connection, _transaction(connection, isolation):
            yield _Transaction(connection)

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[Executor]:
        """A transaction that every call on this database joins while the block runs.

        What is called within the block and its tasks commits or rolls back with it; a statement
        or `transaction` that fails there undoes only itself.
        """
        async with self.transaction() as tx, tx._hold() as connection:
            with self._joining(connection):
                yield tx

    @contextmanager
    def _joining(self, connection: asyncpg.Connection) -> Iterator[None]:
        scope = _Scope(self, connection)
        token = _scope.set(scope)
        try:
            yield
        finally:
            scope.open = False
            _scope.reset(token)

    @asynccontextmanager
    async def _savepoint(
        self, scope: _Scope, isolation: Isolation | None
    ) -> AsyncIterator[asyncpg.Connection]:
        connection = scope.connection
        # what is called within joins the inner scope: this one's lock is taken
        async with scope.lock, _transaction(connection, isolation):
            with self._joining(connection):
                yield connection


@asynccontextmanager
async def _transaction(
    connection: asyncpg.Connection, isolation: Isolation | None
) -> AsyncIterator[None]:
    transaction = connection.transaction(isolation=isolation)
    with _measured("begin", connection):
        await transaction.start()
    try:
        yield
    except BaseException:
        await _roll_back(connection, transaction)
        raise
    with _measured("commit", connection):
        await transaction.commit()


async def _roll_back(connection: asyncpg.Connection, transaction: Transaction) -> None:
    """A server that does not answer must not hold up the caller: its connection is dropped."""
    try:
        async with asyncio.timeout(_CLEAN_S):
            await transaction.rollback()
    except _LOST:
        _drop(connection)


def _drop(connection: asyncpg.Connection) -> None:
    # a connection that was lost is back in the pool already, and says so
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


@contextmanager
def _measured(name: str, connection: asyncpg.Connection) -> Iterator[None]:
    started = perf_counter()
    try:
        with translated():
            yield
    except asyncpg.InternalClientError as exc:
        # what the server said last came between two statements: it hangs up, or is out of step
        _drop(connection)
        raise Unavailable("The connection to the database broke", retry_after=1) from exc
    finally:
        metrics.db_query_seconds.labels(name).observe(perf_counter() - started)
