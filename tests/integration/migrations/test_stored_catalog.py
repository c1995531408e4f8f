"""What a run leaves of the catalog, and what is found changed later."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from migrations import fingerprint, runner
from migrations.attempts import Limits
from migrations.errors import MigrationFailed
from migrations.files import Migration, load
from migrations.report import Journal
from migrations.state import State, difference, read_state
from tests.support.stack import TestDatabase, TestStack

Pair = Callable[..., None]
Up = Callable[..., Awaitable[list[Migration]]]
ALONE = "-- transaction: false\n"


@pytest.fixture
def two(tmp_path: Path, pair: Pair) -> list[Migration]:
    pair("0001_a", "CREATE TABLE a (x int, note text); CREATE INDEX a_x ON a (x)", "DROP TABLE a")
    pair("0002_b", "CREATE TABLE b (x int)", "DROP TABLE b")
    return load(tmp_path)


@pytest.fixture
def up(url: str, two: list[Migration], limits: Limits) -> Up:
    """Applies these two, or those up to number `to`."""
    return partial(runner.up, url, two, limits)


async def read(url: str) -> State:
    return await read_state(url, with_catalog=True)


async def drift(url: str) -> list[str]:
    state = await read(url)
    assert state.stored and state.now
    return difference(state.stored, state.now)


async def test_each_run_stores_what_it_left(
    url: str, up: Up, two: list[Migration], limits: Limits
) -> None:
    journal = Journal()
    await up(to=1, journal=journal)
    first = await read(url)
    assert first.stored and first.now
    assert first.stored.sha256 == first.now.sha256 == journal.fingerprint
    await up()
    second = await read(url)
    assert second.stored and second.stored.version == 2
    assert second.stored.sha256 != first.stored.sha256
    await runner.down(url, two, limits, 1)
    third = await read(url)
    assert third.stored and (third.stored.version, third.stored.sha256) == (
        1,
        first.stored.sha256,
    )


async def test_without_asking_nothing_of_the_catalog_is_read(url: str, up: Up) -> None:
    await up()
    state = await read_state(url)
    assert (state.stored, state.now) == (None, None)


@pytest.fixture
async def lively(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> str:
    """A table of which much can change; the name of its database."""
    pair(
        "0001_a",
        """
        CREATE TABLE a (x int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "On" int DEFAULT 1,
            at timestamptz DEFAULT '2026-01-01 00:00:00+00', span interval DEFAULT '1 day 2:00',
            day date DEFAULT '2026-02-01', near float8 DEFAULT 0.1, raw bytea DEFAULT '\\x01ff');
        CREATE TABLE b (x int CONSTRAINT b_x REFERENCES a);
        CREATE TABLE days (at timestamptz) PARTITION BY RANGE (at);
        CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-01-02');
        CREATE VIEW v AS SELECT x, at FROM a WHERE at > '2026-01-01 00:00:00+00';
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
        """,
    )
    await runner.up(url, load(tmp_path), limits)
    return str(await conn.fetchval("SELECT current_database()"))


@pytest.mark.parametrize(
    "change",
    [
        "ALTER DATABASE {} SET timezone = 'America/New_York'",
        "ALTER DATABASE {} SET datestyle = 'SQL, DMY'",
        "ALTER DATABASE {} SET intervalstyle = 'iso_8601'",
        "ALTER DATABASE {} SET quote_all_identifiers = on",
        "ALTER DATABASE {} SET extra_float_digits = -10",
        "ALTER DATABASE {} SET bytea_output = 'escape'",
        "ALTER DATABASE {} SET search_path = pg_catalog",
        "INSERT INTO a (day) SELECT NULL FROM generate_series(1, 100)",
        "ANALYZE",
        "GRANT SELECT ON a TO PUBLIC",
        "ALTER TABLE a ALTER x RESTART WITH 1000",
    ],
)
async def test_what_changes_no_definition_is_no_drift(
    url: str, conn: asyncpg.Connection, lively: str, change: str
) -> None:
    await conn.execute(change.format(f'"{lively}"'))
    assert await drift(url) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE a FORCE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY"),
        ("ALTER TABLE a REPLICA IDENTITY NOTHING", "REPLICA IDENTITY NOTHING"),
        ("ALTER TABLE a ENABLE REPLICA TRIGGER t", "ENABLE REPLICA TRIGGER"),
        ("CREATE RULE r AS ON DELETE TO a DO INSTEAD NOTHING", "rule r on a was added"),
        ("ALTER TABLE b DISABLE TRIGGER ALL", "not enforced: triggers disabled"),
    ],
)
async def test_what_guards_the_data_is_part_of_the_catalog(
    url: str, stack: TestStack, lively: str, change: str, told: str
) -> None:
    stack.psql(change, lively)
    (line,) = await drift(url)
    assert told in line


async def test_what_was_changed_by_hand_is_told(url: str, up: Up, conn: asyncpg.Connection) -> None:
    await up()
    assert await drift(url) == []
    await conn.execute(
        "DROP INDEX a_x; ALTER TABLE a ADD COLUMN extra text; ALTER TABLE a DROP COLUMN note;"
        " ALTER TABLE b ALTER x SET NOT NULL; CREATE TABLE c (x serial PRIMARY KEY)"
    )
    assert await drift(url) == [
        "index a_x on a is gone",
        "sequence c_x_seq was added",
        "column a.note is gone: text",
        "column a.extra was added: text",
        "column b.x was changed: integer -> integer NOT NULL",
        "table c was added",
    ]


async def test_a_run_with_nothing_to_do_keeps_the_drift_in_sight(
    url: str, up: Up, conn: asyncpg.Connection
) -> None:
    await up()
    await conn.execute("DROP INDEX a_x")
    await up()
    assert await drift(url) == ["index a_x on a is gone"]


async def test_a_run_that_takes_a_drift_over_tells_it(
    url: str, up: Up, conn: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await up(to=1)
    await conn.execute("DROP INDEX a_x")
    await up()
    assert "changed since the last migration: index a_x on a is gone" in caplog.text
    assert await drift(url) == []


async def test_a_database_of_an_older_release_is_not_drifted_and_gets_its_catalog(
    url: str, up: Up, conn: asyncpg.Connection
) -> None:
    await up()
    await conn.execute("DROP TABLE schema_catalog")
    assert (await read(url)).stored is None
    await up()
    assert await drift(url) == []


@pytest.mark.parametrize("change", ["version = 1", "server = 9"])
async def test_a_catalog_of_another_version_or_server_is_not_compared(
    url: str, up: Up, conn: asyncpg.Connection, change: str
) -> None:
    await up()
    await conn.execute(f"UPDATE schema_catalog SET {change}")
    assert (await read(url)).stored is None
    await up()
    assert await drift(url) == []


async def test_a_run_that_fails_later_stores_what_it_did(
    tmp_path: Path, url: str, pair: Pair, two: list[Migration], limits: Limits
) -> None:
    pair("0003_c", "SELECT nothing")
    with pytest.raises(MigrationFailed):
        await runner.up(url, load(tmp_path), limits)
    assert await drift(url) == []


async def test_while_a_migration_is_in_doubt_nothing_is_compared(
    url: str, up: Up, conn: asyncpg.Connection
) -> None:
    await up()
    await conn.execute("UPDATE schema_migrations SET state = 'started' WHERE version = 2")
    assert (await read(url)).stored is None


async def test_a_catalog_that_cannot_be_stored_fails_no_migration(
    up: Up, conn: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await conn.execute("CREATE VIEW schema_catalog AS SELECT 1 AS version")
    assert len(await up()) == 2
    assert "could not store the catalog" in caplog.text


async def test_the_tables_of_the_runner_are_no_part_of_the_catalog(
    database: TestDatabase,
) -> None:
    state = await read(database.direct_url)
    assert state.stored and state.now
    assert difference(state.stored, state.now) == []
    now = await asyncio.to_thread(
        database.psql, "SELECT items::text LIKE '%schema_%ma%' FROM schema_catalog"
    )
    assert now.strip() == "f"


def looked_at(node: dict[str, Any]) -> float:
    """How many rows a plan and all below it handled, those it left out too."""
    removed = node.get("Rows Removed by Join Filter", 0) + node.get("Rows Removed by Filter", 0)
    here = (node["Actual Rows"] + removed) * node["Actual Loops"]
    return float(here + sum(map(looked_at, node.get("Plans", ()))))


async def test_many_tables_do_not_make_each_of_them_dearer(
    conn: asyncpg.Connection, stack: TestStack
) -> None:
    """A walk over pg_depend for each column took 10 s where there are 3000 tables."""
    name = await conn.fetchval("SELECT current_database()")
    query = fingerprint.Q["tables"].sql.replace("$1", "'public'")
    for n in range(300):
        await conn.execute(f"CREATE TABLE t{n} (a int GENERATED ALWAYS AS IDENTITY, b int)")
    stack.psql("ANALYZE", name)
    explained = await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
    assert looked_at(json.loads(explained)[0]["Plan"]) < 300 * 1000
