"""Asking for work: order, deduplication, one transaction with the change that asks."""

import asyncio

import pytest

from services.common import context
from services.common.context import Principal
from services.common.db import Database
from services.common.jobs import enqueue, enqueue_many, publish
from services.common.types import Role
from tests.integration.jobs.support import job, row, sql


async def test_ids_come_in_the_order_of_the_jobs(db: Database) -> None:
    ids = await enqueue_many(db, [job(args={"n": n}) for n in range(500)])
    rows = await sql(db, "SELECT id, (args->>'n')::int AS n FROM jobs ORDER BY n")
    assert [each["id"] for each in rows] == ids == sorted(ids)


async def test_a_live_job_is_met_by_its_dedupe_key(db: Database) -> None:
    first = await enqueue(db, job(dedupe_key="k"))
    ids = await enqueue_many(db, [job(dedupe_key=k) for k in ("new", "k", None, "new", None)])
    assert ids[1] == first
    assert ids[0] == ids[3]
    assert len(set(ids)) == 4
    assert (await sql(db, "SELECT count(*) AS n FROM jobs"))[0]["n"] == 4


async def test_a_finished_job_does_not_hold_its_dedupe_key(db: Database) -> None:
    first = await enqueue(db, job(dedupe_key="k"))
    await sql(db, "UPDATE jobs SET state = 'cancelled', finished_at = now()")
    assert await enqueue(db, job(dedupe_key="k")) != first


async def test_two_at_once_make_one_job(db: Database) -> None:
    ids = await asyncio.gather(*(enqueue(db, job(dedupe_key="k")) for _ in range(20)))
    assert len(set(ids)) == 1


async def test_a_transaction_that_fails_leaves_neither_job_nor_message(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await enqueue(tx, job())
            await publish(tx, "prospects.changed", [{"id": 1}])
            raise ZeroDivisionError
    assert not await sql(db, "SELECT id FROM jobs UNION ALL SELECT id FROM outbox")


async def test_who_asked_is_kept(db: Database) -> None:
    context.request_id.set("r-1")
    context.principal.set(Principal("u-1", Role.ANALYST))
    asked = await row(db, await enqueue(db, job()))
    context.principal.set(None)
    context.job_id.set(7)
    child = await row(db, await enqueue(db, job()))
    assert (asked["request_id"], asked["created_by"], child["created_by"]) == (
        "r-1",
        "u-1",
        "job:7",
    )


async def test_published_messages_wait_in_their_order(db: Database) -> None:
    await publish(db, "prospects.changed", [{"n": n} for n in range(3)], key="k")
    rows = await sql(db, "SELECT topic, key, payload FROM outbox ORDER BY id")
    assert rows == [
        {"topic": "prospects.changed", "key": "k", "payload": {"n": n}} for n in range(3)
    ]
