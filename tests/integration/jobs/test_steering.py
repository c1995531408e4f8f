"""What a person does to jobs: cancel, start over, replay with history, and how workers follow."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from services.common.db import Database
from services.common.errors import Conflict, SourceRejected
from services.common.jobs import (
    Done,
    FanOut,
    JobContext,
    NewJob,
    Outcome,
    Snooze,
    enqueue,
    enqueue_many,
)
from services.common.kafka import failure, pool
from services.common.kafka.ledger import Ledger
from services.jobs import store, store_steering
from services.jobs.models_steering import DeadQuery, LogQuery
from services.jobs.sweeper import sweep
from tests.integration.jobs.support import (
    QUEUE,
    context_of,
    done,
    job,
    pool_of,
    row,
    sql,
    states,
    until_state,
)
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure, "BASE_S", 0.01)
    monkeypatch.setattr(pool, "GRACE_S", 0.1)


@pytest.fixture
def ledger(db: Database) -> Ledger:
    return Ledger(db, "w1")


async def dies(ledger: Ledger, **fields: Any) -> int:
    """A dead job."""
    job_id = await enqueue(ledger.db, job(**fields))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.fail(claim.job, SourceRejected("410"))
    return job_id


async def test_a_cancelled_job_that_waits_never_runs(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job())
    assert await store_steering.cancel(db, job_id) == [job_id]
    assert (await row(db, job_id))["state"] == "cancelled"
    assert await ledger.claim(QUEUE, 1) == []


async def test_a_running_job_is_told_and_may_end_in_its_own_way(db: Database) -> None:
    tidied = asyncio.Event()

    async def handler(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        await ctx.stopping.wait()
        tidied.set()
        return Snooze(0, {"place": 7})

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}, heartbeat_s=0.05):
        await until_state(db, job_id, "running")
        await store_steering.cancel(db, job_id)
        stored = await until_state(db, job_id, "cancelled")
    assert tidied.is_set() and stored["progress"] == {"place": 7}


async def test_a_running_job_that_does_not_listen_is_interrupted(db: Database) -> None:
    async def handler(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        await asyncio.sleep(3600)
        return Done({})

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}, heartbeat_s=0.05):
        await until_state(db, job_id, "running")
        await store_steering.cancel(db, job_id)
        await until_state(db, job_id, "cancelled")
    (attempt,) = (await store_steering.attempts(db, job_id)).attempts
    assert (attempt.outcome, attempt.worker) == ("cancelled", "w1")


async def test_a_cancelled_job_is_not_tried_again_when_it_fails(
    db: Database, ledger: Ledger
) -> None:
    job_id = await enqueue(db, job())
    (claim,) = await ledger.claim(QUEUE, 1)
    await store_steering.cancel(db, job_id)
    assert await ledger.fail(claim.job, ValueError()) == "cancelled"


async def test_a_cancel_survives_the_death_of_the_worker(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job())
    await ledger.claim(QUEUE, 1)
    await store_steering.cancel(db, job_id)
    await sql(db, "UPDATE jobs SET lease_until = now() - interval '1 second'")
    await sweep(db)
    assert (await row(db, job_id))["state"] == "cancelled"
    (attempt,) = (await store_steering.attempts(db, job_id)).attempts
    assert attempt.error and attempt.error.message == "lease expired"


async def test_a_cancelled_job_given_back_by_a_draining_worker_stays_cancelled(
    db: Database, ledger: Ledger
) -> None:
    job_id = await enqueue(db, job())
    (claim,) = await ledger.claim(QUEUE, 1)
    await store_steering.cancel(db, job_id)
    await ledger.release([claim.job])
    assert (await row(db, job_id))["state"] == "cancelled"


async def test_a_job_that_was_told_to_end_fans_out_no_more(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job())
    (claim,) = await ledger.claim(QUEUE, 1)
    await store_steering.cancel(db, job_id)
    assert await ledger.record(claim.job, FanOut([job("child")])) == "cancelled"
    assert await states(db) == {"cancelled": 1}


async def test_a_child_made_after_its_parent_was_cancelled_does_not_run(db: Database) -> None:
    ledger, ran = Ledger(db, "w1"), list[int]()

    async def handler(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        ran.append(ctx.job.id)
        return Done({})

    parent = await enqueue(db, job("parent"))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.record(claim.job, FanOut([job("work", run_at=None)]))
    await store_steering.cancel(db, parent)
    late = await enqueue(db, job(parent_id=parent))
    async with pool_of(db, {"work": handler}):
        await until_state(db, late, "cancelled")
    assert ran == []


async def test_history_stays_when_a_job_starts_over(db: Database, ledger: Ledger) -> None:
    job_id = await dies(ledger)
    await store_steering.rerun(db, job_id, "the source is back")
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.fail(claim.job, ValueError("other"))
    found = (await store_steering.attempts(db, job_id)).attempts
    assert [(each.attempt, each.outcome) for each in found] == [(1, "dead"), (1, "retryable")]
    assert [each.error.message for each in found if each.error] == ["410", "other"]
    (entry,) = await sql(db, "SELECT after FROM audit_logs WHERE action = 'rerun'")
    assert entry["after"] == {"jobs": [job_id], "reason": "the source is back"}


async def test_a_replay_is_a_new_job_and_the_old_one_keeps_its_record(
    db: Database, ledger: Ledger
) -> None:
    old = await dies(ledger, args={"x": 1}, priority=5, serial_key="s")
    new = await store_steering.replay(db, old, {"x": 2})
    kept, made = await store.get(db, old), await store.get(db, new.id)
    assert (kept.state, kept.args, kept.replaced_by) == ("dead", {"x": 1}, new.id)
    assert (made.state, made.args, made.replay_of, made.priority) == ("queued", {"x": 2}, old, 5)
    assert (await store_steering.dead(db, DeadQuery())).dead == []
    with pytest.raises(Conflict, match=f"was replayed as job {new.id}"):
        await store_steering.replay(db, old, None)
    with pytest.raises(Conflict, match="was replayed"):
        await store_steering.rerun(db, old)


async def test_a_replay_meets_the_same_work_that_is_queued_already(
    db: Database, ledger: Ledger
) -> None:
    old = await dies(ledger, dedupe_key="k")
    live = await enqueue(db, job(dedupe_key="k"))
    assert (await store_steering.replay(db, old, None)).id == live


async def test_what_succeeded_can_be_done_again_any_number_of_times(
    db: Database, ledger: Ledger
) -> None:
    job_id = await enqueue(db, job())
    for _ in range(2):
        (claim,) = await ledger.claim(QUEUE, 1)
        await ledger.record(claim.job, Done())
        await store_steering.replay(db, job_id, None)
    assert await states(db) == {"succeeded": 2, "queued": 1}
    with pytest.raises(Conflict, match="is queued: it cannot be replayed"):
        await store_steering.replay(db, max(await _ids(db)), None)


async def _ids(db: Database) -> list[int]:
    return [each["id"] for each in await sql(db, "SELECT id FROM jobs")]


async def parent(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    if ctx.children:
        return Done({"children": dict(ctx.children), "n": ctx.job.progress["n"]})
    return FanOut([job("child", args={"bad": bad}, max_attempts=1) for bad in (True, False)])


async def child(ctx: JobContext, args: dict[str, Any]) -> Outcome:
    await ctx.progress(n=1)
    if args["bad"]:
        raise SourceRejected
    return Done({})


async def test_a_dead_child_that_is_replayed_well_lets_its_parent_succeed(db: Database) -> None:
    job_id = await enqueue(db, job("parent"))
    async with pool_of(db, {"parent": parent, "child": child}):
        await until_state(db, job_id, "dead")
        (bad,) = await sql(db, "SELECT id FROM jobs WHERE kind = 'child' AND state = 'dead'")
        await store_steering.replay(db, bad["id"], {"bad": False})
        stored = await until_state(db, job_id, "succeeded")
    assert stored["result"] == {"children": {"succeeded": 2}, "n": 2}


async def test_the_log_of_a_job_is_bounded_and_in_order(
    db: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.common.jobs.LOG_LINES", 10)
    job_id = await enqueue(db, job())
    (claim,) = await ledger.claim(QUEUE, 1)
    ctx = context_of(claim, ledger)
    await asyncio.gather(*(ctx.log(f"line {n}\0") for n in range(25)))
    await ctx.log("x" * 5000, "warning")
    lines = (await store_steering.log(db, job_id, LogQuery())).log
    assert len(lines) == 10 and all(b.line - a.line == 1 for a, b in pairwise(lines))
    assert (lines[-1].level, len(lines[-1].message)) == ("warning", 2000)
    assert lines[-2].message == "line 24"


async def test_a_log_line_masks_secrets(db: Database, ledger: Ledger) -> None:
    job_id = await enqueue(db, job())
    (claim,) = await ledger.claim(QUEUE, 1)
    await context_of(claim, ledger).log("asking https://user:hunter2@host/")
    (line,) = (await store_steering.log(db, job_id, LogQuery())).log
    assert "hunter2" not in line.message


async def test_a_version_that_the_worker_does_not_know_is_dead_with_the_reason(
    db: Database,
) -> None:
    job_id = await enqueue(db, NewJob("work", QUEUE, {}, version=2))
    async with pool_of(db, {"work": done}):
        stored = await until_state(db, job_id, "dead")
    assert stored["error"]["class"] == "WrongVersion"
    assert "Version 2 of 'work'" in stored["error"]["message"]


async def test_a_job_that_hangs_is_interrupted_and_tried_again(db: Database) -> None:
    async def handler(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        if ctx.job.attempt == 1:
            await asyncio.sleep(3600)
        return Done({})

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}, time_limit_s=0.1):
        stored = await until_state(db, job_id, "succeeded")
    assert stored["attempt"] == 2
    (attempt,) = (await store_steering.attempts(db, job_id)).attempts
    assert attempt.error and attempt.error.class_ == "JobTimeout"


async def test_kinds_are_tried_as_often_as_their_table_says(db: Database) -> None:
    page, other = await enqueue_many(
        db, [NewJob("ingestion.page", "ingestion", {}), NewJob("work", QUEUE, {})]
    )
    assert (await row(db, page))["max_attempts"] == 8
    assert (await row(db, other))["max_attempts"] == 3


async def test_many_successes_share_a_transaction(db: Database) -> None:
    await enqueue_many(db, [job() for _ in range(60)])
    async with pool_of(db, {"work": done}, concurrency=60):
        await until(lambda: _are(db, {"succeeded": 60}))
    (commits,) = await sql(db, "SELECT count(DISTINCT xmin::text) AS n FROM jobs")
    assert commits["n"] < 10


async def test_one_result_that_cannot_be_kept_harms_no_other(db: Database) -> None:
    async def handler(_ctx: JobContext, args: dict[str, Any]) -> Outcome:
        return Done({"n": "\0"} if args["n"] == 7 else args)

    await enqueue_many(db, [job(args={"n": n}, max_attempts=1) for n in range(50)])
    async with pool_of(db, {"work": handler}, concurrency=50):
        await until(lambda: _are(db, {"succeeded": 49, "dead": 1}))
    (found,) = await sql(db, "SELECT count(*) AS n FROM jobs WHERE result = args")
    assert found["n"] == 49


async def _are(db: Database, expected: dict[str, int]) -> bool:
    return await states(db) == expected
