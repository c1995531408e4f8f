"""What a person may ask for: less, more, nothing, a look first, and the rules for the files."""

import asyncio

from tests.operator.files import joined, pair, ran, table, tables
from tests.operator.place import Place, condition, is_true
from tests.operator.processes import Operator

DROP = pair("0002_drop", "DROP TABLE t1;\n", "CREATE TABLE t1 (id bigint PRIMARY KEY);\n")
INDEX = pair("0002_index", "CREATE INDEX t1_id ON t1 (id);\n", "DROP INDEX t1_id;\n")
RULE = "require-concurrent-index-creation"


async def test_a_database_ahead_of_the_target_is_ready_and_left_alone(
    place: Place, operator: Operator
) -> None:
    await place.start(tables(3))
    await place.ready()
    jobs = len(await place.jobs())
    await place.files(tables(2))
    status = await place.reason("Ahead")
    assert is_true(status, "Ready")
    assert (status["currentVersion"], status["targetVersion"]) == (3, 2)
    await place.quiet()
    assert place.version() == 3
    assert len(await place.jobs()) <= jobs + 1
    assert ran(place.database) == ["0001_t1", "0002_t2", "0003_t3"]


async def test_a_lower_target_version_goes_nowhere_by_itself(
    place: Place, operator: Operator
) -> None:
    await place.start(tables(3))
    await place.ready()
    await place.apply(targetVersion=1)
    status = await place.reason("Ahead")
    assert is_true(status, "Ready") and place.version() == 3


async def test_rollback_runs_the_down_files(place: Place, operator: Operator) -> None:
    await place.start(tables(3))
    await place.ready()
    await place.apply(rollback={"toVersion": 1}, policy={"allowDestructive": True})
    status = await place.ready(currentVersion=1)
    assert place.version() == 1
    assert place.database.psql("SELECT to_regclass('t2'), to_regclass('t1')") == "|t1"
    assert [one["version"] for one in status["applied"]] == [1]
    await place.apply()
    await place.ready(currentVersion=3)
    assert ran(place.database) == "0001_t1 0002_t2 0003_t3 0002_t2 0003_t3".split()


async def test_suspended_nothing_runs_until_it_is_resumed(place: Place, operator: Operator) -> None:
    await place.start(table(1), suspend=True)
    status = await place.reason("Suspended")
    assert not is_true(status, "Ready") and not is_true(status, "Stalled")
    await place.quiet()
    assert await place.jobs() == []
    await place.apply(suspend=False)
    await place.ready(currentVersion=1)


async def test_a_dry_run_tells_all_and_changes_nothing(place: Place, operator: Operator) -> None:
    await place.start(table(1))
    await place.ready()
    place.database.psql("INSERT INTO t1 SELECT generate_series(1, 1000); ANALYZE t1")
    alter = pair("0002_note", "ALTER TABLE t1 ADD note text;\n")
    await place.files(joined(table(1), alter))
    await place.apply(dryRun=True, policy={"lint": "warn"})
    status = await place.until(
        lambda status: (
            condition(status, "Ready").get("reason") == "DryRun" and bool(status.get("plan"))
        ),
        "the plan is in the status",
    )
    assert not is_true(status, "Ready")
    (file,) = status["plan"]["files"]
    assert file["file"] == "0002_note.up.sql"
    assert "ALTER TABLE t1 ADD note text" in file["sql"]
    assert {"mode": "AccessExclusiveLock", "relation": "t1"}.items() <= next(
        lock for lock in file["locks"] if "t1" in lock["relation"]
    ).items()
    (size,) = [table for table in status["plan"]["tables"] if "t1" in table["relation"]]
    assert size["rows"] == 1000 and size["bytes"] > 0
    assert place.version() == 1
    assert (
        place.database.psql(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = 't1'"
        )
        == "1"
    )
    await place.apply(dryRun=False)
    await place.ready(currentVersion=2)


async def test_a_dry_run_of_a_database_that_nothing_was_applied_to(
    place: Place, operator: Operator
) -> None:
    await place.start(tables(2), dryRun=True)
    status = await place.until(lambda status: bool(status.get("plan")), "the plan is there")
    assert len(status["plan"]["files"]) == 2
    assert place.database.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


async def test_lint_error_keeps_a_bad_file_from_running(place: Place, operator: Operator) -> None:
    await place.start(joined(table(1), INDEX), policy={"lint": "error"})
    status = await place.stalled("LintFailed")
    linted = condition(status, "Linted")
    assert linted["status"] == "False"
    assert "0002_index.up.sql" in linted["message"] and RULE in linted["message"]
    assert place.database.psql("SELECT to_regclass('t1') IS NULL") == "t", "nothing was run"


async def test_lint_warn_runs_it_and_says_so(place: Place, operator: Operator) -> None:
    await place.start(joined(table(1), INDEX), policy={"lint": "warn"})
    status = await place.ready(currentVersion=2)
    assert RULE in condition(status, "Linted")["message"]


async def test_lint_off_runs_it_and_says_nothing(place: Place, operator: Operator) -> None:
    await place.start(joined(table(1), INDEX), policy={"lint": "off"})
    status = await place.ready(currentVersion=2)
    assert RULE not in str(status)


async def test_an_exception_with_a_reason_lets_one_file_through(
    place: Place, operator: Operator
) -> None:
    given = [{"file": "0002_index.up.sql", "rule": RULE, "reason": "t1 is empty."}]
    await place.start(joined(table(1), INDEX), policy={"lint": "error", "exceptions": given})
    status = await place.ready(currentVersion=2)
    linted = condition(status, "Linted")
    assert linted["status"] == "True"
    assert "1 excepted" in linted["message"]


async def test_an_exception_for_another_file_lets_nothing_through(
    place: Place, operator: Operator
) -> None:
    given = [{"file": "0001_t1.up.sql", "rule": RULE, "reason": "The wrong file."}]
    await place.start(joined(table(1), INDEX), policy={"lint": "error", "exceptions": given})
    await place.stalled("LintFailed")


async def test_what_destroys_data_runs_only_when_allowed(place: Place, operator: Operator) -> None:
    await place.start(joined(table(1), DROP))
    status = await place.stalled("DestructiveNotAllowed")
    message = condition(status, "Stalled")["message"]
    assert "0002_drop.up.sql" in message and "allowDestructive" in message
    await asyncio.sleep(1)
    assert place.database.psql("SELECT to_regclass('schema_migrations') IS NULL") == "t"
    await place.apply(policy={"allowDestructive": True})
    await place.ready(currentVersion=2)
