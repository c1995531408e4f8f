"""The pool on the real ledger: handlers that succeed, fail, hang, fan out, or are stopped."""

import asyncio
from typing import Any

import pytest

from services.common.db import Database
from services.common.errors import LostLease, SourceRejected, SourceUnavailable
from services.common.jobs import (
    Done,
    FanOut,
    JobContext,
    Outcome,
    Snooze,
    enqueue,
    enqueue_many,
)
from services.common.kafka import failure
from tests.integration.jobs.support import (
    done,
    job,
    pool_of,
    row,
    sql,
    states,
    until_state,
)
from tests.support.waiting import PATIENCE_S, until


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure, "BASE_S", 0.01)


async def test_jobs_run_at_most_so_many_at_a_time(db: Database) -> None:
    now = most = 0

    async def handler(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return Done({})

    await enqueue_many(db, [job() for _ in range(40)])
    async with pool_of(db, {"work": handler}, concurrency=5):
        await until(lambda: _all(db, {"succeeded": 40}))
    assert most == 5


async def _all(db: Database, expected: dict[str, int]) -> bool:
    return await states(db) == expected


async def test_a_wake_up_is_faster_than_the_poll(db: Database) -> None:
    async with pool_of(db, {"work": done}, poll_s=3600) as pool:
        await asyncio.sleep(0.2)
        job_id = await enqueue(db, job())
        pool.wake.set()
        await until_state(db, job_id, "succeeded")


async def test_a_handler_gets_arguments_state_and_context(db: Database) -> None:
    async def handler(ctx: JobContext, args: dict[str, Any]) -> Outcome:
        await ctx.progress(half=1)
        async with ctx.db.transaction() as tx:
            await ctx.fence(tx)
        return Done({"args": args, "state": ctx.state, "try": ctx.job.attempt})

    job_id = await enqueue(db, job(args={"x": 1}))
    async with pool_of(db, {"work": handler}, state="ready"):
        stored = await until_state(db, job_id, "succeeded")
    assert stored["result"] == {"args": {"x": 1}, "state": "ready", "try": 1}
    assert stored["progress"] == {"half": 1}


async def test_a_failure_is_retried_until_it_passes(db: Database) -> None:
    async def handler(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        if ctx.job.attempt < 3:
            raise SourceUnavailable
        return Done({})

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}):
        assert (await until_state(db, job_id, "succeeded"))["attempt"] == 3


@pytest.mark.parametrize(
    ("error", "tries"),
    [(ValueError("x"), 3), (SourceRejected("x"), 1), (asyncio.CancelledError(), 3)],
)
async def test_a_failure_ends_dead(db: Database, error: BaseException, tries: int) -> None:
    async def handler(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        raise error

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}) as pool:
        stored = await until_state(db, job_id, "dead")
        await until(lambda: asyncio.sleep(0, not pool.running))
    assert (stored["attempt"], stored["error"]["class"]) == (tries, type(error).__name__)


async def test_an_unknown_kind_is_dead_and_harms_no_other(db: Database) -> None:
    bad, good = await enqueue_many(db, [job("nonsense"), job()])
    async with pool_of(db, {"work": done}):
        stored = await until_state(db, bad, "dead")
        await until_state(db, good, "succeeded")
    assert stored["error"]["class"] == "UnknownKind" and "nonsense" in stored["error"]["message"]


@pytest.mark.parametrize("returned", [None, Done({"bad": "\0"}), Done({"bad": object()})])
async def test_a_result_that_cannot_be_kept_is_a_failure(db: Database, returned: Any) -> None:
    async def handler(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        return returned  # type: ignore[no-any-return]

    job_id = await enqueue(db, job(max_attempts=1))
    async with pool_of(db, {"work": handler}):
        assert (await until_state(db, job_id, "dead"))["error"]["message"]


async def test_a_snoozed_job_is_called_again(db: Database) -> None:
    async def handler(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        seen = ctx.job.progress.get("seen", 0)
        return Snooze(0.01, {"seen": seen + 1}) if seen < 5 else Done({"seen": seen})

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}):
        stored = await until_state(db, job_id, "succeeded")
    assert (stored["attempt"], stored["result"]) == (1, {"seen": 5})


async def parent(ctx: JobContext, args: dict[str, Any]) -> Outcome:
    if ctx.children:
        return Done({"children": dict(ctx.children), "new": ctx.job.progress.get("new")})
    return FanOut([job("child", args={"n": n}, max_attempts=1) for n in range(args["n"])])


async def child(_ctx: JobContext, args: dict[str, Any]) -> Outcome:
    if args["n"] == 99:
        raise SourceRejected
    return Done({"new": 2})


async def test_a_parent_is_resumed_when_its_children_have_succeeded(db: Database) -> None:
    job_id = await enqueue(db, job("parent", args={"n": 20}))
    async with pool_of(db, {"parent": parent, "child": child}):
        stored = await until_state(db, job_id, "succeeded")
    assert stored["result"] == {"children": {"succeeded": 20}, "new": 40}
    assert stored["attempt"] == 1


async def test_a_parent_of_a_dead_child_is_dead(db: Database) -> None:
    job_id = await enqueue(db, job("parent", args={"n": 100}))
    async with pool_of(db, {"parent": parent, "child": child}):
        stored = await until_state(db, job_id, "dead")
    assert stored["error"]["class"] == "ChildrenFailed"
    assert stored["error"]["message"].startswith("1 of 100 children dead: #")


async def test_a_kind_may_ask_to_be_resumed_with_dead_children(db: Database) -> None:
    job_id = await enqueue(db, job("parent", args={"n": 100}))
    async with pool_of(db, {"parent": parent, "child": child}, resume=frozenset({"parent"})):
        stored = await until_state(db, job_id, "succeeded")
    assert stored["result"]["children"] == {"succeeded": 99, "dead": 1}


async def test_an_attempt_that_lost_its_lease_is_stopped(db: Database) -> None:
    stopped = asyncio.Event()

    async def handler(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()
        return Done({})

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}, heartbeat_s=0.1):
        await until_state(db, job_id, "running")
        await sql(
            db, "UPDATE jobs SET state = 'cancelled', lease_until = NULL, finished_at = now()"
        )
        await asyncio.wait_for(stopped.wait(), PATIENCE_S)
    assert (await row(db, job_id))["state"] == "cancelled"


async def test_effects_and_success_may_be_one_transaction(db: Database) -> None:
    async def handler(ctx: JobContext, args: dict[str, Any]) -> Outcome:
        async with ctx.db.transaction() as tx:
            await enqueue(tx, job("effect"))
            completed = await ctx.complete(tx, {"n": 1})
            if args["fails"] and ctx.job.attempt == 1:
                raise ValueError
        await asyncio.sleep(0.2)  # long enough for a heartbeat to find the job gone
        return completed

    ids = await enqueue_many(db, [job(args={"fails": fails}) for fails in (False, True)])
    async with pool_of(db, {"work": handler, "effect": done}, heartbeat_s=0.05):
        stored = [await until_state(db, job_id, "succeeded") for job_id in ids]
        await until(lambda: _all(db, {"succeeded": 4}))
    assert [(each["result"], each["attempt"]) for each in stored] == [({"n": 1}, 1), ({"n": 1}, 2)]


async def test_a_handler_that_finds_its_lease_lost_leaves_the_job_alone(db: Database) -> None:
    async def handler(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        raise LostLease

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}) as pool:
        await until_state(db, job_id, "running")
        await until(lambda: asyncio.sleep(0, not pool.running))
    assert (await row(db, job_id))["error"] is None


async def test_a_long_job_keeps_its_lease(db: Database) -> None:
    enough = asyncio.Event()

    async def handler(_ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        await enough.wait()
        return Done({})

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}, heartbeat_s=0.1):
        first = (await until_state(db, job_id, "running"))["lease_until"]

        async def extended() -> bool:
            return bool((await row(db, job_id))["lease_until"] > first)

        await until(extended)
        enough.set()
        assert (await until_state(db, job_id, "succeeded"))["attempt"] == 1


async def test_stopping_lets_short_jobs_finish_and_gives_long_ones_back(db: Database) -> None:
    async def handler(ctx: JobContext, args: dict[str, Any]) -> Outcome:
        await (ctx.stopping.wait() if args["short"] else asyncio.sleep(3600))
        return Done({})

    jobs = [job(args={"short": short}) for short in (True, False, True)]
    short, long, waiting = await enqueue_many(db, jobs)
    async with pool_of(db, {"work": handler}, drain_s=3, concurrency=2):
        await until_state(db, long, "running")
    stored = [await row(db, each) for each in (short, long, waiting)]
    assert [each["state"] for each in stored] == ["succeeded", "queued", "queued"]
    assert stored[1]["attempt"] == 0


async def test_stopping_tells_handlers(db: Database) -> None:
    async def handler(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        await ctx.stopping.wait()
        return Snooze(0, {"page": 3})

    job_id = await enqueue(db, job())
    async with pool_of(db, {"work": handler}):
        await until_state(db, job_id, "running")
    stored = await row(db, job_id)
    assert (stored["state"], stored["progress"]) == ("queued", {"page": 3})
