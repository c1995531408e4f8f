"""Parents and children: fan out, settle once, resume with counters, or fail with the reason."""

import asyncio
from itertools import chain

import pytest

from services.common.db import Database
from services.common.errors import SourceRejected
from services.common.jobs import Done, FanOut, enqueue, enqueue_many
from services.common.kafka.ledger import Claim, Ledger
from tests.integration.jobs.support import QUEUE, job, row, sql


@pytest.fixture
def ledger(db: Database) -> Ledger:
    return Ledger(db, "w1")


async def fan_out(ledger: Ledger, children: int) -> tuple[int, list[Claim]]:
    """Id of a parent that waits, and its claimed children."""
    parent = await enqueue(ledger.db, job("parent"))
    (claim,) = await ledger.claim(QUEUE, 1)
    outcome = FanOut([job("child", args={"n": n}) for n in range(children)], {"phase": "pages"})
    assert await ledger.record(claim.job, outcome) == "waiting"
    return parent, await ledger.claim(QUEUE, children)


async def test_a_parent_waits_without_a_lease(db: Database, ledger: Ledger) -> None:
    parent, children = await fan_out(ledger, 3)
    stored = await row(db, parent)
    assert (stored["state"], stored["awaiting_children"]) == ("running", True)
    assert (stored["lease_until"], stored["progress"]) == (None, {"phase": "pages"})
    assert {claim.job.parent_id for claim in children} == {parent}


async def test_the_last_child_sends_the_parent_back_with_the_sums(
    db: Database, ledger: Ledger
) -> None:
    parent, (first, second) = await fan_out(ledger, 2)
    await sql(db, "UPDATE jobs SET progress = '{\"read\": 5}' WHERE id = $1", first.job.id)
    await ledger.record(first.job, Done({"new": 2, "note": "x"}))
    assert await ledger.settle([parent]) == []
    await ledger.record(second.job, Done({"new": 3}))
    assert await ledger.settle([parent]) == [parent]
    stored = await row(db, parent)
    assert (stored["state"], stored["attempt"], stored["awaiting_children"]) == ("queued", 0, False)
    assert stored["progress"] == {"phase": "pages", "read": 5, "new": 5}
    (again,) = await ledger.claim(QUEUE, 5)
    assert (again.job.id, again.job.attempt, again.children) == (parent, 1, {"succeeded": 2})


async def test_children_that_end_together_settle_the_parent_once(
    db: Database, ledger: Ledger
) -> None:
    for _ in range(5):
        parent, children = await fan_out(ledger, 12)

        async def finish(claim: Claim, parent: int = parent) -> list[int]:
            await ledger.record(claim.job, Done())
            return await ledger.settle([parent])

        settled = await asyncio.gather(*(finish(claim) for claim in children))
        assert list(chain(*settled)) == [parent]
        (again,) = await ledger.claim(QUEUE, 1)
        await ledger.record(again.job, Done())


async def test_a_parent_may_fan_out_again(db: Database, ledger: Ledger) -> None:
    parent, (child,) = await fan_out(ledger, 1)
    await ledger.record(child.job, Done())
    await ledger.settle([parent])
    (again,) = await ledger.claim(QUEUE, 1)
    assert await ledger.record(again.job, FanOut([job("more")])) == "waiting"
    (more,) = await ledger.claim(QUEUE, 1)
    await ledger.record(more.job, Done())
    await ledger.settle([parent])
    (last,) = await ledger.claim(QUEUE, 1)
    assert last.children == {"succeeded": 2}


async def test_a_child_in_back_off_keeps_the_parent_waiting(db: Database, ledger: Ledger) -> None:
    parent, (child,) = await fan_out(ledger, 1)
    assert await ledger.fail(child.job, ValueError()) == "retryable"
    assert await ledger.settle([parent]) == []


async def test_the_error_names_the_dead_and_the_cancelled(db: Database, ledger: Ledger) -> None:
    parent, (one, two, three) = await fan_out(ledger, 3)
    await ledger.record(one.job, Done())
    await ledger.fail(two.job, SourceRejected())
    await sql(
        db,
        "UPDATE jobs SET state = 'cancelled', lease_until = NULL, finished_at = now()"
        " WHERE id = $1",
        three.job.id,
    )
    await ledger.settle([parent])
    (again,) = await ledger.claim(QUEUE, 1)
    error = await ledger.children_failed(again.job)
    named = f"2 of 3 children cancelled or dead: #{two.job.id}, #{three.job.id}"
    assert str(error).startswith(f"{named}; SourceRejected in #{two.job.id}: ")


async def test_a_parent_whose_children_are_all_anothers_looks_again_later(
    db: Database, ledger: Ledger
) -> None:
    other = await enqueue(db, job("parent", priority=1))
    await enqueue(db, job("child", dedupe_key="page", parent_id=other, priority=300))
    parent = await enqueue(db, job("parent", priority=2))
    (_, claim) = await ledger.claim(QUEUE, 2)
    assert claim.job.id == parent
    assert await ledger.record(claim.job, FanOut([job("child", dedupe_key="page")])) == "waiting"
    stored = await row(db, parent)
    assert (stored["state"], stored["attempt"]) == ("queued", 0)
    assert (await sql(db, "SELECT run_at > now() AS later FROM jobs WHERE id = $1", parent))[0]


async def test_a_thousand_children(db: Database, ledger: Ledger) -> None:
    parent, children = await fan_out(ledger, 1000)
    await enqueue_many(db, [job()])
    assert len(children) == 1000
    await sql(
        db,
        "UPDATE jobs SET state = 'succeeded', lease_until = NULL, finished_at = now(),"
        " result = '{\"n\": 1}' WHERE parent_id = $1",
        parent,
    )
    assert await ledger.settle(None) == [parent]
    assert (await row(db, parent))["progress"]["n"] == 1000


async def put_back(db: Database, parent: int) -> None:
    """Queue a parent that waits, as starting it over does."""
    await sql(
        db,
        "UPDATE jobs SET awaiting_children = false, state = 'queued', attempt = 0 WHERE id = $1",
        parent,
    )


async def test_a_parent_whose_children_end_while_it_is_claimed_is_claimed_anew(
    db: Database, ledger: Ledger
) -> None:
    parent, (child,) = await fan_out(ledger, 1)
    await put_back(db, parent)
    (claim,) = await ledger.claim(QUEUE, 1)
    assert claim.children == {"running": 1}
    await ledger.record(child.job, Done())
    assert await ledger.await_children(claim.job) == "snoozed"
    (again,) = await ledger.claim(QUEUE, 1)
    assert (again.children, again.job.attempt) == ({"succeeded": 1}, 1)


async def test_a_parent_waits_again_for_a_child_at_work(db: Database, ledger: Ledger) -> None:
    parent, (child,) = await fan_out(ledger, 1)
    await put_back(db, parent)
    (claim,) = await ledger.claim(QUEUE, 1)
    assert await ledger.await_children(claim.job) == "waiting"
    await ledger.record(child.job, Done())
    assert await ledger.settle([parent]) == [parent]


async def test_children_are_as_urgent_as_their_parent_unless_they_say_otherwise(
    db: Database, ledger: Ledger
) -> None:
    parent = await enqueue(db, job("parent", priority=10))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.record(claim.job, FanOut([job("child"), job("child", priority=150)]))
    rows = await sql(db, "SELECT priority FROM jobs WHERE parent_id = $1 ORDER BY id", parent)
    assert [each["priority"] for each in rows] == [10, 150]
    assert (await row(db, await enqueue(db, job())))["priority"] == 100
