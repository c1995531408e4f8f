"""A file runs the same after others as alone, whatever they set, and whatever the role sets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from migrations import runner
from migrations.attempts import Limits
from migrations.errors import StatementFailed
from migrations.files import load
from migrations.report import Journal
from tests.stack.config import ROLE
from tests.support.stack import TestDatabase, TestStack

Pair = Callable[..., None]


@pytest.fixture
def owner(stack: TestStack, empty_database: TestDatabase) -> Iterator[str]:
    """A role that may make tables and that the runner may act as, as on a managed server."""
    name, place = f"owner_{empty_database.name}", empty_database.name
    stack.psql(
        f"CREATE ROLE {name}; GRANT {name} TO {ROLE}; GRANT ALL ON SCHEMA public TO {name}", place
    )
    yield name
    stack.psql(f"SET ROLE none; DROP OWNED BY {name} CASCADE; DROP ROLE {name}", place)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("SELECT pg_catalog.set_config('search_path', '', false)", "CREATE TABLE b ()"),
        ("SET default_transaction_read_only = on", "CREATE TABLE b ()"),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "CREATE TABLE b ()"),
        (
            "CREATE TABLE b (); CREATE TEMP TABLE b ()",
            "ALTER TABLE b ADD x int; SELECT x FROM public.b",
        ),
    ],
)
@pytest.mark.parametrize("dry", [False, True], ids=["up", "plan"])
async def test_what_a_file_sets_ends_with_it(
    tmp_path: Path, url: str, pair: Pair, limits: Limits, first: str, second: str, dry: bool
) -> None:
    pair("0001_a", first)
    pair("0002_b", second)
    if dry:
        await runner.plan(url, load(tmp_path), limits, journal=Journal())
    else:
        assert len(await runner.up(url, load(tmp_path), limits)) == 2


@pytest.mark.parametrize("how", ["SET LOCAL ROLE", "SET ROLE"])
async def test_a_file_may_act_as_the_owner_of_its_tables(
    tmp_path: Path,
    url: str,
    conn: asyncpg.Connection,
    pair: Pair,
    limits: Limits,
    owner: str,
    how: str,
) -> None:
    pair("0001_a", f"{how} {owner}; CREATE TABLE a ()")
    pair("0002_b", "CREATE TABLE b ()")
    await runner.up(url, load(tmp_path), limits)
    owners = (
        "SELECT relname::text, relowner::regrole::text = $1 FROM pg_class WHERE relname = ANY ($2)"
    )
    assert {*await conn.fetch(owners, owner, ["a", "b"])} == {("a", True), ("b", False)}


async def test_a_role_that_the_database_sets_for_the_session_is_kept(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits, owner: str
) -> None:
    name = await conn.fetchval("SELECT current_database()")
    await conn.execute(f'ALTER DATABASE "{name}" SET role = {owner}')
    pair("0001_a", "CREATE TABLE a ()")
    pair("0002_b", "CREATE TABLE b ()")
    await runner.up(url, load(tmp_path), limits)
    await runner.plan(url, load(tmp_path), limits, journal=Journal())
    assert (
        await conn.fetchval("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'b'")
        == owner
    )


async def test_a_file_that_gives_the_runners_lock_away_is_rolled_back(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    pair("0001_a", "CREATE TABLE a (); SELECT pg_advisory_unlock_all()")
    with pytest.raises(StatementFailed, match="gave the runners' lock away"):
        await runner.up(url, load(tmp_path), limits)
    assert await conn.fetchval("SELECT to_regclass('a')") is None


async def test_timeouts_that_the_database_sets_for_idle_sessions_end_no_run(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    name = await conn.fetchval("SELECT current_database()")
    timeouts = ("idle_session_timeout", "idle_in_transaction_session_timeout")
    for timeout in timeouts:
        await conn.execute(f'ALTER DATABASE "{name}" SET {timeout} = 5000')
    shown = ", ".join(f"current_setting('{t}') AS {t}" for t in timeouts)
    pair("0001_a", f"CREATE TABLE a AS SELECT {shown}")
    await runner.up(url, load(tmp_path), limits)
    assert tuple(await conn.fetchrow("TABLE a")) == ("0", "0")


async def test_backslashes_in_strings_are_read_as_the_runner_reads_them(
    tmp_path: Path, url: str, conn: asyncpg.Connection, pair: Pair, limits: Limits
) -> None:
    name = await conn.fetchval("SELECT current_database()")
    await conn.execute(f'ALTER DATABASE "{name}" SET standard_conforming_strings = off')
    pair("0001_a", r"CREATE TABLE a AS SELECT 'C:\' AS x; CREATE TABLE b AS SELECT ';' AS x")
    await runner.up(url, load(tmp_path), limits)
    assert await conn.fetchval("SELECT x FROM a") == "C:\\"
