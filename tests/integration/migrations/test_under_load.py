"""Migrations of a table that is written to all the time."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from migrations import runner
from migrations.attempts import Limits
from migrations.cli import main
from migrations.files import load
from tests.integration.migrations.support import Writers, until

Pair = Callable[..., None]
BUILD = "-- transaction: false\nCREATE INDEX CONCURRENTLY a_word ON a (word, n)"
UNBUILD = "-- transaction: false\nDROP INDEX CONCURRENTLY a_word"
FILL = "INSERT INTO a SELECT n, md5(n::text), md5((-n)::text) FROM generate_series(1, $1::int) AS n"
UPSERT = (
    "INSERT INTO a VALUES (-$1::int, md5($1::text), '') ON CONFLICT (n) DO UPDATE SET word = ''"
)


@pytest.fixture
def lock_timeout(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_DIRECT_URL", url)
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT_S", "0.3")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "1")


@pytest.fixture
async def table(conn: asyncpg.Connection) -> asyncpg.Connection:
    await conn.execute("CREATE TABLE a (n int PRIMARY KEY, word text, more text)")
    return conn


async def run(folder: Path, *argv: str) -> tuple[int, dict[str, Any]]:
    path = folder / "report.json"
    argv = ("--dir", str(folder), *argv, "--report", str(path))
    code = await asyncio.to_thread(main, argv)
    return code, json.loads(path.read_text())


async def started(writers: Writers) -> None:
    async def all_wrote() -> bool:
        return len(writers.seconds) > 100

    await until(all_wrote)


@pytest.mark.usefixtures("lock_timeout")
@pytest.mark.parametrize("rows", [100_000, pytest.param(1_000_000, marks=pytest.mark.e2e)])
async def test_an_index_is_built_and_dropped_while_writers_write_on(
    tmp_path: Path, url: str, table: asyncpg.Connection, pair: Pair, rows: int
) -> None:
    await table.execute(FILL, rows)
    pair("0001_index", BUILD, UNBUILD)
    async with Writers(url, UPSERT) as writers:
        await started(writers)
        before = len(writers.seconds)
        code, report = await run(tmp_path, "up")
        during = len(writers.seconds) - before
        undone, _ = await run(tmp_path, "down")
    print(
        f"\n{rows} rows: built in {report['applied'][0]['ms']} ms, {during} writes meanwhile, "
        f"the slowest of {len(writers.seconds)} took {max(writers.seconds) * 1000:.0f} ms"
    )
    assert (code, undone) == (0, 0)
    assert during > 20
    assert writers.failures == []
    assert max(writers.seconds) < 1


@pytest.fixture
async def reader(url: str, table: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A session that read the table and then forgot to end its transaction."""
    connection = await asyncpg.connect(url, server_settings={"application_name": "forgetful"})
    await connection.execute("BEGIN; SELECT FROM a")
    yield connection
    await connection.close()


@pytest.mark.usefixtures("lock_timeout")
async def test_a_blocked_change_gives_up_names_the_blocker_and_lets_writers_go(
    tmp_path: Path, url: str, reader: asyncpg.Connection, pair: Pair
) -> None:
    pair("0001_a", "ALTER TABLE a ADD COLUMN x int")
    async with Writers(url, UPSERT) as writers:
        await started(writers)
        code, report = await run(tmp_path, "up")
    assert (code, report["code"], report["retryable"]) == (1, "lock_timeout", True)
    assert "got no lock in 2 tries" in report["message"]
    (blocker,) = report["blockers"]
    assert (blocker["pid"], blocker["application"]) == (reader.get_server_pid(), "forgetful")
    assert writers.failures == []
    assert max(writers.seconds) < 1


async def test_a_blocked_change_is_made_once_the_blocker_is_gone(
    tmp_path: Path,
    url: str,
    reader: asyncpg.Connection,
    pair: Pair,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pair("0001_a", "ALTER TABLE a ADD COLUMN x int")
    patient = Limits(lock_timeout_s=0.3, lock_retries=20, backoff_s=0.05, backoff_cap_s=0.2)

    async def stepped_back() -> bool:
        return "got no lock (try 1 of 21)" in caplog.text

    async with Writers(url, UPSERT) as writers:
        await started(writers)
        running = asyncio.create_task(runner.up(url, load(tmp_path), patient))
        await until(stepped_back)
        await reader.execute("COMMIT")
        assert len(await running) == 1
    assert f"blocked by pid {reader.get_server_pid()} (forgetful" in caplog.text
    assert writers.failures == []
