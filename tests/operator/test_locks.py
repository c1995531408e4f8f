"""Locks: a blocked ALTER TABLE, a second runner, and a lock that is lost on the way."""

import asyncio
from typing import Any

from migrations.session import LOCK
from tests.operator.bystanders import at_work, bystander, holding, left
from tests.operator.files import held, joined, note, pair, ran, table
from tests.operator.place import Place, condition, is_true
from tests.operator.processes import Operator

SEEN: dict[str, Any] = {"backoffSeconds": 3, "backoffCapSeconds": 3}
"""A pause between attempts that is long enough to be seen."""
SEEABLE = {"lockSeconds": 1}
"""A wait that is long enough for the runner to see who keeps it waiting."""
READS_S = 30

ALTER = pair("0002_alter", "ALTER TABLE t1 ADD note text;\n" + note("0002_alter"))


async def test_a_blocked_alter_table_gives_up_and_names_the_blocker(
    place: Place, operator: Operator
) -> None:
    await place.start(table(1), timeouts=SEEABLE)
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
        await place.told("LockTimeout", "nightly report")
        assert len(await place.jobs()) == 3, "the first file's, the attempt's and the retry's"
        # what the issue fears: others queue behind the ALTER that waits
        async with asyncio.timeout(READS_S), bystander(place, "reader") as reader:
            await reader.execute("SELECT * FROM t1")
    await place.annotate(retry="the report is done")
    status = await place.ready(currentVersion=2)
    assert "blockers" not in status


async def test_a_blocked_alter_table_goes_through_once_the_blocker_ends(
    place: Place, operator: Operator
) -> None:
    await place.start(table(1), retries=SEEN | {"limit": 50})
    await place.ready()
    async with bystander(place) as conn, conn.transaction():
        await conn.execute("SELECT * FROM t1")
        await place.files(joined(table(1), ALTER))
        status = await place.reason("Retrying")
        assert status["failure"]["code"] == "lock_timeout"
    await place.ready(currentVersion=2)
    assert ran(place.database) == ["0001_t1", "0002_alter"]


async def test_another_runner_is_waited_for_and_named(place: Place, operator: Operator) -> None:
    async with bystander(place, "migrations by hand") as conn:
        await conn.execute("SELECT pg_advisory_lock($1)", LOCK)
        await place.start(table(1), retries=SEEN | {"limit": 0})
        waiting = await place.reason("WaitingForLock")
        assert waiting["blockers"][0]["application"] == "migrations by hand"
        assert not is_true(waiting, "Stalled"), "waiting for a runner is no failure"
        status = await place.reason("Progressing")
        assert status["attempt"] > waiting["attempt"], "it goes on although no retry is allowed"
    await place.ready(currentVersion=1)
    assert ran(place.database) == ["0001_t1"]


async def test_a_lost_session_is_tried_again_and_nothing_is_done_twice(
    place: Place, operator: Operator
) -> None:
    async with holding(place):
        await place.start(joined(table(1), held(2)))
        session = await at_work(place)
        place.database.psql(f"SELECT pg_terminate_backend({session})")
        await left(place, session)
    status = await place.ready(currentVersion=2)
    assert ran(place.database) == ["0001_t1", "0002_held"]
    assert status["attempt"] == 2
    await place.told("Attempt 1 failed")


async def test_sessions_that_are_always_lost_stall(place: Place, operator: Operator) -> None:
    suicide = pair("0002_dies", "SELECT pg_terminate_backend(pg_backend_pid());\n")
    await place.start(joined(table(1), suicide))
    status = await place.stalled("ConnectionLost")
    assert "0002_dies" in condition(status, "Stalled")["message"]
    assert place.version() == 1
