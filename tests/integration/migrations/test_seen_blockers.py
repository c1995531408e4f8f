"""Who keeps a runner waiting, seen from outside while it waits."""

import asyncio

import asyncpg

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
