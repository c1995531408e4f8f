"""Migrations that fail: what the status says, when it is tried again, and what resumes it."""

from tests.operator.files import joined, pair, ran, table, tables
from tests.operator.place import KEY, Place, condition, eventually, is_true
from tests.operator.processes import Operator

BROKEN = pair("0002_broken", "CREATE TABLE t2 (id bigint);\n\nALTER TABLE nowhere ADD note text;\n")


async def test_a_failed_statement_is_tried_again_then_stalls_and_says_why(
    place: Place, operator: Operator
) -> None:
    await place.start(joined(table(1), BROKEN))
    status = await place.stalled("StatementFailed")
    failure = status["failure"]
    assert failure["file"] == "0002_broken.up.sql"
    assert failure["line"] == 3
    assert "ALTER TABLE nowhere" in failure["statement"]
    assert 'relation "nowhere" does not exist' in failure["error"]
    assert failure["sqlstate"] == "42P01"
    stalled = condition(status, "Stalled")["message"]
    assert "0002_broken.up.sql" in stalled and "ucc-intel.io/retry" in stalled
    assert not is_true(status, "Ready") and not is_true(status, "Reconciling")
    assert len(await place.jobs()) == 2, "one retry was asked for"
    assert (status["currentVersion"], place.version()) == (1, 1)


async def test_between_attempts_it_says_when_the_next_one_is(
    place: Place, operator: Operator
) -> None:
    retries = {"limit": 5, "backoffSeconds": 60, "backoffCapSeconds": 60}
    await place.start(joined(table(1), BROKEN), retries=retries)
    status = await place.reason("Retrying")
    assert status["retryAt"] and status["attempt"] == 1
    assert is_true(status, "Reconciling")
    assert status["failure"]["file"] == "0002_broken.up.sql"


async def test_fixing_the_files_resumes(place: Place, operator: Operator) -> None:
    await place.start(joined(table(1), BROKEN))
    await place.stalled("StatementFailed")
    await place.files(tables(2))
    status = await place.ready(currentVersion=2)
    assert "failure" not in status
    assert condition(status, "Stalled") == {}
    assert ran(place.database) == ["0001_t1", "0002_t2"]


async def test_fixing_the_spec_resumes(place: Place, operator: Operator) -> None:
    await place.start(joined(table(1), BROKEN))
    await place.stalled("StatementFailed")
    await place.apply(targetVersion=1)
    await place.ready(currentVersion=1, targetVersion=1)


async def test_an_annotation_resumes(place: Place, operator: Operator) -> None:
    await place.start(joined(table(1), pair("0002_later", "INSERT INTO later VALUES (1);")))
    await place.stalled("StatementFailed")
    place.database.psql("CREATE TABLE later (id bigint)")
    before = len(await place.jobs())
    await place.annotate(retry="now")
    status = await place.ready(currentVersion=2)
    assert status["retryToken"] == "now"
    assert len(await place.jobs()) == before + 1


async def test_a_slow_statement_is_ended_by_its_timeout(place: Place, operator: Operator) -> None:
    slow = pair("0002_slow", "SELECT pg_sleep(60);\n")
    timeouts = {"statementSeconds": 1}
    await place.start(joined(table(1), slow), timeouts=timeouts, retries={"limit": 0})
    status = await place.stalled("StatementTimeout")
    assert status["failure"]["file"] == "0002_slow.up.sql"
    assert "statementSeconds" in condition(status, "Stalled")["message"]


async def test_the_overall_timeout_ends_the_attempt_and_the_session(
    place: Place, operator: Operator
) -> None:
    slow = pair("0002_slow", "SELECT pg_sleep(1);\n" * 300)
    timeouts = {"overallSeconds": 4, "statementSeconds": 4}
    await place.start(joined(table(1), slow), timeouts=timeouts, retries={"limit": 0})
    status = await place.stalled("DeadlineExceeded")
    assert "overallSeconds" in condition(status, "Stalled")["message"]
    await eventually(place.idle, "the killed attempt left the database")


async def test_files_that_are_no_migrations_stall_at_once(place: Place, operator: Operator) -> None:
    await place.start({"0001_lonely.up.sql": "SELECT 1;\n"})
    status = await place.stalled("SourceInvalid")
    assert "0001_lonely.down.sql" in condition(status, "Stalled")["message"]


async def test_a_target_beyond_the_files_stalls_at_once(place: Place, operator: Operator) -> None:
    await place.start(tables(2), targetVersion=3)
    status = await place.stalled("TargetUnknown")
    assert "3" in condition(status, "Stalled")["message"]
    await place.files(tables(3))
    await place.ready(currentVersion=3)


async def test_a_url_through_pgbouncer_is_refused(place: Place, operator: Operator) -> None:
    await place.secret(place.database.url)
    await place.files(table(1))
    await place.apply()
    status = await place.stalled("DirectUrlRequired")
    assert KEY in condition(status, "Stalled")["message"]
    await place.secret(place.database.direct_url)
    await place.ready(currentVersion=1)


async def test_a_wrong_password_names_the_secret(place: Place, operator: Operator) -> None:
    right = place.database.direct_url
    await place.secret(right.replace("@", "x@"))
    await place.files(table(1))
    await place.apply()
    status = await place.stalled("NotPermitted")
    message = condition(status, "Stalled")["message"]
    assert "db" in message and right.split(":")[2].split("@")[0] not in message
    await place.secret(right)
    await place.ready(currentVersion=1)


async def test_a_lone_statement_of_unknown_end_is_left_to_a_person(
    place: Place, operator: Operator
) -> None:
    await place.start(table(1))
    await place.ready()
    vacuum = "-- transaction: false\n\nVACUUM t1;\n"
    await place.files(joined(table(1), pair("0002_vacuum", vacuum)))
    await place.ready(currentVersion=2)
    place.database.psql("UPDATE schema_migrations SET state = 'started' WHERE version = 2")
    await place.annotate(retry="look")
    status = await place.stalled("InDoubt")
    assert "0002_vacuum" in condition(status, "Stalled")["message"]
    place.database.psql("UPDATE schema_migrations SET state = 'applied' WHERE version = 2")
    await place.annotate(retry="settled")
    await place.ready(currentVersion=2)
