"""What the resource names and what becomes of it: Secrets, ConfigMaps, databases, edited files."""

import asyncio

import pytest

from tests.operator.api import path
from tests.operator.conftest import MakeOperator
from tests.operator.files import RAN, note, pair, ran, table, tables
from tests.operator.place import KEY, Place, condition, eventually, is_true
from tests.operator.processes import Operator
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database


@pytest.fixture
def other(stack: TestStack, place: Place) -> TestDatabase:
    """A database to which the Secret can be changed; dropped with the stack."""
    return create_database(stack, f"{place.database.name}_b")


async def test_a_missing_secret_is_waited_for(place: Place, operator: Operator) -> None:
    await place.files(table(1))
    await place.apply()
    status = await place.reason("SecretNotFound")
    assert "db" in condition(status, "Ready")["message"]
    assert is_true(status, "Reconciling") and not is_true(status, "Stalled")
    assert await place.jobs() == []
    await place.secret(place.database.direct_url)
    await place.ready(currentVersion=1)


async def test_a_secret_without_the_key_is_waited_for(place: Place, operator: Operator) -> None:
    await place.start(table(1), database={"secretRef": {"name": "db", "key": "OTHER"}})
    status = await place.reason("SecretNotFound")
    assert "OTHER" in condition(status, "Ready")["message"]
    await place.apply(database={"secretRef": {"name": "db", "key": KEY}})
    await place.ready(currentVersion=1)


async def test_a_secret_that_leads_to_another_database_is_followed(
    place: Place, operator: Operator, other: TestDatabase
) -> None:
    await place.start(table(1))
    await place.ready()
    first = len(await place.jobs())
    await place.secret(other.direct_url)

    async def there() -> bool:
        return other.psql("SELECT to_regclass('t1') IS NOT NULL") == "t"

    await eventually(there, "the new database has the table")
    await place.ready()
    assert ran(other) == ["0001_t1"] == ran(place.database)
    assert len(await place.jobs()) == first + 1


async def test_a_secret_that_changes_while_a_job_runs_waits_for_its_end(
    place: Place, operator: Operator, other: TestDatabase
) -> None:
    slow = pair("0001_slow", f"{RAN};\nSELECT pg_sleep(3);\n{note('0001_slow')}")
    await place.start(slow)

    async def working() -> bool:
        return place.working("pg_sleep")

    await eventually(working, "the file runs")
    await place.secret(other.direct_url)

    async def there() -> bool:
        return other.psql("SELECT to_regclass('ran') IS NOT NULL") == "t"

    await eventually(there, "the new database is migrated")
    await place.ready(currentVersion=1)
    assert ran(place.database) == ["0001_slow"] == ran(other)
    assert len(await place.jobs()) == 2


async def test_two_resources_of_one_database_run_each_file_once(
    place: Place, operator: Operator
) -> None:
    await place.start(tables(3))
    await place.apply("twin")
    await place.ready(currentVersion=3)
    await place.ready("twin", currentVersion=3)
    assert ran(place.database) == ["0001_t1", "0002_t2", "0003_t3"]


async def test_a_password_that_is_not_encoded_is_told_and_shown_nowhere(
    place: Place, make_operator: MakeOperator
) -> None:
    operator = await make_operator()
    await place.secret("postgresql://migrator:hunter2#x@127.0.0.1:5432/app")
    await place.files(table(1))
    await place.apply()
    status = await place.reason("SecretNotFound")
    assert "%23" in condition(status, "Ready")["message"]
    said = f"{await place.resource()} {await place.events()} {operator.log.read_text()}"
    assert "hunter2" not in said
    await place.secret(place.database.direct_url)
    await place.ready(currentVersion=1)


async def test_files_that_are_no_text_are_not_left_out(place: Place, operator: Operator) -> None:
    await place.start(table(1))
    await place.ready()
    odd = {f"0002_latin.{way}.sql": "LS0g5A==" for way in ("up", "down")}
    where = path("configmaps", place.namespace, "sql")
    await place.api.patch(where, {"binaryData": odd})
    status = await place.stalled("SourceInvalid")
    assert "0002_latin.up.sql" in condition(status, "Stalled")["message"]


async def test_a_missing_source_is_waited_for(place: Place, operator: Operator) -> None:
    await place.secret(place.database.direct_url)
    await place.apply()
    status = await place.reason("SourceNotFound")
    assert "sql" in condition(status, "Ready")["message"]
    assert is_true(status, "Reconciling") and not is_true(status, "Stalled")
    await place.files(table(1))
    await place.ready(currentVersion=1)


async def test_a_database_that_is_not_up_yet_is_waited_for(
    stack: TestStack, place: Place, operator: Operator
) -> None:
    name = place.database.name
    drop_database(stack, name)
    await place.start(table(1), retries={"limit": 1})
    status = await place.reason("WaitingForDatabase")
    await asyncio.sleep(4)  # longer than all attempts of a failure would take
    status = await place.status()
    assert condition(status, "Ready")["reason"] == "WaitingForDatabase"
    assert not is_true(status, "Stalled")
    create_database(stack, name)
    await place.ready(currentVersion=1)


async def test_a_server_that_is_not_up_yet_is_waited_for(place: Place, operator: Operator) -> None:
    right = place.database.direct_url
    port = right.rsplit(":", 1)[1].split("/")[0]
    await place.secret(right.replace(f":{port}/", ":1/"))
    await place.files(table(1))
    await place.apply()
    status = await place.reason("WaitingForDatabase")
    assert "127.0.0.1:1" in condition(status, "Ready")["message"]
    await place.secret(right)
    await place.ready(currentVersion=1)


async def test_an_edited_file_stalls_until_it_is_restored(place: Place, operator: Operator) -> None:
    files = tables(2)
    await place.start(files)
    await place.ready()
    jobs = len(await place.jobs())
    edited = files["0001_t1.up.sql"] + "-- a harmless comment\n"
    await place.files(files | {"0001_t1.up.sql": edited})
    status = await place.stalled("ChecksumMismatch")
    message = condition(status, "Stalled")["message"]
    assert "0001_t1.up.sql" in message and "Restore" in message
    assert not is_true(status, "Ready")
    assert ran(place.database) == ["0001_t1", "0002_t2"]
    await place.files(files)
    await place.ready(currentVersion=2)
    assert len(await place.jobs()) <= jobs + 1


async def test_a_renamed_file_stalls(place: Place, operator: Operator) -> None:
    files = tables(1)
    await place.start(files)
    await place.ready()
    renamed = pair("0001_other", files["0001_t1.up.sql"], files["0001_t1.down.sql"])
    await place.files(renamed)
    status = await place.stalled("ChecksumMismatch")
    assert "0001_t1" in condition(status, "Stalled")["message"]


async def test_a_row_of_the_history_that_somebody_deletes_is_noticed(
    place: Place, operator: Operator
) -> None:
    await place.start(tables(2))
    await place.ready()
    place.database.psql("DELETE FROM schema_migrations WHERE version = 2")
    status = await place.until(
        lambda status: not is_true(status, "Ready"), "it no longer says Ready"
    )
    assert status["currentVersion"] == 1


async def test_a_checksum_that_somebody_changes_is_noticed(
    place: Place, operator: Operator
) -> None:
    await place.start(tables(2))
    await place.ready()
    place.database.psql("UPDATE schema_migrations SET sha256 = repeat('0', 64) WHERE version = 1")
    await place.stalled("ChecksumMismatch")


async def test_a_database_that_goes_away_is_not_ready_until_it_is_back(
    stack: TestStack, place: Place, operator: Operator
) -> None:
    await place.start(tables(2))
    await place.ready()
    jobs = len(await place.jobs())
    name = place.database.name
    stack.psql(f'ALTER DATABASE "{name}" RENAME TO "{name}_away"', "postgres")
    try:
        await place.reason("WaitingForDatabase")
    finally:
        stack.psql(f'ALTER DATABASE "{name}_away" RENAME TO "{name}"', "postgres")
    await place.ready(currentVersion=2)
    assert len(await place.jobs()) == jobs, "a look at the database is enough"
