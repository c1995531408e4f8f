"""The dry run: what it tells, and that it changes nothing."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from migrations import runner
from migrations.attempts import Limits
from migrations.cli import main
from migrations.errors import InDoubt, LockTimeout, StatementFailed
from migrations.files import load
from migrations.report import Journal
from tests.support.stack import TestDatabase

Pair = Callable[..., None]
Planned = Callable[[], tuple[int, dict[str, Any], str]]
CONTRACT = "-- phase: contract\n-- min_app_version: 1.2.0\n"
RELATIONS = "SELECT array_agg(relname::text ORDER BY relname) FROM pg_class WHERE oid >= 16384"


@pytest.fixture
async def filled(conn: asyncpg.Connection) -> None:
    await conn.execute("CREATE TABLE a (x int, y int); CREATE TABLE b (x int PRIMARY KEY)")
    await conn.execute("INSERT INTO a SELECT n, n FROM generate_series(1, 1000) AS n; ANALYZE a")


async def plan(folder: Path, url: str, limits: Limits, **options: Any) -> dict[str, Any]:
    journal = Journal()
    await runner.plan(url, load(folder), limits, journal=journal, **options)
    assert journal.plan
    return journal.plan


def locks(step: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(k["relation"], k["mode"], k["blocks"]) for k in step["locks"]]


@pytest.mark.usefixtures("filled")
async def test_each_file_tells_its_locks_and_the_tables_their_size(
    tmp_path: Path, url: str, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "ALTER TABLE a ADD COLUMN z int")
    pair("0002_b", f"{CONTRACT}CREATE TABLE c (z int REFERENCES b); UPDATE a SET z = 1")
    pair("0003_c", "CREATE INDEX b_x ON b (x); INSERT INTO c SELECT x FROM a WHERE false")
    made = await plan(tmp_path, url, limits)
    first, second, third = made["files"]
    assert (first["file"], first["phase"], first["tried"]) == ("0001_a.up.sql", "expand", True)
    assert first["sql"] == "ALTER TABLE a ADD COLUMN z int"
    assert locks(first) == [("a", "AccessExclusiveLock", "reads and writes")]
    assert (second["phase"], second["min_app_version"]) == ("contract", "1.2.0")
    assert locks(second) == [("b", "ShareRowExclusiveLock", "writes")]
    assert locks(third) == []  # b is held more strongly already, c is new
    sizes = {t["relation"]: (t["bytes"] > 8000, t["rows"]) for t in made["tables"]}
    assert sizes == {"a": (True, 1000), "b": (True, None)}
    assert (made["version"], made["target"], made["complete"]) == (0, 3, True)


@pytest.mark.usefixtures("filled")
async def test_a_plan_changes_nothing(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "DROP TABLE a; CREATE TABLE c (x int)")
    before = await conn.fetchval(RELATIONS)
    assert (await plan(tmp_path, url, limits))["complete"]
    assert await conn.fetchval(RELATIONS) == before
    assert await conn.fetchval("SELECT count(*) FROM a") == 1000


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("statement", "mode"),
    [
        ("CREATE INDEX CONCURRENTLY i ON public.a (x)", "ShareUpdateExclusiveLock"),
        ("VACUUM (ANALYZE) a", "ShareUpdateExclusiveLock"),
        ("VACUUM FULL a", "AccessExclusiveLock"),
        ("DROP INDEX CONCURRENTLY a_y", "ShareUpdateExclusiveLock"),
    ],
)
async def test_what_runs_outside_a_transaction_is_told_and_not_tried(
    tmp_path: Path,
    url: str,
    conn: asyncpg.Connection,
    pair: Pair,
    limits: Limits,
    statement: str,
    mode: str,
) -> None:
    await conn.execute("CREATE INDEX a_y ON a (y)")
    pair("0001_a", f"-- transaction: false\n{statement}")
    made = await plan(tmp_path, url, limits)
    (step,) = made["files"]
    assert (step["tried"], step["transaction"]) == (False, False)
    assert [(k["relation"], k["mode"]) for k in step["locks"]] == [("a", mode)]
    assert [t["relation"] for t in made["tables"]] == ["a"]


async def test_a_file_that_fails_ends_the_plan_with_its_error(
    tmp_path: Path, url: str, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a (x int)")
    pair("0002_b", "SELECT 1;\nSELECT nothing FROM a")
    pair("0003_c", "SELECT 1")
    journal = Journal()
    with pytest.raises(StatementFailed):
        await runner.plan(url, load(tmp_path), limits, journal=journal)
    assert journal.plan and not journal.plan["complete"]
    first, second, third = journal.plan["files"]
    assert (first["tried"], second["tried"], third["tried"]) == (True, False, False)
    assert (second["error"]["code"], second["error"]["line"]) == ("statement_failed", 2)


async def test_a_new_value_that_a_run_would_commit_first_is_explained(
    tmp_path: Path, url: str, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TYPE e AS ENUM ('a')")
    pair("0002_b", "ALTER TYPE e ADD VALUE 'b'")
    pair("0003_c", "CREATE TABLE a (x e DEFAULT 'b')")
    await runner.up(url, load(tmp_path), limits, to=1)
    with pytest.raises(StatementFailed, match="a run does, and may well go through"):
        await runner.plan(url, load(tmp_path), limits, journal=Journal())
    assert len(await runner.up(url, load(tmp_path), limits)) == 2


async def test_what_only_the_commit_would_find_is_found(
    tmp_path: Path, url: str, pair: Pair, limits: Limits
) -> None:
    deferred = "CREATE TABLE a (x int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
    pair("0001_a", f"{deferred}; INSERT INTO a VALUES (1), (1)")
    with pytest.raises(StatementFailed, match="duplicate key"):
        await plan(tmp_path, url, limits)


@pytest.mark.usefixtures("filled")
async def test_a_locked_table_names_who_holds_it(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "ALTER TABLE a ADD z int")
    await conn.execute("BEGIN; LOCK TABLE a")
    with pytest.raises(LockTimeout, match="in 1 tries") as caught:
        await plan(tmp_path, url, limits)
    assert f"blocked by pid {conn.get_server_pid()}" in caught.value.detail


async def test_settings_of_a_file_end_with_it(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    await conn.execute("CREATE SCHEMA elsewhere")
    pair("0001_a", "SET LOCAL search_path TO elsewhere; SET LOCAL lock_timeout = 0; SELECT 1")
    pair("0002_b", "CREATE TABLE public.b (x int); INSERT INTO b VALUES (1)")
    assert (await plan(tmp_path, url, limits))["complete"]


async def test_a_way_back_is_planned_by_the_down_files(
    tmp_path: Path, url: str, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a (x int)", "DROP TABLE a")
    pair("0002_b", "CREATE INDEX a_x ON a (x)", "DROP INDEX a_x")
    await runner.up(url, load(tmp_path), limits)
    made = await plan(tmp_path, url, limits, back_to=0)
    assert (made["direction"], made["version"], made["target"]) == ("down", 2, 0)
    assert [s["file"] for s in made["files"]] == ["0002_b.down.sql", "0001_a.down.sql"]
    assert locks(made["files"][0]) == [("a", "AccessExclusiveLock", "reads and writes")]


async def test_a_plan_settles_no_doubt(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a (x int)")
    pair("0002_b", "-- transaction: false\nCREATE INDEX CONCURRENTLY i ON a (x)")
    await runner.up(url, load(tmp_path), limits)
    await conn.execute("UPDATE schema_migrations SET state = 'started' WHERE version = 2")
    with pytest.raises(InDoubt):
        await plan(tmp_path, url, limits)
    assert await conn.fetchval("SELECT state FROM schema_migrations WHERE version = 2") == "started"


@pytest.fixture
def planned(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Planned:
    """`python -m migrations plan`: its exit code, the plan it prints last, its report."""

    def run() -> tuple[int, dict[str, Any], str]:
        monkeypatch.setenv("DATABASE_DIRECT_URL", url)
        path = tmp_path / "report.json"
        code = main(["--dir", str(tmp_path), "plan", "--report", str(path)])
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        return code, last["plan"], path.read_text()

    return run


def test_the_plan_is_the_last_line_and_shows_what_the_policy_says(
    pair: Pair, planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_POLICY", "{}")
    pair("0001_a", "CREATE TABLE a (x text)")
    pair("0002_b", "DROP TABLE a")
    code, made, text = planned()
    assert code == 0
    assert made["lint"]["errors"] == 2
    assert made["lint"]["findings"][0]["rule"] == "destructive"
    report = json.loads(text)
    assert (report["outcome"], report["version"], report["target"]) == ("applied", 0, 2)
    assert len(text.encode()) < 4000 and "plan" not in report


def test_a_plan_that_failed_is_the_last_line_too(pair: Pair, planned: Planned) -> None:
    pair("0001_a", "SELECT nothing")
    code, made, text = planned()
    assert code == 1
    assert not made["complete"]
    assert json.loads(text)["code"] == "statement_failed"


async def test_our_own_files_can_be_planned_forward_and_back(
    database: TestDatabase, limits: Limits, empty_database: TestDatabase
) -> None:
    for url, back in ((empty_database.direct_url, None), (database.direct_url, 0)):
        journal = Journal()
        await runner.plan(url, load(), limits, back_to=back, journal=journal)
        assert journal.plan and journal.plan["complete"]
        assert len(await asyncio.to_thread(json.dumps, journal.plan)) < 300_000
