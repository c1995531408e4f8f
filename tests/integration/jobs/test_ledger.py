"""Each transition of a claimed job, and its guard: only the last fence may move it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import chain

import pytest

from services.common.db import Database
from services.common.errors import LostLease, SourceRejected, SourceUnavailable
from services.common.jobs import Done, FanOut, Snooze, enqueue, enqueue_many
from services.common.kafka.ledger import Claim, Ledger
from tests.integration.jobs.support import QUEUE, context_of, job, row, sql
from tests.support.waiting import PATIENCE_S


@pytest.fixture
def ledger(db: Database) -> Ledger:
    return Ledger(db, "w1", lease_s=30)


async def claim_one(ledger: Ledger) -> Claim:
    (claim,) = await ledger.claim(QUEUE, 1)
    return claim


async def test_claims_go_by_priority_then_due_time(db: Database, ledger: Ledger) -> None:
    late, soon, first = await enqueue_many(db, [job(), job(), job(priority=1)])
    await sql(db, "UPDATE jobs SET run_at = now() - interval '1 hour' WHERE id = $1", soon)
    assert [(await claim_one(ledger)).job.id for _ in range(3)] == [first, soon, late]


async def test_a_job_is_not_claimed_before_it_is_due(db: Database, ledger: Ledger) -> None:
    await enqueue(db, job())
    await sql(db, "UPDATE jobs SET run_at = now() + interval '1 hour'")
    assert await ledger.claim(QUEUE, 5) == []


async def test_a_claim_counts_the_try_and_raises_the_fence(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job(args={"x": 1}))
    claimed = (await claim_one(ledger)).job
    stored = await row(db, job_id)
    assert (claimed.args, claimed.attempt, claimed.fence) == ({"x": 1}, 1, 1)
    assert (stored["state"], stored["worker"]) == ("running", "w1")
    assert stored["lease_until"] and stored["started_at"]


async def test_many_workers_claim_each_job_once(db: Database) -> None:
    ids = await enqueue_many(db, [job() for _ in range(200)])

    async def work(name: str) -> list[int]:
        mine: list[int] = []
        while claims := await Ledger(db, name).claim(QUEUE, 7):
            mine += [claim.job.id for claim in claims]
        return mine

    claimed = await asyncio.gather(*(work(f"w{n}") for n in range(8)))
    assert sorted(chain(*claimed)) == ids


async def test_of_a_serial_key_one_job_runs(db: Database, ledger: Ledger) -> None:
    keys = ["a", "a", None, "b", "a"]
    ids = await enqueue_many(db, [job(serial_key=key) for key in keys])
    first = await ledger.claim(QUEUE, 10)
    assert {claim.job.id for claim in first} == {ids[0], ids[2], ids[3]}
    assert await ledger.claim(QUEUE, 10) == []
    await ledger.record(next(c.job for c in first if c.job.id == ids[0]), Done())
    assert [claim.job.id for claim in await ledger.claim(QUEUE, 10)] == [ids[1]]


async def test_workers_that_collide_on_a_serial_key_do_not_fail(db: Database) -> None:
    await enqueue_many(db, [job(serial_key=f"k{n % 3}") for n in range(60)])
    running: dict[str, int] = {}

    async def work(name: str) -> int:
        ledger, finished = Ledger(db, name), 0
        while (await sql(db, "SELECT count(*) AS n FROM jobs WHERE state = 'queued'"))[0]["n"]:
            for claim in await ledger.claim(QUEUE, 3):
                key = (await row(db, claim.job.id))["serial_key"]
                running[key] = running.get(key, 0) + 1
                assert running[key] == 1
                await asyncio.sleep(0.001)
                running[key] -= 1
                assert await ledger.record(claim.job, Done())
                finished += 1
        return finished

    assert sum(await asyncio.gather(*(work(f"w{n}") for n in range(6)))) == 60


async def test_done(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job())
    assert await ledger.record((await claim_one(ledger)).job, Done({"rows": 3})) == "succeeded"
    stored = await row(db, job_id)
    assert (stored["state"], stored["result"], stored["lease_until"]) == (
        "succeeded", {"rows": 3}, None,
    )  # fmt: skip
    assert stored["finished_at"]


async def test_a_failure_that_may_pass_is_tried_again(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job(max_attempts=2))
    error = SourceUnavailable("429", retry_after=60)
    assert await ledger.fail((await claim_one(ledger)).job, error) == "retryable"
    stored = await row(db, job_id)
    wait = (await sql(db, "SELECT extract(epoch FROM run_at - now())::float AS s FROM jobs"))[0]
    assert stored["state"] == "retryable" and 55 < wait["s"] < 63
    assert stored["error"]["class"] == "SourceUnavailable" and stored["error"]["retryable"]


async def test_the_last_try_ends_dead_with_the_error(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job(max_attempts=1))
    assert await ledger.fail((await claim_one(ledger)).job, ValueError("bad\0 row")) == "dead"
    stored = await row(db, job_id)
    assert stored["state"] == "dead" and stored["finished_at"]
    assert stored["error"].keys() == {
        "class", "message", "traceback", "fingerprint", "retryable",
    }  # fmt: skip
    assert stored["error"]["message"] == "bad row"


async def test_a_failure_that_will_not_pass_is_dead_at_once(db: Database, ledger: Ledger) -> None:
    await enqueue(db, job())
    assert await ledger.fail((await claim_one(ledger)).job, SourceRejected("400")) == "dead"


async def test_success_after_a_failure_clears_the_error(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job())
    await ledger.fail((await claim_one(ledger)).job, ValueError())
    await sql(db, "UPDATE jobs SET run_at = now()")
    again = (await claim_one(ledger)).job
    await ledger.record(again, Done())
    stored = await row(db, job_id)
    assert (stored["state"], stored["attempt"], stored["error"]) == ("succeeded", 2, None)


async def test_a_snooze_does_not_count_as_a_try(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job())
    assert await ledger.record((await claim_one(ledger)).job, Snooze(0, {"seen": 1})) == "snoozed"
    stored = await row(db, job_id)
    assert (stored["state"], stored["attempt"], stored["progress"]) == ("queued", 0, {"seen": 1})
    assert (await claim_one(ledger)).job.fence == 2


async def test_released_jobs_are_as_if_never_claimed(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job())
    await ledger.release([(await claim_one(ledger)).job])
    stored = await row(db, job_id)
    assert (stored["state"], stored["attempt"], stored["worker"]) == ("queued", 0, None)


async def test_a_slow_worker_cannot_move_a_job_that_was_rescued(
    db: Database, ledger: Ledger
) -> None:
    job_id = await enqueue(db, job())
    slow = await claim_one(ledger)
    await sql(db, "UPDATE jobs SET state = 'retryable', lease_until = NULL")
    fast = await claim_one(Ledger(db, "w2"))
    ctx = context_of(slow, ledger)
    assert await ledger.record(slow.job, Done()) is None
    assert await ledger.record(slow.job, Snooze(1)) is None
    assert await ledger.record(slow.job, FanOut([job()])) is None
    assert await ledger.fail(slow.job, ValueError()) is None
    await ledger.release([slow.job])
    with pytest.raises(LostLease):
        await ctx.progress(x=1)
    with pytest.raises(LostLease):
        async with db.transaction() as tx:
            await ctx.fence(tx)
    with pytest.raises(LostLease):
        async with db.transaction() as tx:
            await ctx.complete(tx, {})
    stored = await row(db, job_id)
    assert (stored["state"], stored["worker"], stored["progress"]) == ("running", "w2", {})
    assert (await sql(db, "SELECT count(*) AS n FROM jobs"))[0]["n"] == 1
    assert await ledger.record(fast.job, Done()) == "succeeded"


async def test_a_heartbeat_extends_leases_and_tells_what_is_lost(
    db: Database, ledger: Ledger
) -> None:
    await enqueue_many(db, [job(), job()])
    held, lost = [claim.job for claim in await ledger.claim(QUEUE, 2)]
    [before, _] = await sql(db, "UPDATE jobs SET lease_until = now() RETURNING lease_until AS at")
    assert await ledger.heartbeat([held, replace(lost, fence=9)]) == ({(held.id, 1)}, True)
    extended, lapsed = [(await row(db, each.id))["lease_until"] for each in (held, lost)]
    assert extended - before["at"] >= timedelta(seconds=30)
    assert lapsed == before["at"]


async def test_a_heartbeat_does_not_wait_for_a_job_fenced_by_its_handler(
    db: Database, ledger: Ledger
) -> None:
    await enqueue_many(db, [job(), job()])
    claims = await ledger.claim(QUEUE, 2)
    jobs = [claim.job for claim in claims]
    async with asyncio.timeout(PATIENCE_S), db.transaction() as tx:
        await context_of(claims[0], ledger).fence(tx)
        held, complete = await ledger.heartbeat(jobs)
    assert held == {(each.id, each.fence) for each in jobs} and not complete


async def test_a_fence_extends_the_lease_from_its_own_time(db: Database, ledger: Ledger) -> None:
    await enqueue(db, job())
    claim = await claim_one(ledger)
    async with db.transaction() as tx:
        [late] = await sql(tx, "SELECT clock_timestamp() AS at FROM pg_sleep(1.1)")
        await context_of(claim, ledger).fence(tx)
    assert (await row(db, claim.job.id))["lease_until"] - late["at"] >= timedelta(seconds=30)


async def test_progress_is_merged(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job())
    ctx = context_of(await claim_one(ledger), ledger)
    await ctx.progress(a=1, b=1)
    await ctx.progress(b=2)
    assert (await row(db, job_id))["progress"] == ctx.job.progress == {"a": 1, "b": 2}
