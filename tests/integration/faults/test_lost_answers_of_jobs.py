"""A worker whose database does something and cannot say so: every effect happens once all the same.

The connection breaks after the server has done a step of a job and before it could tell.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.common.db import Database
from services.common.errors import Unavailable
from services.common.jobs import Done, FanOut, JobContext, Outcome, Snooze, enqueue
from services.common.sql import Query
from services.jobs.sweeper import expire_leases
from tests.integration.jobs.support import job, pool_of, row, sql
from tests.support.proxy import Proxy, proxied
from tests.support.stack import TestDatabase
from tests.support.waiting import PATIENCE_S

EFFECT = Query("test_effect", "INSERT INTO effects (job_id) VALUES ($1)")
CHILDREN = 3
COMMIT = b"COMMIT;"


@pytest.fixture
async def proxy(database: TestDatabase) -> AsyncIterator[Proxy]:
    """What stands between the worker and PgBouncer."""
    async with proxied(database.url) as made:
        yield made


@pytest.fixture
async def worker(proxy: Proxy) -> AsyncIterator[Database]:
    """The worker's pool: one connection, so that it has met every statement before the fault."""
    pool = await Database.connect(proxy.url, max_size=1)
    yield pool
    await pool.close()


@pytest.fixture
async def direct(database: TestDatabase) -> AsyncIterator[Database]:
    """The way of the test itself, which nothing breaks."""
    pool = await Database.connect(database.direct_url, max_size=2)
    yield pool
    await pool.close()


async def write(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    """One row, in the transaction of the success."""
    async with ctx.db.transaction() as tx:
        await tx.execute(EFFECT, ctx.job.id)
        return await ctx.complete(tx, {})


async def nothing(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    return Done({})


async def parent(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    if ctx.children:
        return Done({})
    return FanOut([job("write", max_attempts=9) for _ in range(CHILDREN)])


async def second_time(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    if ctx.job.attempt == 1:
        raise Unavailable("not yet", retry_after=0)
    return Done({})


async def later(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    return Done({}) if ctx.job.progress else Snooze(0, {"seen": 1})


HANDLERS = {
    "write": write, "nothing": nothing, "parent": parent, "second_time": second_time,
    "later": later,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "said", "effects"),
    [
        pytest.param("write", b"SKIP LOCKED", 1, id="claim"),
        pytest.param("write", COMMIT, 1, id="effect and success"),
        pytest.param("nothing", b"AS done (id, fence, result)", 0, id="success"),
        pytest.param("parent", COMMIT, CHILDREN, id="fan-out"),
        pytest.param("second_time", b"INSERT INTO job_attempts", 0, id="retry"),
        pytest.param("later", b"'snoozed'", 0, id="snooze"),
    ],
)
async def test_a_step_whose_answer_is_lost_happens_once(
    proxy: Proxy, worker: Database, direct: Database, kind: str, said: bytes, effects: int
) -> None:
    await sql(direct, "CREATE TABLE effects (job_id bigint)")
    options = {"lease_s": 1, "heartbeat_s": 0.3, "poll_s": 60}
    async with pool_of(worker, HANDLERS, concurrency=1, **options) as pool:

        async def ended(job_id: int) -> dict[str, Any]:
            async with asyncio.timeout(PATIENCE_S):
                while (found := await row(direct, job_id))["state"] not in ("succeeded", "dead"):
                    pool.wake.set()
                    await expire_leases(direct)
                    await asyncio.sleep(0.05)
            return found

        for each in HANDLERS:
            await ended(await enqueue(direct, job(each, max_attempts=9)))
        await asyncio.sleep(0.2)
        await sql(direct, "TRUNCATE effects")
        known = (await sql(direct, "SELECT max(id) AS id FROM jobs"))[0]["id"]
        proxy.cut_after(said)
        job_id = await enqueue(direct, job(kind, max_attempts=9))
        pool.wake.set()
        assert (await ended(job_id))["state"] == "succeeded"
        assert proxy.cuts == 1
    made = await sql(direct, "SELECT state FROM jobs WHERE id > $1", known)
    assert [each["state"] for each in made] == ["succeeded"] * (1 + effects * (kind == "parent"))
    found = await sql(direct, "SELECT count(*), count(DISTINCT job_id) AS jobs FROM effects")
    assert (found[0]["count"], found[0]["jobs"]) == (effects, effects)
