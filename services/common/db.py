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
from time import perf_counter
from typing import Any, Literal, Self

import asyncpg
import orjson
from asyncpg.transaction import Transaction

from services.common import metrics
from services.common.errors import Unavailable
from services.common.sql import Query

Isolation = Literal["read_committed", "repeatable_read", "serializable"]
_ROLLBACK_S = 2.0
_LOST = (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Executor:
    """Runs named queries: a Database (each call its own transaction) or an open transaction.

    `timeout` is in seconds. Every call may raise Unavailable; errors of the statement itself
    (unique violation, bad input) come as asyncpg raises them.
    """

    def _hold(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        raise NotImplementedError

    async def _run(self, name: str, method: str, *args: object, **options: object) -> Any:
        async with self._hold() as connection:
            with _measured(name):
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


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's reset query is one more transaction a request and resets nothing of ours."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        """Nothing to reset."""
        return ""


class _Transaction(Executor):
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    def _hold(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        return nullcontext(self._connection)


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
        with _translated():
            pool = await asyncpg.create_pool(
                url,
                min_size=min_size,
                max_size=max_size,
                max_inactive_connection_lifetime=idle_s,
                timeout=connect_timeout_s,
                command_timeout=command_timeout_s,
                statement_cache_size=statement_cache_size,
                connection_class=_Connection,
                init=_set_codecs,
            )
        return cls(pool, connect_timeout_s)

    async def close(self, timeout_s: float = 5) -> None:
        """Wait for calls in flight, then close; after `timeout_s` drop what is left."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[asyncpg.Connection]:
        with (
            metrics.db_waiting.track_inprogress(),
            metrics.db_acquire_seconds.time(),
            _translated(),
        ):
            connection = await self._pool.acquire(timeout=self._acquire_timeout_s)
        try:
            yield connection
        finally:
            # asyncpg shields the release from cancellation and drops a connection it cannot clean
            with suppress(*_LOST):
                await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation | None = None) -> AsyncIterator[Executor]:
        """Commit at the end of the block, roll back where it raises."""
        async with self._hold() as connection:
            transaction = connection.transaction(isolation=isolation)
            with _measured("begin"):
                await transaction.start()
            try:
                yield _Transaction(connection)
            except BaseException:
                await _roll_back(connection, transaction)
                raise
            with _measured("commit"):
                await transaction.commit()


async def _roll_back(connection: asyncpg.Connection, transaction: Transaction) -> None:
    """A server that does not answer must not hold up the caller: its connection is dropped."""
    try:
        async with asyncio.timeout(_ROLLBACK_S):
            await transaction.rollback()
    except _LOST:
        # a connection that was lost is back in the pool already, and says so
        with suppress(asyncpg.InterfaceError):
            connection.terminate()


@contextmanager
def _measured(name: str) -> Iterator[None]:
    started = perf_counter()
    try:
        with _translated():
            yield
    finally:
        metrics.db_query_seconds.labels(name).observe(perf_counter() - started)


_BUSY = {
    "40001": "Two transactions collided and this one was rolled back",
    "40P01": "Two transactions waited for each other and this one was rolled back",
    "55P03": "A lock was not free in time",
    "57014": "The database cancelled a query that ran too long",
    "25006": "The database is read-only now",
}


@contextmanager
def _translated() -> Iterator[None]:
    """Raise Unavailable for what passes with time; other errors of asyncpg go through."""
    try:
        yield
    except TimeoutError as exc:
        raise Unavailable("The database did not answer in time", retry_after=2) from exc
    except OSError as exc:
        raise Unavailable("The database cannot be reached", retry_after=2) from exc
    except asyncpg.InterfaceError as exc:
        # a held connection that died counts as "released back to the pool" at once
        if not any(sign in str(exc) for sign in ("clos", "released back to the pool")):
            raise
        raise Unavailable("The connection to the database is closed", retry_after=1) from exc
    except asyncpg.PostgresError as exc:
        # PgBouncer reports its own troubles (query_wait_timeout, no server) in class 08
        state = exc.sqlstate or ""
        if state in _BUSY:
            raise Unavailable(_BUSY[state], retry_after=1) from exc
        if state[:2] in ("08", "53") or state[:3] == "57P":
            raise Unavailable("The database takes no work now", retry_after=2) from exc
        raise


# Arrays of built-in types by their fixed oids: asyncpg would otherwise ask the catalog for each
# on each new connection (and change the session's jit setting while it does).
_ARRAYS = {
    1000: ("bool", 16), 1001: ("bytea", 17), 1005: ("int2", 21), 1007: ("int4", 23),
    1016: ("int8", 20), 1015: ("varchar", 1043), 1022: ("float8", 701), 1231: ("numeric", 1700),
    1182: ("date", 1082), 1185: ("timestamptz", 1184), 2951: ("uuid", 2950), 3807: ("jsonb", 3802),
}  # fmt: skip
_ARRAY_TYPES = [
    {
        "oid": oid, "ns": "pg_catalog", "name": f"_{name}", "kind": b"b", "basetype": None,
        "elemtype": element, "elemtype_name": name, "elemdelim": ",", "range_subtype": None,
        "attrtypoids": None, "attrnames": None,
    }
    for oid, (name, element) in _ARRAYS.items()
]  # fmt: skip


async def _set_codecs(connection: asyncpg.Connection) -> None:
    """JSON as Python values, arrays of built-in types; sends nothing to the server."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=orjson.dumps, decoder=orjson.loads
    )
    connection.get_settings().register_data_types(_ARRAY_TYPES)
