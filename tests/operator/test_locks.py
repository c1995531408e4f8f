"""Locks: a blocked ALTER TABLE, a second runner, and a lock that is lost on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from migrations.session import LOCK
from tests.operator.files import joined, note, pair, ran, table
from tests.operator.place import Place, condition, eventually, is_true
from tests.operator.processes import Operator

SEEN: dict[str, Any] = {"backoffSeconds": 3, "backoffCapSeconds": 3}
"""A pause between attempts that is long enough to be seen."""

ALTER = pair("0002_alter", "ALTER TABLE t1 ADD note text;\n" + note("0002_alter"))


@asynccontextmanager
async def bystander(
    place: Place, name: str = "nightly report"
) -> AsyncIterator[asyncpg.Connection]:
    """A session of somebody else."""
    settings = {"application_name": name}
    conn = await asyncpg.connect(place.database.direct_url, server_settings=settings)
    try:
        yield conn
    finally:
        await conn.close()


async def test_a_blocked_alter_table_gives_up_and_names_the_blocker(
    place: Place, operator: Operator
) -> None:
    await place.start(table(1))
    await place.ready()
    async with bystander(place) as conn, conn.transaction():
        await conn.execute("SELECT * FROM t1")
        await place.files(joined(table(1), ALTER))
        status = await place.stalled("LockTimeout")
        (blocker,) = status["blockers"]
        assert blocker["pid"] == conn.get_server_pid()
        assert blocker["application"] == "nightly report"
        assert blocker["state"] == "idle in transaction"
        assert "SELECT * FROM t1" in blocker["query"]
        assert status["failure"]["file"] == "0002_alter.up.sql"
        told = [note for _, note in await place.events()]
        assert any("nightly report" in note for note in told), told
        assert len(await place.jobs()) == 3, "the first file's, the attempt's and the retry's"
        # what the issue fears: others queue behind the ALTER that waits
        async with asyncio.timeout(5):
            await asyncpg_select(place)
    await place.annotate(retry="the report is done")
    status = await place.ready(currentVersion=2)
    assert "blockers" not in status


async def asyncpg_select(place: Place) -> None:
    """A reader that comes while the migration has given up."""
    async with bystander(place, "reader") as conn:
        await conn.execute("SELECT * FROM t1")


async def test_a_blocked_alter_table_goes_through_once_the_blocker_ends(
    place: Place, operator: Operator
) -> None:
    await place.start(table(1))
    await place.ready()
    async with bystander(place) as conn, conn.transaction():
        await conn.execute("SELECT * FROM t1")
        await place.files(joined(table(1), ALTER))
        await place.apply(retries=SEEN | {"limit": 50})
        status = await place.reason("Retrying")
        assert status["failure"]["code"] == "lock_timeout"
    await place.ready(currentVersion=2)
    assert ran(place.database) == ["0001_t1", "0002_alter"]


async def test_another_runner_is_waited_for_and_named(place: Place, operator: Operator) -> None:
    async with bystander(place, "migrations by hand") as conn:
        await conn.execute("SELECT pg_advisory_lock($1)", LOCK)
        await place.start(table(1), retries=SEEN)
        status = await place.reason("WaitingForLock")
        assert status["blockers"][0]["application"] == "migrations by hand"
        assert not is_true(status, "Stalled")
        await place.reason("Progressing")
        await place.reason("WaitingForLock")
        status = await place.status()
        assert not is_true(status, "Stalled"), "waiting for a runner is no failure"
    await place.ready(currentVersion=1)
    assert ran(place.database) == ["0001_t1"]


async def test_a_lost_session_is_tried_again_and_nothing_is_done_twice(
    place: Place, operator: Operator
) -> None:
    slow = pair("0002_slow", "SELECT pg_sleep(3);\n" + note("0002_slow"))
    await place.start(joined(table(1), slow), retries=SEEN)

    async def asleep() -> bool:
        return place.database.psql(SLEEPERS) != ""

    await eventually(asleep, "the second file runs")
    pid = place.database.psql(SLEEPERS)
    place.database.psql(f"SELECT pg_terminate_backend({pid})")
    status = await place.ready(currentVersion=2)
    assert ran(place.database) == ["0001_t1", "0002_slow"]
    assert status["attempt"] == 2

    async def told() -> bool:
        return any("Attempt 1 failed" in note for _, note in await place.events())

    await eventually(told, "an Event tells why there was a second attempt")


async def test_sessions_that_are_always_lost_stall(place: Place, operator: Operator) -> None:
    suicide = pair("0002_dies", "SELECT pg_terminate_backend(pg_backend_pid());\n")
    await place.start(joined(table(1), suicide))
    status = await place.stalled("ConnectionLost")
    assert "0002_dies" in condition(status, "Stalled")["message"]
    assert place.version() == 1


SLEEPERS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'migrations %' AND query LIKE '%pg_sleep%' AND state = 'active'"
)
