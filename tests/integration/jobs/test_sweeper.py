"""What the sweeper heals: leases of workers that died, parents that nobody woke; and its gauges."""

import asyncio

from services.common import metrics
from services.common.db import Database
from services.common.jobs import Done, FanOut, enqueue, enqueue_many, publish
from services.common.kafka.ledger import Ledger
from services.jobs import store_queues
from services.jobs.sweeper import expire_leases, sweep
from tests.integration.jobs.support import QUEUE, job, row, sql


async def claimed_and_expired(db: Database, number: int = 1) -> None:
    """Jobs held by a worker that has died."""
    await Ledger(db, "dead-worker").claim(QUEUE, number)
    await sql(
        db,
        "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL",
    )


async def test_a_job_of_a_dead_worker_is_tried_again(db: Database) -> None:
    job_id = await enqueue(db, job())
    await claimed_and_expired(db)
    await sweep(db)
    stored = await row(db, job_id)
    assert (stored["state"], stored["attempt"], stored["lease_until"]) == ("retryable", 1, None)
    assert stored["error"]["message"] == "lease expired"
    assert [claim.job.id for claim in await Ledger(db, "w").claim(QUEUE, 1)] == [job_id]


async def test_the_attempt_of_a_dead_worker_is_kept(db: Database) -> None:
    job_id = await enqueue(db, job())
    await claimed_and_expired(db)
    await sweep(db)
    (kept,) = await sql(db, "SELECT * FROM job_attempts WHERE job_id = $1", job_id)
    assert (kept["outcome"], kept["worker"]) == ("retryable", "dead-worker")
    assert kept["started_at"] and kept["error"]["class"] == "LeaseExpired"


async def test_the_last_try_of_a_dead_worker_is_the_end(db: Database) -> None:
    job_id = await enqueue(db, job(max_attempts=1))
    await claimed_and_expired(db)
    await sweep(db)
    stored = await row(db, job_id)
    assert (stored["state"], stored["error"]["message"]) == ("dead", "lease expired")
    assert stored["finished_at"]


async def test_a_held_job_is_left_alone(db: Database) -> None:
    job_id = await enqueue(db, job())
    await Ledger(db, "w").claim(QUEUE, 1)
    await sweep(db)
    assert (await row(db, job_id))["state"] == "running"


async def test_a_job_locked_by_its_handler_is_left_alone(db: Database) -> None:
    await enqueue(db, job())
    await claimed_and_expired(db)
    async with db.transaction() as tx:
        await sql(tx, "SELECT 1 FROM jobs FOR NO KEY UPDATE")
        assert await expire_leases(db) == []


async def test_two_sweepers_take_back_each_lease_once(db: Database) -> None:
    await enqueue_many(db, [job() for _ in range(300)])
    await claimed_and_expired(db, 300)
    taken = await asyncio.gather(*(expire_leases(db) for _ in range(4)))
    assert sum(map(len, taken)) == 300


async def test_a_parent_that_nobody_woke_is_woken(db: Database) -> None:
    ledger = Ledger(db, "w")
    parent = await enqueue(db, job("parent"))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.record(claim.job, FanOut([job("child")]))
    (child,) = await ledger.claim(QUEUE, 1)
    await ledger.record(child.job, Done({"n": 2}))
    await sweep(db)
    stored = await row(db, parent)
    assert (stored["state"], stored["progress"]) == ("queued", {"n": 2})


async def test_a_child_that_dies_with_its_worker_wakes_the_parent(db: Database) -> None:
    ledger = Ledger(db, "w")
    parent = await enqueue(db, job("parent"))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.record(claim.job, FanOut([job("child", max_attempts=1)]))
    await claimed_and_expired(db)
    await sweep(db)
    (again,) = await ledger.claim(QUEUE, 1)
    assert (again.job.id, again.children) == (parent, {"dead": 1})


async def test_gauges_tell_depth_age_and_dead(db: Database) -> None:
    await enqueue_many(db, [job(), job(), job(max_attempts=1, priority=1)])
    await claimed_and_expired(db)
    await sql(db, "UPDATE jobs SET run_at = now() - interval '1 minute' WHERE state = 'queued'")
    await publish(db, "prospects.changed", [{"n": 1}])
    await sql(db, "UPDATE outbox SET created_at = now() - interval '1 minute'")
    await store_queues.pause(db, QUEUE)
    await sweep(db)
    assert metrics.queue_paused.labels(QUEUE)._value.get() == 1
    assert metrics.queue_paused.labels("ingestion")._value.get() == 0
    assert 59 < metrics.relay_lag_seconds._value.get() < 70
    assert metrics.job_queue_depth.labels(QUEUE)._value.get() == 2
    assert 59 < metrics.job_oldest_seconds.labels(QUEUE)._value.get() < 70
    assert metrics.jobs_dead.labels(QUEUE)._value.get() == 1
    assert metrics.job_queue_depth.labels("ingestion")._value.get() == 0
