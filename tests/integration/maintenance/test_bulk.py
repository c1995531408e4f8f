"""Bulk jobs: what they do to all that match, and that they go on where they were interrupted."""

import asyncio
from typing import Any

import pytest

from services.common.db import Database
from services.common.errors import LostLease, SourceRejected
from services.common.jobs import Done, JobContext, NewJob, Snooze, enqueue, enqueue_many
from services.common.kafka.ledger import Ledger
from services.pipelines.maintenance import bulk as module
from services.pipelines.maintenance.bulk import bulk
from tests.integration.jobs.support import QUEUE, job, sql, states
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)


async def asked(db: Database, action: str, wanted: dict[str, Any], **more: Any) -> JobContext:
    """A claimed bulk job over what there is now."""
    (last,) = await sql(db, "SELECT coalesce(max(id), 0) AS id FROM jobs")
    args = {"action": action, "filter": wanted, "until_id": last["id"], **more}
    await enqueue(db, NewJob("jobs.bulk", "maintenance", args))
    (claim,) = await Ledger(db, "w").claim("maintenance", 1)
    return JobContext(claim.job, db, None, claim.children, asyncio.Event())


async def dead(db: Database, number: int, **fields: Any) -> list[int]:
    ids = await enqueue_many(db, [job(**fields) for _ in range(number)])
    ledger = Ledger(db, "w")
    for claim in await ledger.claim(QUEUE, number):
        await ledger.fail(claim.job, SourceRejected("410"))
    return ids


async def of_queue(db: Database) -> dict[str, int]:
    rows = await sql(
        db, "SELECT state, count(*)::int AS n FROM jobs WHERE queue = $1 GROUP BY 1", QUEUE
    )
    return {each["state"]: each["n"] for each in rows}


async def test_all_that_match_start_over(db: Database) -> None:
    await dead(db, 35)
    await dead(db, 5, kind="other")
    ctx = await asked(db, "retry", {"state": "dead", "kind": "work"})
    later = await dead(db, 1)
    assert await bulk(ctx, ctx.job.args) == Done({"matched": 35, "changed": 35})
    assert await of_queue(db) == {"queued": 35, "dead": 6}
    assert (await sql(db, "SELECT state FROM jobs WHERE id = $1", later[0]))[0]["state"] == "dead"
    (entry,) = await sql(
        db, "SELECT sum(jsonb_array_length(after -> 'jobs'))::int AS n FROM audit_logs"
    )
    assert entry["n"] == 35


async def test_of_the_same_work_one_starts_over(db: Database) -> None:
    for _ in range(3):
        await dead(db, 1, dedupe_key="k")
    await dead(db, 1, dedupe_key="l")
    await enqueue(db, job(dedupe_key="l"))
    ctx = await asked(db, "retry", {"state": "dead"})
    assert await bulk(ctx, ctx.job.args) == Done({"matched": 4, "changed": 1})
    assert await of_queue(db) == {"queued": 2, "dead": 3}


async def test_all_that_match_are_cancelled(db: Database) -> None:
    await enqueue_many(db, [job() for _ in range(25)])
    await Ledger(db, "w").claim(QUEUE, 2)
    ctx = await asked(db, "cancel", {"queue": QUEUE})
    assert await bulk(ctx, ctx.job.args) == Done({"matched": 25, "changed": 25})
    assert await of_queue(db) == {"cancelled": 23, "running": 2}


async def test_a_bulk_job_does_not_cancel_itself(db: Database) -> None:
    await enqueue(db, NewJob("x", "maintenance", {}, run_at=None, priority=500))
    ctx = await asked(db, "cancel", {"queue": "maintenance"})
    ctx.job.args["until_id"] = ctx.job.id
    assert await bulk(ctx, ctx.job.args) == Done({"matched": 1, "changed": 1})


async def test_priorities_and_deletion(db: Database) -> None:
    await enqueue_many(db, [job() for _ in range(12)])
    ctx = await asked(db, "prioritise", {"state": "queued", "queue": QUEUE}, priority=7)
    assert await bulk(ctx, ctx.job.args) == Done({"matched": 12, "changed": 12})
    (found,) = await sql(db, "SELECT count(*) AS n FROM jobs WHERE priority = 7")
    assert found["n"] == 12
    await sql(db, "UPDATE jobs SET run_at = now() + interval '1 hour' WHERE state = 'queued'")
    await dead(db, 4)
    ctx = await asked(db, "delete", {"queue": QUEUE})
    assert await bulk(ctx, ctx.job.args) == Done({"matched": 16, "changed": 4})
    assert await of_queue(db) == {"queued": 12}


async def _stop_after(ctx: JobContext, matched: int) -> None:
    async def met() -> bool:
        return bool(ctx.job.progress.get("matched", 0) >= matched)

    await until(met)
    ctx.stopping.set()


async def test_an_interrupted_bulk_job_goes_on_after_the_place_it_reached(db: Database) -> None:
    await dead(db, 25)
    ctx = await asked(db, "retry", {"state": "dead"}, rate=100)

    outcome, _ = await asyncio.gather(bulk(ctx, ctx.job.args), _stop_after(ctx, 10))
    assert isinstance(outcome, Snooze) and outcome.progress["matched"] < 25
    ctx.stopping.clear()
    assert await bulk(ctx, ctx.job.args) == Done({"matched": 25, "changed": 25})


async def test_a_bulk_job_that_lost_its_lease_changes_nothing(db: Database) -> None:
    await dead(db, 3)
    ctx = await asked(db, "retry", {"state": "dead"})
    await sql(db, "UPDATE jobs SET fence = fence + 1 WHERE kind = 'jobs.bulk'")
    with pytest.raises(LostLease):
        await bulk(ctx, ctx.job.args)
    assert (await states(db))["dead"] == 3


async def test_a_rate_is_kept(db: Database) -> None:
    await dead(db, 6)
    ctx = await asked(db, "retry", {"state": "dead"}, rate=20)
    began = asyncio.get_running_loop().time()
    await bulk(ctx, ctx.job.args)
    assert asyncio.get_running_loop().time() - began >= 6 / 20
