"""`--report` of up and down: what a run tells a machine, whatever becomes of it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from migrations import runner
from migrations.attempts import Limits
from migrations.cli import main
from migrations.errors import NotPermitted
from migrations.files import checksum, load
from migrations.session import LOCK
from migrations.state import read_state
from tests.integration.migrations.support import until
from tests.support.stack import TestDatabase

Pair = Callable[..., None]
Run = Callable[..., tuple[int, dict[str, Any]]]
REPO = Path(__file__).parents[3]
CONTRACT = "-- phase: contract\n-- min_app_version: 1.10.0\n"


@pytest.fixture
def run(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with `--report`; gives its exit code and the report."""
    monkeypatch.setenv("DATABASE_DIRECT_URL", url)
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT_S", "0.2")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    monkeypatch.setenv("MIGRATION_RUNNER_WAIT_S", "0.2")
    path = tmp_path / "report.json"

    def call(*argv: str) -> tuple[int, dict[str, Any]]:
        path.unlink(missing_ok=True)
        code = main(["--dir", str(tmp_path), *argv, "--report", str(path)])
        return code, json.loads(path.read_text())

    return call


@pytest.fixture
def three(pair: Pair) -> None:
    for number, name in enumerate("abc", start=1):
        pair(f"000{number}_{name}", f"CREATE TABLE {name} ()", f"DROP TABLE {name}")


def forget(folder: Path, label: str) -> None:
    for path in folder.glob(f"{label}*"):
        path.unlink()


def told(report: dict[str, Any]) -> tuple[str, str | None, bool]:
    return report["outcome"], report["code"], report["retryable"]


@pytest.mark.usefixtures("three")
def test_up_tells_what_it_applied_and_where_it_is(tmp_path: Path, run: Run) -> None:
    code, report = run("up", "--to", "2")
    assert (code, told(report)) == (0, ("applied", None, False))
    assert (report["version"], report["target"]) == (2, 2)
    assert [(a["version"], a["name"]) for a in report["applied"]] == [(1, "a"), (2, "b")]
    assert report["checksum"] == checksum(load(tmp_path), 2)
    code, report = run("up")
    assert [a["version"] for a in report["applied"]] == [3]
    code, report = run("up")
    assert (report["version"], report.get("applied")) == (3, None)


@pytest.mark.usefixtures("three")
def test_down_to_a_version_undoes_what_is_above(tmp_path: Path, run: Run) -> None:
    run("up")
    code, report = run("down", "--to", "1")
    assert (code, told(report)) == (0, ("applied", None, False))
    assert [a["version"] for a in report["applied"]] == [3, 2]
    assert (report["version"], report["target"]) == (1, 1)
    assert report["checksum"] == checksum(load(tmp_path), 1)
    assert run("down", "--to", "0")[1]["version"] == 0


@pytest.mark.usefixtures("three")
def test_down_to_a_version_above_the_database_is_refused(run: Run) -> None:
    run("up", "--to", "1")
    code, report = run("down", "--to", "2")
    assert (code, told(report)) == (1, ("refused", "target_unknown", False))
    assert "`up --to 2` goes there" in report["message"]


@pytest.mark.usefixtures("three")
def test_a_newer_database_is_left_alone_and_is_no_failure(tmp_path: Path, run: Run) -> None:
    run("up")
    code, report = run("up", "--to", "1")
    assert (code, told(report), report["version"]) == (0, ("ahead", None, False), 3)
    forget(tmp_path, "0003_c")
    code, report = run("up")
    assert (code, told(report), report["version"]) == (0, ("ahead", None, False), 3)


@pytest.mark.usefixtures("three")
def test_a_newer_database_cannot_be_undone_without_its_files(tmp_path: Path, run: Run) -> None:
    run("up")
    forget(tmp_path, "0003_c")
    code, report = run("down", "--to", "1")
    assert (code, told(report), report["version"]) == (1, ("refused", "target_unknown", False), 3)


@pytest.mark.usefixtures("three")
def test_a_newer_database_with_other_files_below_is_a_mismatch(
    tmp_path: Path, run: Run, pair: Pair
) -> None:
    run("up")
    pair("0002_b", "CREATE TABLE other ()")
    code, report = run("up", "--to", "1")
    assert (code, told(report)) == (1, ("refused", "checksum_mismatch", False))
    forget(tmp_path, "0003_c")
    assert told(run("up")[1]) == ("refused", "checksum_mismatch", False)


@pytest.mark.usefixtures("three")
async def test_a_newer_database_in_doubt_is_not_ahead(
    tmp_path: Path, run: Run, conn: asyncpg.Connection
) -> None:
    await asyncio.to_thread(run, "up")
    await conn.execute("UPDATE schema_migrations SET state = 'started' WHERE version = 3")
    forget(tmp_path, "0003_c")
    _, report = await asyncio.to_thread(run, "up")
    assert told(report) == ("refused", "in_doubt", False)
    assert "0003_c was started by" in report["message"]


@pytest.mark.usefixtures("three")
def test_a_target_above_the_files_is_unknown(run: Run) -> None:
    assert told(run("up", "--to", "9")[1]) == ("refused", "target_unknown", False)


def test_malformed_files_are_told(run: Run, pair: Pair) -> None:
    pair("0002_b", "SELECT 1")
    code, report = run("up")
    assert (code, told(report)) == (1, ("refused", "source_invalid", False))
    assert "Number 0001 is missing" in report["message"]


@pytest.fixture
def contract(pair: Pair) -> None:
    pair("0001_a", "CREATE TABLE a (x int, y int)")
    pair("0002_b", f"{CONTRACT}ALTER TABLE a DROP COLUMN y")
    pair("0003_c", "CREATE TABLE c ()")


@pytest.mark.usefixtures("contract")
def test_a_contract_file_waits_for_the_code_and_holds_what_follows(run: Run) -> None:
    code, report = run("up", "--app-version", "1.9.9")
    assert (code, told(report), report["version"]) == (0, ("waiting", None, False), 1)
    assert report["waiting"] == {"file": "0002_b.up.sql", "min_app_version": "1.10.0"}
    assert [a["version"] for a in report["applied"]] == [1]
    assert "0003_c comes after it" in report["message"]
    assert "deploy 1.10.0 first" in report["message"]


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize("options", [["--app-version", "1.10.0"], ["--no-app"], []])
def test_a_contract_file_runs_when_the_code_is_there(run: Run, options: list[str]) -> None:
    _, report = run("up", *options)
    assert (told(report), report["version"]) == (("applied", None, False), 3)


def test_a_failing_statement_is_told_with_file_line_and_words(run: Run, pair: Pair) -> None:
    pair("0001_a", "CREATE TABLE a ();\n\nINSERT INTO a\n  SELECT nothing;\nSELECT 1;")
    code, report = run("up")
    assert (code, told(report)) == (1, ("failed", "statement_failed", True))
    assert (report["file"], report["line"], report["sqlstate"]) == ("0001_a.up.sql", 4, "42703")
    assert report["statement"] == "INSERT INTO a\n  SELECT nothing"
    assert report["error"] == 'column "nothing" does not exist'
    assert report["version"] == 0


def test_a_failure_without_a_place_still_names_its_statement(run: Run, pair: Pair) -> None:
    pair("0001_a", "CREATE TABLE a (x int PRIMARY KEY);\nINSERT INTO a VALUES (1), (1);\nSELECT 1;")
    report = run("up")[1]
    assert (report["line"], report["statement"]) == (2, "INSERT INTO a VALUES (1), (1)")
    assert "Key (x)=(1) already exists" in report["error"]


def test_a_constraint_that_fails_at_the_end_names_no_statement(run: Run, pair: Pair) -> None:
    deferred = "CREATE TABLE a (x int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
    pair("0001_a", f"{deferred} INSERT INTO a VALUES (1), (1);")
    report = run("up")[1]
    assert (report["code"], report["file"]) == ("statement_failed", "0001_a.up.sql")
    assert "statement" not in report


def test_a_statement_that_runs_too_long_is_told(
    run: Run, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_STATEMENT_TIMEOUT_S", "0.1")
    pair("0001_a", "SELECT 1; SELECT pg_sleep(5)")
    report = run("up")[1]
    assert told(report) == ("failed", "statement_timeout", True)
    assert report["statement"] == "SELECT pg_sleep(5)"


async def test_who_holds_a_table_is_told(run: Run, pair: Pair, conn: asyncpg.Connection) -> None:
    await conn.execute("CREATE TABLE a (x int)")
    await conn.execute("BEGIN; LOCK TABLE a")
    pair("0001_a", "CREATE TABLE b ();\nALTER TABLE a ADD y int")
    _, report = await asyncio.to_thread(run, "up")
    assert told(report) == ("failed", "lock_timeout", True)
    assert (report["line"], report["statement"]) == (2, "ALTER TABLE a ADD y int")
    (blocker,) = report["blockers"]
    assert blocker["pid"] == conn.get_server_pid()
    assert (blocker["application"], blocker["state"]) == ("bystander", "idle in transaction")
    assert blocker["query"] == "BEGIN; LOCK TABLE a"


async def test_another_runner_is_told(run: Run, pair: Pair, conn: asyncpg.Connection) -> None:
    pair("0001_a", "SELECT 1")
    await conn.fetchval("SELECT pg_advisory_lock($1::bigint)", LOCK)
    _, report = await asyncio.to_thread(run, "up")
    assert told(report) == ("failed", "locked_out", True)
    assert [b["pid"] for b in report["blockers"]] == [conn.get_server_pid()]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda url: url.replace("@", "x@"), "not_permitted"),
        (lambda url: f"{url}_not_there", "database_unreachable"),
        (lambda url: "postgres://me@127.0.0.1:1/none", "database_unreachable"),
    ],
)
def test_a_database_that_cannot_be_used_is_told(
    run: Run,
    pair: Pair,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[str], str],
    code: str,
) -> None:
    pair("0001_a", "SELECT 1")
    monkeypatch.setenv("DATABASE_DIRECT_URL", change(url))
    assert told(run("up")[1]) == ("failed", code, True)


def test_a_pooler_is_told(
    run: Run, pair: Pair, empty_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair("0001_a", "SELECT 1")
    monkeypatch.setenv("DATABASE_DIRECT_URL", empty_database.url)
    assert told(run("up")[1]) == ("refused", "pooler", False)


def test_a_right_that_is_missing_is_told(run: Run, pair: Pair) -> None:
    pair(
        "0001_a",
        "CREATE ROLE nobody_at_all NOLOGIN; SET LOCAL ROLE nobody_at_all; CREATE TABLE a ()",
    )
    report = run("up")[1]
    assert told(report) == ("failed", "not_permitted", True)
    assert "use the Secret of another" in report["message"]


async def test_a_connection_lost_while_waiting_for_another_runner_is_told(
    run: Run, pair: Pair, conn: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_RUNNER_WAIT_S", "20")
    pair("0001_a", "SELECT 1")
    await conn.fetchval("SELECT pg_advisory_lock($1::bigint)", LOCK)
    running = asyncio.create_task(asyncio.to_thread(run, "up"))
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'migrations %' AND query LIKE '%advisory%'"
    )
    await until(lambda: conn.fetchval(kill))
    _, report = await running
    assert told(report) == ("failed", "connection_lost", True)


async def test_a_role_that_may_not_read_the_history_is_told(
    run: Run, pair: Pair, url: str, conn: asyncpg.Connection
) -> None:
    pair("0001_a", "SELECT 1")
    await asyncio.to_thread(run, "up")
    await conn.execute("REVOKE SELECT ON schema_migrations FROM CURRENT_USER")
    _, report = await asyncio.to_thread(run, "up")
    assert told(report) == ("failed", "not_permitted", True)
    assert "may not do what the runner needs" in report["message"]
    with pytest.raises(NotPermitted):
        await read_state(url)


async def test_a_lost_lock_is_told_and_the_next_run_goes_on(
    run: Run, pair: Pair, conn: asyncpg.Connection
) -> None:
    pair("0001_a", "CREATE TABLE a ()")
    pair("0002_b", "CREATE TABLE b (); SELECT pg_sleep(30)")
    running = asyncio.create_task(asyncio.to_thread(run, "up"))
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = pg_locks.pid"
        " AND a.query LIKE '%pg_sleep%')"
    )
    await until(lambda: conn.fetchval(kill))
    _, report = await running
    assert told(report) == ("failed", "connection_lost", True)
    assert (report["version"], report["file"]) == (1, "0002_b.up.sql")
    pair("0002_b", "CREATE TABLE b ()")
    assert (await asyncio.to_thread(run, "up"))[1]["version"] == 2


async def test_the_loss_of_the_watching_connection_does_not_fail_a_run(
    tmp_path: Path, url: str, pair: Pair, conn: asyncpg.Connection, limits: Limits
) -> None:
    pair("0001_a", "SELECT pg_sleep(0.5)")
    pair("0002_b", "CREATE TABLE b ()")
    work = asyncio.create_task(runner.up(url, load(tmp_path), limits))
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE '%pg_blocking_pids%' AND pid <> $1"
    )
    await until(lambda: conn.fetchval(kill, conn.get_server_pid()))
    assert len(await work) == 2


async def test_sigterm_is_told(tmp_path: Path, url: str, pair: Pair) -> None:
    pair("0001_a", "CREATE TABLE a ()")
    pair("0002_b", "CREATE TABLE b (); SELECT pg_sleep(30)")
    path = tmp_path / "report.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "migrations", "--dir", str(tmp_path), "up", "--report", str(path)),
        cwd=REPO,
        env={**os.environ, "DATABASE_DIRECT_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    while b"applied 0001_a" not in await process.stdout.readline():
        pass
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), 10)
    report = json.loads(path.read_text())
    assert process.returncode == 1
    assert (told(report), report["version"]) == (("stopped", "stopped", True), 1)


def test_a_fault_of_the_runner_is_told(
    run: Run, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair("0001_a", "SELECT 1")
    monkeypatch.setattr(runner, "up", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("up")
    report = json.loads((tmp_path / "report.json").read_text())
    assert told(report) == ("failed", "internal", True)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DATABASE_DIRECT_URL", "mysql://u:p@h/d", "database_unreachable"),
        ("MIGRATION_LOCK_RETRIES", "many", "internal"),
    ],
)
def test_an_unusable_environment_is_told(
    run: Run,
    pair: Pair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    code: str,
) -> None:
    pair("0001_a", "SELECT 1")
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        run("up")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["code"] == code
    assert name in report["message"]


def strict(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    monkeypatch.setenv("MIGRATION_POLICY", json.dumps({"lint": "error", **more}))


def test_only_pending_files_are_judged(
    run: Run, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair("0001_a", "CREATE TABLE a (x text); CREATE TABLE b (x text)")
    pair("0002_b", "CREATE INDEX i ON a (x)")
    run("up")
    pair("0003_c", "CREATE INDEX j ON b (x)")
    strict(monkeypatch)
    code, report = run("up")
    assert (code, told(report), report["version"]) == (1, ("refused", "lint_failed", False), 2)
    assert (report["file"], report["line"]) == ("0003_c.up.sql", 1)
    assert (report["lint"]["checked"], report["lint"]["errors"]) == (1, 1)
    exception = {"file": "0003_c.up.sql", "rule": "require-concurrent-index-creation"}
    strict(monkeypatch, exceptions=[{**exception, "reason": "b is small"}])
    _, report = run("up")
    assert (told(report), report["version"]) == (("applied", None, False), 3)
    (finding,) = report["lint"]["findings"]
    assert (finding["level"], finding["reason"]) == ("excepted", "b is small")


def test_destroying_data_needs_to_be_allowed_both_ways(
    run: Run, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair("0001_a", "CREATE TABLE a (x text)", "DROP TABLE a")
    pair("0002_b", "ALTER TABLE a DROP COLUMN x", "ALTER TABLE a ADD COLUMN x text")
    strict(monkeypatch)
    _, report = run("up")
    assert (told(report), report["version"]) == (("refused", "destructive", False), 0)
    strict(monkeypatch, allow_destructive=True)
    assert run("up")[1]["version"] == 2
    strict(monkeypatch)
    assert run("down", "--to", "1")[1]["version"] == 1
    _, report = run("down", "--to", "0")
    assert (told(report), report["file"]) == (("refused", "destructive", False), "0001_a.down.sql")
    strict(monkeypatch, allow_destructive=True)
    assert run("down", "--to", "0")[1]["version"] == 0


@pytest.mark.usefixtures("contract")
def test_a_file_that_waits_is_judged_before_it_may_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict(monkeypatch)
    _, report = run("up", "--app-version", "1.0.0")
    assert (told(report), report["version"]) == (("refused", "destructive", False), 0)


def test_the_files_of_this_image_pass_a_strict_policy(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_DIRECT_URL", url)
    strict(monkeypatch)
    path = tmp_path / "report.json"
    assert main(["up", "--report", str(path)]) == 0
    report = json.loads(path.read_text())
    assert report["lint"]["errors"] == 0
    assert report["version"] == report["lint"]["checked"] == len(load())
