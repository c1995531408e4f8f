"""Migrations in a transaction, one runner at a time."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from migrations import runner
from migrations.attempts import Limits
from migrations.cli import main
from migrations.errors import LockedOut, LockTimeout, MigrationFailed, MigrationRefused
from migrations.files import load
from migrations.session import LOCK

Pair = Callable[..., None]
REPO = Path(__file__).parents[3]
TABLES = """SELECT array_agg(relname::text ORDER BY relname) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'schema_catalog'"""
HISTORY = """SELECT version, name, direction, state, length(sha256), duration_ms IS NOT NULL
FROM schema_migrations ORDER BY version"""


@pytest.fixture
def three(pair: Pair) -> None:
    for number, name in enumerate("abc", start=1):
        pair(f"000{number}_{name}", f"CREATE TABLE {name} ()", f"DROP TABLE {name}")


@pytest.mark.usefixtures("three")
async def test_up_applies_in_order_and_records(
    tmp_path: Path, url: str, conn: asyncpg.Connection, limits: Limits
) -> None:
    done = await runner.up(url, load(tmp_path), limits)
    assert [m.label for m in done] == ["0001_a", "0002_b", "0003_c"]
    rows = [tuple(r) for r in await conn.fetch(HISTORY)]
    assert rows[0] == (1, "a", "up", "applied", 64, True)
    assert len(rows) == 3
    assert await runner.up(url, load(tmp_path), limits) == []


@pytest.mark.usefixtures("three")
async def test_down_undoes_the_newest_and_all(
    tmp_path: Path, url: str, conn: asyncpg.Connection, limits: Limits
) -> None:
    files = load(tmp_path)
    await runner.up(url, files, limits)
    assert [m.name for m in await runner.down(url, files, limits, 2)] == ["c", "b"]
    assert await conn.fetchval(TABLES) == ["a", "schema_migrations"]
    assert [m.name for m in await runner.down(url, files, limits, None)] == ["a"]
    assert await conn.fetchval(TABLES) == ["schema_migrations"]


@pytest.mark.usefixtures("three")
async def test_up_stops_at_the_wanted_number(
    tmp_path: Path, url: str, conn: asyncpg.Connection, limits: Limits
) -> None:
    await runner.up(url, load(tmp_path), limits, to=2)
    assert await conn.fetchval(TABLES) == ["a", "b", "schema_migrations"]


async def test_a_failed_file_leaves_nothing_and_names_its_line(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a ()")
    pair("0002_b", "CREATE TABLE b ();\nINSERT INTO a SELECT\n  nothing FROM b;")
    with pytest.raises(MigrationFailed) as caught:
        await runner.up(url, load(tmp_path), limits)
    assert caught.value.detail.startswith('0002_b.up.sql line 3: column "nothing" does not exist')
    assert "nothing of it remains" in caught.value.detail
    assert await conn.fetchval(TABLES) == ["a", "schema_migrations"]
    assert len(await conn.fetch(HISTORY)) == 1


async def test_a_statement_that_runs_too_long_names_the_setting(
    tmp_path: Path, url: str, pair: Pair
) -> None:
    pair("0001_a", "SELECT pg_sleep(5)")
    with pytest.raises(MigrationFailed, match="raise MIGRATION_STATEMENT_TIMEOUT_S"):
        await runner.up(url, load(tmp_path), Limits(statement_timeout_s=0.1))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("command", ["up", "down"])
async def test_an_edited_file_stops_before_anything_is_run(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits, command: str
) -> None:
    await runner.up(url, load(tmp_path), limits, to=2)
    pair("0001_a", "CREATE TABLE other ()")
    with pytest.raises(MigrationRefused, match=r"0001_a.up.sql was edited after it was applied"):
        await getattr(runner, command)(url, load(tmp_path), limits)
    assert await conn.fetchval(TABLES) == ["a", "b", "schema_migrations"]


@pytest.mark.usefixtures("three")
async def test_a_database_newer_than_the_files_is_left_alone(
    tmp_path: Path, url: str, limits: Limits
) -> None:
    await runner.up(url, load(tmp_path), limits)
    with pytest.raises(MigrationRefused, match=r"The database is at 0003_c .* use the release"):
        await runner.up(url, load(tmp_path)[:2], limits)


def rename(folder: Path, old: str, new: str) -> None:
    for path in list(folder.glob(f"{old}*")):
        path.rename(folder / path.name.replace(old, new))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0002_b", "0003_b", "Number 0003 is used by 0003_b and 0003_c"),
        ("0002_b", "0004_b", "Number 0002 is missing"),
        ("0003_c.down.sql", "c.txt", "0003_c.down.sql is missing"),
    ],
)
async def test_bad_files_leave_the_database_untouched(
    tmp_path: Path,
    url: str,
    conn: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    said: str,
) -> None:
    rename(tmp_path, old, new)
    monkeypatch.setenv("DATABASE_DIRECT_URL", url)
    assert await asyncio.to_thread(main, ["--dir", str(tmp_path), "up"]) == 1
    assert said in capsys.readouterr().err
    assert await conn.fetchval(TABLES) is None


async def test_two_runners_apply_each_file_once(
    tmp_path: Path, url: str, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a (); SELECT pg_sleep(0.3)")
    pair("0002_b", "CREATE TABLE b ()")
    both = await asyncio.gather(*(runner.up(url, load(tmp_path), limits) for _ in range(2)))
    assert sorted(len(done) for done in both) == [0, 2]


@pytest.mark.usefixtures("three")
async def test_a_runner_gives_up_and_names_the_one_that_works(
    tmp_path: Path, url: str, conn: asyncpg.Connection
) -> None:
    await conn.fetchval("SELECT pg_advisory_lock($1::bigint)", LOCK)
    with pytest.raises(LockedOut) as caught:
        await runner.up(url, load(tmp_path), Limits(runner_wait_s=0.2))
    assert f"pid {conn.get_server_pid()} (bystander" in caught.value.detail
    assert await conn.fetchval(TABLES) is None


@pytest.fixture
async def locked_table(conn: asyncpg.Connection, pair: Pair) -> asyncpg.Connection:
    await conn.execute("CREATE TABLE a (x int)")
    await conn.execute("BEGIN; LOCK TABLE a")
    pair("0001_a", "CREATE TABLE b (); ALTER TABLE a ADD y int")
    return conn


async def test_a_lock_that_does_not_come_names_who_holds_it(
    tmp_path: Path, url: str, locked_table: asyncpg.Connection, limits: Limits
) -> None:
    with pytest.raises(LockTimeout) as caught:
        await runner.up(url, load(tmp_path), limits)
    said = caught.value.detail
    assert "0001_a.up.sql got no lock in 2 tries of 0.2 s" in said
    assert f"pid {locked_table.get_server_pid()} (bystander, idle in transaction" in said
    assert "LOCK TABLE a" in said
    await locked_table.execute("ROLLBACK")
    assert await locked_table.fetchval(TABLES) == ["a", "schema_migrations"]


async def test_a_lock_that_comes_later_is_tried_for_again(
    tmp_path: Path,
    url: str,
    locked_table: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    patient = Limits(lock_timeout_s=0.1, lock_retries=50, backoff_s=0.05, backoff_cap_s=0.1)
    work = asyncio.create_task(runner.up(url, load(tmp_path), patient))
    await asyncio.sleep(0.5)
    await locked_table.execute("ROLLBACK")
    assert len(await work) == 1
    assert "0001_a.up.sql got no lock (try 1 of 51), blocked by pid" in caplog.text


async def test_a_lost_connection_is_told_and_leaves_nothing(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a (); SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(MigrationFailed, match="Run this again"):
        await runner.up(url, load(tmp_path), limits)
    assert await conn.fetchval(TABLES) == ["schema_migrations"]


async def test_sigterm_stops_the_statement_and_leaves_nothing(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair
) -> None:
    pair("0001_a", "CREATE TABLE a (); SELECT pg_sleep(30)")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "migrations", "--dir", str(tmp_path), "up"),
        cwd=REPO,
        env={**os.environ, "DATABASE_DIRECT_URL": url},
        stderr=asyncio.subprocess.PIPE,
    )
    sleeping = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)' AND pid <> $1"
    )
    for _ in range(200):
        if await conn.fetchval(sleeping, conn.get_server_pid()):
            break
        await asyncio.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 1
    assert said.decode().startswith("Stopped. Run this again")
    assert await conn.fetchval(sleeping, conn.get_server_pid()) == 0
    assert await conn.fetchval(TABLES) == ["schema_migrations"]
