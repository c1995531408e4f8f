"""Files without a transaction: what a crash leaves, and how the next run goes on."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from migrations import runner
from migrations.attempts import Limits
from migrations.errors import InDoubt, MigrationFailed, MigrationRefused
from migrations.files import Migration, load
from tests.integration.migrations.support import until

Pair = Callable[..., None]
ALONE = "-- transaction: false\n"
BUILD = f"{ALONE}CREATE INDEX CONCURRENTLY a_x ON a (x)"
UNBUILD = f"{ALONE}DROP INDEX CONCURRENTLY a_x"
STATE = "SELECT direction, state FROM schema_migrations WHERE version = 2"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('a_x')"
REPO = Path(__file__).parents[3]


@pytest.fixture
def indexed(tmp_path: Path, pair: Pair) -> list[Migration]:
    """Migration 2 builds an index on the table of migration 1."""
    pair("0001_a", "CREATE TABLE a (x int); INSERT INTO a VALUES (1), (1)", "DROP TABLE a")
    pair("0002_index", BUILD, UNBUILD)
    return load(tmp_path)


@pytest.fixture
async def writer(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A session whose open transaction, once it wrote to the table, keeps a build waiting."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def doubt(conn: asyncpg.Connection, migration: Migration, direction: str) -> None:
    """What a runner that dies right after its `started` row leaves."""
    await conn.execute(
        "INSERT INTO schema_migrations (version, name, sha256, direction, state, applied_by)"
        " VALUES ($1, $2, $3, $4, 'started', 'test') ON CONFLICT (version) DO UPDATE"
        " SET direction = excluded.direction, state = 'started'",
        migration.version,
        migration.name,
        migration.up.sha256,
        direction,
    )


async def test_an_index_is_built_and_dropped_concurrently(
    url: str, conn: asyncpg.Connection, indexed: list[Migration], limits: Limits
) -> None:
    await runner.up(url, indexed, limits)
    assert await conn.fetchval(VALID) is True
    assert tuple(await conn.fetchrow(STATE)) == ("up", "applied")
    await runner.down(url, indexed, limits, 1)
    assert await conn.fetchval(VALID) is None
    assert await conn.fetchrow(STATE) is None


async def test_a_killed_build_is_in_doubt_and_rebuilt_by_the_next_run(
    tmp_path: Path,
    url: str,
    conn: asyncpg.Connection,
    writer: asyncpg.Connection,
    indexed: list[Migration],
    limits: Limits,
) -> None:
    await runner.up(url, indexed, limits, to=1)
    await writer.execute("BEGIN; INSERT INTO a VALUES (2)")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "migrations", "--dir", str(tmp_path), "up"),
        cwd=REPO,
        env={**os.environ, "DATABASE_DIRECT_URL": url},
        stdout=asyncio.subprocess.PIPE,
    )
    await until(lambda: conn.fetchval(VALID), False)
    process.kill()
    await process.communicate()
    assert tuple(await conn.fetchrow(STATE)) == ("up", "started")
    await writer.execute("COMMIT")
    done = await runner.up(url, indexed, limits)
    assert [m.version for m in done] in ([2], [])  # []: the server finished before it noticed
    assert await conn.fetchval(VALID) is True
    assert tuple(await conn.fetchrow(STATE)) == ("up", "applied")


async def test_an_invalid_index_in_doubt_is_dropped_and_rebuilt(
    url: str,
    conn: asyncpg.Connection,
    indexed: list[Migration],
    limits: Limits,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await runner.up(url, indexed, limits, to=1)
    with pytest.raises(asyncpg.UniqueViolationError):
        await conn.execute("CREATE UNIQUE INDEX CONCURRENTLY a_x ON a (x)")
    await doubt(conn, indexed[1], "up")
    assert [m.version for m in await runner.up(url, indexed, limits)] == [2]
    assert await conn.fetchval(VALID) is True
    assert "its index a_x was invalid and is dropped" in caplog.text


async def test_a_build_that_ended_before_the_crash_counts_as_applied(
    url: str, conn: asyncpg.Connection, indexed: list[Migration], limits: Limits
) -> None:
    await runner.up(url, indexed, limits, to=1)
    await conn.execute("CREATE INDEX a_x ON a (x)")
    await doubt(conn, indexed[1], "up")
    assert await runner.up(url, indexed, limits) == []
    assert tuple(await conn.fetchrow(STATE)) == ("up", "applied")


async def test_a_build_that_did_not_begin_is_run(
    url: str, conn: asyncpg.Connection, indexed: list[Migration], limits: Limits
) -> None:
    await runner.up(url, indexed, limits, to=1)
    await doubt(conn, indexed[1], "up")
    assert [m.version for m in await runner.up(url, indexed, limits)] == [2]


async def test_a_drop_in_doubt_is_finished(
    url: str, conn: asyncpg.Connection, indexed: list[Migration], limits: Limits
) -> None:
    await runner.up(url, indexed, limits)
    await doubt(conn, indexed[1], "down")
    assert [m.version for m in await runner.down(url, indexed, limits, 1)] == [1]
    assert await conn.fetchval("SELECT count(*) FROM schema_migrations") == 0


async def test_a_build_that_fails_leaves_no_index_and_no_row(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a (x int); INSERT INTO a VALUES (1), (1)")
    pair("0002_index", BUILD.replace("INDEX", "UNIQUE INDEX"), UNBUILD)
    with pytest.raises(MigrationFailed, match="could not create unique index"):
        await runner.up(url, load(tmp_path), limits)
    assert await conn.fetchval(VALID) is None
    assert await conn.fetchrow(STATE) is None
    await conn.execute("TRUNCATE a")
    assert len(await runner.up(url, load(tmp_path), limits)) == 1


@pytest.mark.parametrize(("name", "table"), [("a_x", "s.a"), ('"A x"', "s.a"), ('"A x"', "b")])
async def test_a_failed_build_is_cleared_wherever_the_index_is(
    tmp_path: Path,
    url: str,
    conn: asyncpg.Connection,
    pair: Pair,
    limits: Limits,
    name: str,
    table: str,
) -> None:
    double = f"CREATE TABLE {table} (x int); INSERT INTO {table} VALUES (1), (1)"
    pair("0001_a", f"CREATE SCHEMA s; {double}")
    pair("0002_index", f"{ALONE}CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} (x)")
    with pytest.raises(MigrationFailed, match="is duplicated"):
        await runner.up(url, load(tmp_path), limits)
    valid = f"SELECT indisvalid FROM pg_index WHERE indrelid = '{table}'::regclass"
    assert await conn.fetch(valid) == []
    await conn.execute(f"DELETE FROM {table} WHERE ctid = '(0,1)'")
    assert [m.version for m in await runner.up(url, load(tmp_path), limits)] == [2]
    assert await conn.fetchval(valid) is True


async def test_an_index_made_by_somebody_else_is_kept(
    url: str, conn: asyncpg.Connection, indexed: list[Migration], limits: Limits
) -> None:
    await runner.up(url, indexed, limits, to=1)
    await conn.execute("CREATE INDEX a_x ON a (x)")
    with pytest.raises(MigrationRefused, match="an index a_x is there already"):
        await runner.up(url, indexed, limits)
    assert await conn.fetchval(VALID) is True
    assert await conn.fetchrow(STATE) is None


async def test_a_build_waits_for_transactions_instead_of_stepping_back(
    url: str,
    conn: asyncpg.Connection,
    writer: asyncpg.Connection,
    indexed: list[Migration],
    limits: Limits,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await runner.up(url, indexed, limits, to=1)
    await writer.execute("BEGIN; INSERT INTO a VALUES (2)")
    work = asyncio.create_task(runner.up(url, indexed, limits))
    await until(lambda: conn.fetchval(VALID), False)
    await asyncio.sleep(2 * limits.lock_timeout_s)
    await writer.execute("COMMIT")
    assert len(await work) == 1
    waits = f"0002_index.up.sql waits for a lock held by pid {writer.get_server_pid()}"
    assert waits in caplog.text


async def test_a_mistake_in_a_lone_statement_leaves_no_doubt(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a ()")
    pair("0002_b", f"{ALONE}VACUUM nothing")
    with pytest.raises(MigrationFailed, match='relation "nothing" does not exist'):
        await runner.up(url, load(tmp_path), limits)
    assert await conn.fetchrow(STATE) is None


BOOM = f"{ALONE}DO $$ BEGIN RAISE EXCEPTION 'boom'; END $$"


async def test_another_statement_that_failed_half_way_stops_with_instructions(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a ()")
    pair("0002_b", BOOM)
    for _ in range(2):
        with pytest.raises(InDoubt, match="If it did, run `UPDATE schema_migrations") as caught:
            await runner.up(url, load(tmp_path), limits)
        assert tuple(await conn.fetchrow(STATE)) == ("up", "started")
    await conn.execute(caught.value.detail.split("`")[1])
    assert await runner.up(url, load(tmp_path), limits) == []


async def test_an_undoing_that_failed_half_way_stops_with_instructions(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a ()")
    pair("0002_b", "CREATE TABLE b ()", BOOM)
    await runner.up(url, load(tmp_path), limits)
    with pytest.raises(InDoubt, match="If it did, run `DELETE FROM schema_migrations"):
        await runner.down(url, load(tmp_path), limits)
    assert tuple(await conn.fetchrow(STATE)) == ("down", "started")
