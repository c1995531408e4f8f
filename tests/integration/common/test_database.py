"""The pool on a real PostgreSQL behind PgBouncer in transaction mode."""

import asyncio
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.common.db import Database
from services.common.errors import Unavailable
from services.common.sql import Query
from tests.support.proxy import LAST_WORDS, proxied
from tests.support.stack import TestDatabase

ONE = Query("one", "SELECT 1")
SLEEP = Query("sleep", "SELECT pg_sleep(30)")
MAKE = Query("make", "CREATE TABLE common_t (id int PRIMARY KEY, j jsonb, t text[])")
INSERT = Query("insert", "INSERT INTO common_t (id) VALUES ($1)")
COUNT = Query("count", "SELECT count(*) FROM common_t")

VALUES = {
    "jsonb": {"a": [1, None, "ü"]},
    "json": ["x"],
    "uuid": uuid4(),
    "int4": 3,
    "int8": 2**40,
    "bool": True,
    "text": "q",
    "varchar": "v",
    "bytea": b"\x00",
    "float8": 1.5,
    "numeric": Decimal("1.50"),
    "date": date(2026, 9, 1),
    "timestamptz": datetime(2026, 9, 1, tzinfo=UTC),
}


async def test_values_come_back_without_a_look_at_the_catalog(db: Database) -> None:
    asked: list[str] = []
    async with db.transaction() as tx, tx._hold() as connection:
        connection._con.add_query_logger(lambda record: asked.append(record.query))
        for kind, value in VALUES.items():
            assert await tx.fetchval(Query("v", f"SELECT $1::{kind}"), value) == value
            if kind != "json":
                assert await tx.fetchval(Query("v", f"SELECT $1::{kind}[]"), [value]) == [value]
        assert [query for query in asked if not query.startswith("SELECT $1")] == []


async def test_a_transaction_commits_at_its_end(db: Database) -> None:
    await db.execute(MAKE)
    async with db.transaction() as tx:
        await tx.executemany(INSERT, [(1,), (2,)])
    assert await db.fetchval(COUNT) == 2


async def test_a_transaction_that_raises_leaves_nothing(db: Database) -> None:
    await db.execute(MAKE)
    with pytest.raises(ValueError, match="no"):
        async with db.transaction() as tx:
            await tx.execute(INSERT, 1)
            raise ValueError("no")
    assert await db.fetchval(COUNT) == 0


async def test_copy_loads_json_and_arrays_through_a_temporary_table(db: Database) -> None:
    await db.execute(MAKE)
    rows = [(n, {"n": n}, ["a"]) for n in range(1000)]
    async with db.transaction() as tx:
        await tx.execute(Query("stage", "CREATE TEMP TABLE s (LIKE common_t) ON COMMIT DROP"))
        await tx.copy("s", ["id", "j", "t"], rows)
        assert await tx.execute(Query("merge", "INSERT INTO common_t SELECT * FROM s")) == (
            "INSERT 0 1000"
        )
    await db.copy("common_t", ["id"], [(2000,)])
    assert await db.fetchval(COUNT) == 1001


async def test_a_violation_is_the_callers_to_judge(db: Database) -> None:
    await db.execute(MAKE)
    await db.execute(INSERT, 1)
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(INSERT, 1)


@pytest.mark.parametrize("in_transaction", [False, True])
async def test_a_cancelled_call_gives_its_connection_back(
    database: TestDatabase, in_transaction: bool
) -> None:
    db = await Database.connect(database.url, max_size=1)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            if in_transaction:
                async with db.transaction() as tx:
                    await tx.fetchval(SLEEP)
            else:
                await db.fetchval(SLEEP)
    assert await db.fetchval(ONE) == 1
    assert time.monotonic() - began < 20  # the query takes 30
    await db.close()


async def test_a_killed_backend_is_unavailable_and_then_forgotten(db: Database) -> None:
    with pytest.raises(Unavailable):
        await db.fetchval(Query("kill", "SELECT pg_terminate_backend(pg_backend_pid())"))
    assert await db.fetchval(ONE) == 1


async def test_a_full_pool_is_unavailable_in_time(database: TestDatabase) -> None:
    db = await Database.connect(database.url, max_size=1, connect_timeout_s=0.3)
    busy = asyncio.create_task(db.fetchval(Query("busy", "SELECT pg_sleep(1)")))
    await asyncio.sleep(0.1)
    with pytest.raises(Unavailable):
        await db.fetchval(ONE)
    await busy
    assert await db.fetchval(ONE) == 1
    await db.close()


async def test_a_deadlock_is_unavailable(db: Database) -> None:
    await db.execute(MAKE)
    await db.executemany(INSERT, [(1,), (2,)])
    lock = Query("lock", "SELECT 1 FROM common_t WHERE id = $1 FOR UPDATE")

    both_hold_one = asyncio.Barrier(2)

    async def both(first: int, second: int) -> None:
        async with db.transaction() as tx:
            await tx.execute(lock, first)
            await both_hold_one.wait()
            await tx.execute(lock, second)

    done = await asyncio.gather(both(1, 2), both(2, 1), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in done) == ["NoneType", "Unavailable"]


async def forever(db: Database, in_transaction: bool) -> Any:
    if not in_transaction:
        return await db.fetchval(SLEEP)
    async with db.transaction() as tx:
        return await tx.fetchval(SLEEP)


@pytest.mark.slow
@pytest.mark.parametrize("in_transaction", [False, True])
async def test_a_peer_that_falls_silent_holds_up_nobody(
    database: TestDatabase, in_transaction: bool
) -> None:
    async with proxied(database.url) as proxy:
        db = await Database.connect(proxy.url, min_size=0, max_size=1, connect_timeout_s=0.5)
        asyncio.get_running_loop().call_later(0.2, proxy.talking.clear)
        began = time.monotonic()
        with pytest.raises((TimeoutError, Unavailable)):
            async with asyncio.timeout(0.5):
                await forever(db, in_transaction)
        with pytest.raises(Unavailable):
            await db.fetchval(ONE)
        assert time.monotonic() - began < 20  # the query takes 30
        proxy.talking.set()
        assert await db.fetchval(ONE) == 1
        await db.close()


async def test_a_connection_lost_inside_a_transaction_is_unavailable(db: Database) -> None:
    with pytest.raises(Unavailable):
        async with db.transaction() as tx:
            pid = await tx.fetchval(Query("test_pid", "SELECT pg_backend_pid()"))
            await db.execute(Query("test_kill", "SELECT pg_terminate_backend($1::int)"), pid)
            await asyncio.sleep(0.2)
            await tx.fetchval(Query("test_one", "SELECT 1"))
    assert await db.fetchval(Query("test_one", "SELECT 1")) == 1


@pytest.mark.parametrize("method", ["fetchval", "execute", "executemany", "commit", "roll back"])
async def test_last_words_between_two_statements_are_unavailable_and_end_the_connection(
    database: TestDatabase, method: str
) -> None:
    async with proxied(database.url) as proxy:
        db = await Database.connect(proxy.url, max_size=1)
        with pytest.raises(ValueError if method == "roll back" else Unavailable):
            async with db.transaction() as tx:
                await tx.fetchval(ONE)
                proxy.say(LAST_WORDS)
                await asyncio.sleep(0.1)
                if method == "roll back":
                    raise ValueError
                if method == "executemany":
                    await tx.executemany(Query("test_many", "SELECT $1::int"), [(1,), (2,)])
                elif method != "commit":
                    await getattr(tx, method)(ONE)
        assert await db.fetchval(ONE) == 1
        await db.close()
