"""status, wait, verify and the refusal of a pooler."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from migrations import checks, runner
from migrations.attempts import Limits
from migrations.checks import SchemaBehind
from migrations.cli import main
from migrations.errors import (
    ChecksumMismatch,
    DatabaseUnreachable,
    MigrationRefused,
    StatementFailed,
)
from migrations.files import Migration, load
from migrations.state import read_state
from tests.support.stack import TestDatabase, TestStack

Pair = Callable[..., None]


@pytest.fixture
def two(tmp_path: Path, pair: Pair) -> list[Migration]:
    pair("0001_a", "CREATE TABLE a (x int)", "DROP TABLE a")
    pair(
        "0002_b",
        "-- phase: contract\n-- min_app_version: 0.1.0\nCREATE INDEX b ON a (x)",
        "DROP INDEX b",
    )
    return load(tmp_path)


async def test_status_shows_each_file_and_each_row(
    url: str, conn: asyncpg.Connection, two: list[Migration], limits: Limits
) -> None:
    assert "0001_a   pending  expand" in await checks.status(url, two)
    await runner.up(url, two, limits)
    await conn.execute("UPDATE schema_migrations SET state = 'started' WHERE version = 2")
    lines = (await checks.status(url, two)).splitlines()
    assert lines[1].split()[:3] == ["0001_a", "applied", "expand"]
    assert lines[2].split()[:4] == ["0002_b", "in", "doubt", "contract"]
    assert "0002_b   no file" in await checks.status(url, two[:1])


async def test_status_changes_nothing(
    url: str, conn: asyncpg.Connection, two: list[Migration]
) -> None:
    await checks.status(url, two)
    assert await conn.fetchval("SELECT to_regclass('schema_migrations')") is None


async def test_wait_returns_when_the_version_is_reached(
    url: str, two: list[Migration], limits: Limits
) -> None:
    waiting = asyncio.create_task(checks.wait(url, 2, 10, poll_s=0.02))
    await runner.up(url, two, limits, to=1)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await runner.up(url, two, limits)
    assert await waiting == 2


async def test_wait_accepts_a_newer_schema(url: str, two: list[Migration], limits: Limits) -> None:
    await runner.up(url, two, limits)
    assert await checks.wait(url, 1, 0) == 2


async def test_wait_tells_where_the_schema_is_when_time_is_up(
    url: str, conn: asyncpg.Connection, two: list[Migration], limits: Limits
) -> None:
    with pytest.raises(SchemaBehind, match="no migration was applied yet"):
        await checks.wait(url, 2, 0)
    await runner.up(url, two, limits, to=1)
    with pytest.raises(SchemaBehind, match=r"in 0 s \(it needs 0002\): it is at 0001"):
        await checks.wait(url, 2, 0)
    await runner.up(url, two, limits)
    await conn.execute("UPDATE schema_migrations SET state = 'started' WHERE version = 1")
    with pytest.raises(SchemaBehind, match="0001_a is being applied or in doubt"):
        await checks.wait(url, 2, 0)


async def test_wait_holds_back_a_release_that_a_contract_file_shut_out(
    url: str, two: list[Migration], limits: Limits
) -> None:
    await runner.up(url, two, limits)
    with pytest.raises(SchemaBehind, match=r"since 0002_b the database needs release 0.1.0"):
        await checks.wait(url, 1, 0, app="0.0.9")
    assert await checks.wait(url, 1, 0, app="0.1.0") == 2
    await runner.down(url, two, limits)
    assert await checks.wait(url, 1, 0, app="0.0.9") == 1


async def test_wait_says_once_why_it_waits(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with pytest.raises(SchemaBehind):
        await checks.wait(url, 2, 0.3, poll_s=0.02)
    (said,) = [r.getMessage() for r in caplog.records if "waiting" in r.getMessage()]
    assert "reach 0002: no migration was applied yet" in said


async def test_wait_waits_for_a_database_that_is_not_there() -> None:
    with pytest.raises(SchemaBehind, match=r"127.0.0.1:1/none cannot be used"):
        await checks.wait("postgres://me@127.0.0.1:1/none", 1, 0.1, poll_s=0.05)


async def test_verify_accepts_what_up_made(url: str, two: list[Migration], limits: Limits) -> None:
    await runner.up(url, two, limits)
    assert await checks.verify(url, two, await checks.schema_text(url, two)) == []


async def test_verify_names_what_is_pending(url: str, two: list[Migration], limits: Limits) -> None:
    await runner.up(url, two, limits, to=1)
    (said,) = await checks.verify(url, two, "")
    assert said == "Not applied yet: 0002_b; run `python -m migrations up`."


async def test_verify_names_what_is_in_doubt_and_edited(
    url: str, conn: asyncpg.Connection, two: list[Migration], limits: Limits
) -> None:
    await runner.up(url, two, limits)
    await conn.execute("UPDATE schema_migrations SET state = 'started' WHERE version = 2")
    await conn.execute("UPDATE schema_migrations SET sha256 = repeat('0', 64) WHERE version = 1")
    edited, doubtful = await checks.verify(url, two, "")
    assert edited.startswith("0001_a.up.sql was edited after")
    assert doubtful.startswith("0002_b.up.sql was started at")


async def test_verify_names_a_schema_sql_of_other_files(
    url: str, two: list[Migration], limits: Limits
) -> None:
    await runner.up(url, two, limits)
    (said,) = await checks.verify(url, two, "-- nothing")
    assert said.startswith("schema.sql was made from other files")


async def test_verify_prints_drift_and_leaves_nothing_behind(
    url: str, conn: asyncpg.Connection, two: list[Migration], limits: Limits
) -> None:
    await runner.up(url, two, limits)
    expected = await checks.schema_text(url, two)
    await conn.execute(
        "DROP INDEX b; ALTER TABLE a ALTER x SET NOT NULL; CREATE VIEW v AS SELECT 1"
    )
    assert await checks.verify(url, two, expected) == [
        "Drift: missing index b",
        "Drift: changed table a: - x integer + x integer NOT NULL",
        "Drift: unexpected view v",
    ]
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'migrations%'"
    assert await conn.fetchval(schemas) == 0


async def test_schema_needs_an_up_to_date_database(
    url: str, two: list[Migration], limits: Limits
) -> None:
    with pytest.raises(MigrationRefused, match="Run `python -m migrations up` first"):
        await checks.schema_text(url, two)


async def test_a_pooler_is_refused(empty_database: TestDatabase, two: list[Migration]) -> None:
    with pytest.raises(MigrationRefused, match="leads through a pooler"):
        await runner.up(empty_database.url, two, Limits())
    with pytest.raises(MigrationRefused, match="leads through a pooler"):
        await checks.wait(empty_database.url, 2, 5)


def test_the_commands_in_a_row(
    tmp_path: Path,
    url: str,
    two: list[Migration],
    stack: TestStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_DIRECT_URL", url)
    options = ["--dir", str(tmp_path), "--schema", str(tmp_path / "schema.txt")]
    for argv, said in [
        (["up", "--to", "1"], "applied 1 migrations; the schema is at 0001"),
        (["up"], "applied 1 migrations; the schema is at 0002"),
        (["status"], "0002_b   applied  contract"),
        (["schema"], "wrote"),
        (["verify"], "the database is at 0002_b and without drift"),
        (["wait", "--timeout", "5"], "the schema is at 0002"),
        (["wait", "--min", "1"], "the schema is at 0002"),
        (["wait", "--version", "2"], "the schema is at 0002"),
        (["down", "all"], "undid 2 migrations"),
    ]:
        assert main([*options, *argv]) == 0
        assert said in capsys.readouterr().out
    assert main([*options, "verify"]) == 1
    assert "Not applied yet" in capsys.readouterr().err


async def test_the_history_of_another_tool_is_left_alone(
    url: str, conn: asyncpg.Connection, two: list[Migration], limits: Limits
) -> None:
    await conn.execute("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty bool)")
    with pytest.raises(ChecksumMismatch, match="was made by another tool"):
        await runner.up(url, two, limits)
    with pytest.raises(ChecksumMismatch, match="was made by another tool"):
        await checks.wait(url, 1, 10)
    with pytest.raises(DatabaseUnreachable, match="was made by another tool"):
        await read_state(url)


async def test_a_database_that_takes_no_writes_says_where_to_go(
    url: str, conn: asyncpg.Connection, two: list[Migration], limits: Limits
) -> None:
    name = await conn.fetchval("SELECT current_database()")
    await conn.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with pytest.raises(StatementFailed, match="Point DATABASE_DIRECT_URL at the primary"):
        await runner.up(url, two, limits)
