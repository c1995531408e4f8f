"""What the operator reads back."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from migrations import checks, runner
from migrations.attempts import Limits
from migrations.errors import DatabaseUnreachable, LockTimeout, NotPermitted, Pooler
from migrations.files import Migration, checksum, load
from migrations.state import read_state
from tests.support.stack import TestDatabase

Pair = Callable[..., None]


@pytest.fixture
def two(tmp_path: Path, pair: Pair) -> list[Migration]:
    pair("0001_a", "CREATE TABLE a (x int)", "DROP TABLE a")
    pair("0002_b", "CREATE TABLE b (x int)", "DROP TABLE b")
    return load(tmp_path)


async def test_an_empty_database_is_at_zero(url: str, conn: asyncpg.Connection) -> None:
    state = await read_state(url)
    assert (state.version, state.entries, state.in_doubt) == (0, (), ())
    assert await conn.fetchval("SELECT to_regclass('schema_migrations')") is None


async def test_version_and_checksum_are_those_of_the_files(
    url: str, two: list[Migration], limits: Limits
) -> None:
    await runner.up(url, two, limits)
    state = await read_state(url)
    assert (state.version, [e.label for e in state.entries]) == (2, ["0001_a", "0002_b"])
    assert state.checksum(2) == checksum(two, 2)
    assert state.checksum(1) == checksum(two, 1) != checksum(two, 2)
    await runner.down(url, two, limits, None)
    assert (await read_state(url)).version == 0


async def test_what_is_in_doubt_is_not_in_effect(
    url: str, conn: asyncpg.Connection, two: list[Migration], limits: Limits
) -> None:
    await runner.up(url, two, limits)
    await conn.execute("UPDATE schema_migrations SET state = 'started' WHERE version = 2")
    state = await read_state(url)
    assert (state.version, [e.version for e in state.in_doubt]) == (1, [2])
    assert state.checksum(2) == checksum(two, 1)


async def test_an_edited_row_has_another_checksum(
    url: str, conn: asyncpg.Connection, two: list[Migration], limits: Limits
) -> None:
    await runner.up(url, two, limits)
    await conn.execute("UPDATE schema_migrations SET sha256 = repeat('0', 64) WHERE version = 1")
    assert (await read_state(url)).checksum(2) != checksum(two, 2)


async def test_a_pooler_is_refused(
    empty_database: TestDatabase, two: list[Migration], limits: Limits
) -> None:
    with pytest.raises(Pooler):
        await read_state(empty_database.url)
    await runner.up(empty_database.direct_url, two, limits)
    with pytest.raises(Pooler):
        await read_state(empty_database.url)


async def test_a_database_that_does_not_answer_is_told(url: str) -> None:
    with pytest.raises(DatabaseUnreachable):
        await read_state("postgres://me@127.0.0.1:1/none")
    with pytest.raises(NotPermitted):
        await read_state(url.replace("@", "x@"))


async def test_a_table_that_is_locked_is_not_waited_for(
    url: str, conn: asyncpg.Connection, two: list[Migration], limits: Limits
) -> None:
    await runner.up(url, two, limits)
    await conn.execute("BEGIN; LOCK TABLE schema_migrations")
    with pytest.raises(DatabaseUnreachable, match=r"did not answer within 0.3 s"):
        await read_state(url, timeout_s=0.3)


async def test_one_connection_and_three_round_trips_are_enough(
    url: str, two: list[Migration], limits: Limits
) -> None:
    await runner.up(url, two, limits)
    parts = urlsplit(url)
    flights: list[bytes] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, onward = await asyncio.open_connection(parts.hostname, parts.port)

        async def answers() -> None:
            while data := await back.read(65536):
                writer.write(data)
            writer.close()

        answering = asyncio.create_task(answers())
        while data := await reader.read(65536):
            flights.append(data[:1])
            onward.write(data)
        onward.close()
        await answering

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await read_state(url.replace(f":{parts.port}/", f":{port}/"))).version == 2
    # one startup, then passwords (p); what follows asks, and X says goodbye
    assert flights.count(b"\x00") <= 2
    assert len([f for f in flights if f not in (b"\x00", b"p", b"X")]) <= 3


OLD = "ALTER TABLE schema_migrations DROP COLUMN min_app_version"


@pytest.fixture
def contracted(tmp_path: Path, pair: Pair) -> list[Migration]:
    pair("0001_a", "CREATE TABLE a (x int)", "DROP TABLE a")
    header = "-- phase: contract\n-- min_app_version: 1.2.0\n"
    pair("0002_b", f"{header}ALTER TABLE a DROP COLUMN x", "ALTER TABLE a ADD COLUMN x int")
    pair("0003_c", f"{header}-- transaction: false\nVACUUM a")
    return load(tmp_path)


async def test_contract_files_say_which_release_the_database_needs(
    url: str, contracted: list[Migration], limits: Limits
) -> None:
    await runner.up(url, contracted, limits, to=1)
    assert (await read_state(url)).min_app_version is None
    await runner.up(url, contracted, limits)
    state = await read_state(url)
    assert [e.min_app_version for e in state.entries] == [None, "1.2.0", "1.2.0"]
    assert state.min_app_version == "1.2.0"
    await runner.down(url, contracted, limits, 2)
    assert (await read_state(url)).min_app_version is None


async def test_a_history_of_an_older_release_is_read_and_brought_along(
    url: str, conn: asyncpg.Connection, contracted: list[Migration], limits: Limits
) -> None:
    await runner.up(url, contracted, limits, to=2)
    await conn.execute(OLD)
    assert (await read_state(url)).min_app_version is None
    assert await checks.wait(url, 1, 0, app="1.0.0") == 2
    await runner.up(url, contracted, limits, to=2)
    assert (await read_state(url)).min_app_version == "1.2.0"


async def test_the_history_is_not_locked_again_once_it_is_brought_along(
    url: str, conn: asyncpg.Connection, contracted: list[Migration], limits: Limits
) -> None:
    await runner.up(url, contracted, limits, to=2)
    await conn.execute("BEGIN; SELECT FROM schema_migrations")
    assert await runner.up(url, contracted, limits, to=2) == []
    await conn.execute("ROLLBACK")


async def test_a_history_that_cannot_be_brought_along_names_who_reads_it(
    url: str, conn: asyncpg.Connection, contracted: list[Migration], limits: Limits
) -> None:
    await runner.up(url, contracted, limits, to=1)
    await conn.execute(OLD)
    await conn.execute("BEGIN; SELECT FROM schema_migrations")
    with pytest.raises(LockTimeout, match="schema_migrations got no lock in 2 tries"):
        await runner.up(url, contracted, limits)
    await conn.execute("ROLLBACK")


async def test_an_older_release_writes_into_the_history(
    url: str, conn: asyncpg.Connection, contracted: list[Migration], limits: Limits
) -> None:
    await runner.up(url, contracted, limits, to=1)
    await conn.execute(
        "INSERT INTO schema_migrations (version, name, sha256, direction, state, applied_by)"
        " VALUES (2, $1, $2, 'up', 'applied', 'older')",
        *(contracted[1].name, contracted[1].up.sha256),
    )
    assert (await read_state(url)).version == 2
