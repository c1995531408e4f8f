"""Queues that a person pauses or limits: every worker follows, all workers together."""

import asyncio
from itertools import chain
from time import monotonic

import pytest

from services.common.db import Database
from services.common.jobs import Done, enqueue, enqueue_many
from services.common.kafka.ledger import Ledger
from services.jobs import store_queues
from services.jobs.models_queues import QueueLimits
from services.jobs.publisher import Publisher
from services.jobs.relay import Relay
from services.jobs.settings import RelaySettings
from tests.integration.jobs.support import QUEUE, done, job, pool_of, row, sql, until_state


@pytest.fixture
def ledger(db: Database) -> Ledger:
    return Ledger(db, "w1")


async def test_a_paused_queue_begins_nothing_and_goes_on_when_resumed(
    db: Database, ledger: Ledger
) -> None:
    first, second = await enqueue_many(db, [job(), job()])
    (running,) = await ledger.claim(QUEUE, 1)
    await store_queues.pause(db, QUEUE, "the source is down")
    assert await ledger.claim(QUEUE, 5) == []
    assert await ledger.record(running.job, Done()) == "succeeded"
    await store_queues.resume(db, QUEUE)
    assert [claim.job.id for claim in await ledger.claim(QUEUE, 5)] == [second]
    assert first == running.job.id


async def test_a_pause_holds_no_other_queue(db: Database, ledger: Ledger) -> None:
    await store_queues.pause(db, "ingestion")
    job_id = await enqueue(db, job())
    assert [claim.job.id for claim in await ledger.claim(QUEUE, 5)] == [job_id]


async def test_a_pool_follows_within_two_seconds(db: Database) -> None:
    await store_queues.pause(db, QUEUE)
    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": done}, poll_s=1):
        await asyncio.sleep(0.3)
        assert (await row(db, job_id))["state"] == "queued"
        await store_queues.resume(db, QUEUE)
        await until_state(db, job_id, "succeeded")


async def test_a_limit_counts_over_all_workers(db: Database) -> None:
    await enqueue_many(db, [job() for _ in range(40)])
    await store_queues.limit(db, QUEUE, QueueLimits(concurrency=3))
    workers = [Ledger(db, f"w{n}") for n in range(6)]
    claims = list(chain(*await asyncio.gather(*(each.claim(QUEUE, 5) for each in workers))))
    assert len(claims) == 3
    await workers[0].record(claims[0].job, Done())
    assert len(await workers[1].claim(QUEUE, 5)) == 1


async def test_a_rate_counts_over_all_workers(db: Database) -> None:
    await enqueue_many(db, [job() for _ in range(60)])
    await store_queues.limit(db, QUEUE, QueueLimits(rate=5))
    begun = monotonic()
    await sql(db, "UPDATE queues SET refilled_at = now() - interval '1 hour'")
    workers = [Ledger(db, f"w{n}") for n in range(4)]
    claims = await asyncio.gather(*(each.claim(QUEUE, 4) for each in workers))
    assert 5 <= sum(map(len, claims)) <= 5 + 5 * (monotonic() - begun)
    begun = monotonic()
    await sql(db, "UPDATE queues SET refilled_at = now() - interval '0.5 seconds', tokens = 0")
    assert 2 <= len(await workers[0].claim(QUEUE, 9)) <= 2.5 + 5 * (monotonic() - begun)


async def test_a_slow_rate_lets_a_job_through_at_times(db: Database, ledger: Ledger) -> None:
    await enqueue_many(db, [job(), job(), job()])
    await store_queues.limit(db, QUEUE, QueueLimits(rate=0.01))
    assert await ledger.claim(QUEUE, 5) == []
    await sql(db, "UPDATE queues SET refilled_at = now() - interval '150 seconds'")
    assert len(await ledger.claim(QUEUE, 5)) == 1


async def test_limits_can_be_taken_away_one_by_one(db: Database, ledger: Ledger) -> None:
    await enqueue_many(db, [job() for _ in range(9)])
    await store_queues.limit(db, QUEUE, QueueLimits(concurrency=2, rate=0.01))
    queue = await store_queues.limit(db, QUEUE, QueueLimits(rate=None))
    assert (queue.concurrency, queue.rate) == (2, None)
    assert len(await ledger.claim(QUEUE, 9)) == 2
    await store_queues.limit(db, QUEUE, QueueLimits(concurrency=None))
    assert len(await ledger.claim(QUEUE, 9)) == 7


async def test_the_relay_sends_no_permits_of_a_paused_queue(
    db: Database, relay_settings: RelaySettings, publisher: Publisher
) -> None:
    sent: list[str] = []

    class Noting(Publisher):
        async def send(self, records: object) -> None:
            sent.extend(record.topic for record in records)  # type: ignore[attr-defined]

    relay = Relay(relay_settings, db, Noting("nowhere"))
    await enqueue(db, job())
    await store_queues.pause(db, QUEUE)
    await relay.send_permits()
    assert sent == []
    await store_queues.resume(db, QUEUE)
    await relay.send_permits()
    assert sent == [f"jobs.{QUEUE}"]


async def test_what_was_set_is_in_the_audit_trail(db: Database) -> None:
    await store_queues.pause(db, QUEUE, "why")
    await store_queues.pause(db, QUEUE, "why")
    await store_queues.limit(db, QUEUE, QueueLimits(concurrency=2))
    rows = await sql(db, "SELECT action, before, after FROM audit_logs ORDER BY id")
    assert [each["action"] for each in rows] == ["pause", "limit"]
    assert (rows[0]["before"]["paused"], rows[0]["after"]["paused"]) == (False, True)
    assert rows[1]["after"]["concurrency"] == 2


async def test_the_list_tells_what_waits(db: Database, ledger: Ledger) -> None:
    await enqueue_many(db, [job(), job(), job()])
    await ledger.claim(QUEUE, 1)
    await sql(
        db,
        "UPDATE jobs SET run_at = now() + interval '1 hour' WHERE id IN"
        " (SELECT max(id) FROM jobs WHERE state = 'queued')",
    )
    found = {queue.name: queue for queue in (await store_queues.every(db)).queues}
    queue = found[QUEUE]
    assert (queue.due, queue.later, queue.running, queue.dead) == (1, 1, 1, 0)
    assert found["ingestion"].due == 0 and not queue.paused
