"""Who keeps a runner waiting, seen from outside while it waits."""

import asyncio

import asyncpg

from migrations.session import Backend, Q
from migrations.state import read_blockers
from tests.integration.migrations.support import until


async def test_the_session_that_a_runner_waits_for_is_named(url: str) -> None:
    names = [{"application_name": n} for n in ("migrations pod:1", "nightly report", "reader")]
    runner, report, reader = [await asyncpg.connect(url, server_settings=n) for n in names]
    try:
        await report.execute("CREATE TABLE t (id bigint)")
        await report.execute("BEGIN; LOCK TABLE t")
        waiting = [asyncio.create_task(c.execute("TABLE t")) for c in (runner, reader)]

        async def seen() -> list[tuple[int, str | None]]:
            return [(b.pid, b.application_name) for b in await read_blockers(url)]

        await until(seen, [(report.get_server_pid(), "nightly report")])
        await report.execute("COMMIT")
        await asyncio.gather(*waiting)
        assert await read_blockers(url) == []
    finally:
        for conn in (runner, report, reader):
            conn.terminate()


async def test_where_nothing_can_be_seen_nobody_is() -> None:
    assert await read_blockers("postgresql://nobody@127.0.0.1:1/none", timeout_s=1) == []


async def test_a_prepared_transaction_is_named_though_no_session_shows_it(
    conn: asyncpg.Connection,
) -> None:
    # The server of the tests allows none: these two stand where PostgreSQL's own would be found.
    await conn.execute(
        "SET search_path = public, pg_catalog;"
        " CREATE FUNCTION pg_blocking_pids(integer) RETURNS integer[] LANGUAGE sql"
        " AS 'SELECT ARRAY[0, 0]'; CREATE VIEW pg_prepared_xacts AS SELECT 'order 7'::text AS gid,"
        " now() AS prepared, 'shop'::name AS owner, current_database() AS database"
    )
    (row,) = await conn.fetch(Q["blockers"].sql, 1)
    told = str(Backend(**row))
    assert told.startswith("pid 0 (prepared transaction, prepared for 0 s): ")
    assert told.endswith("ROLLBACK PREPARED ends it: 'order 7'")


def test_what_a_plain_role_may_not_see_is_said() -> None:
    hidden = Backend(7, "app", None, None, "<insufficient privilege>", None)
    assert str(hidden) == "pid 7 (app): more only to a role with pg_read_all_stats"
