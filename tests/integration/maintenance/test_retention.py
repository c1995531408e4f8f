"""Old jobs go: a week after success, a month after death, trees as a whole."""

import asyncio
from typing import Any

import pytest

from services.common.db import Database
from services.common.jobs import Done, JobContext, NewJob, enqueue
from services.common.kafka.ledger import Ledger
from services.pipelines.maintenance import retention as module
from services.pipelines.maintenance import retention_store as store
from services.pipelines.maintenance.retention import retention
from tests.integration.jobs.support import sql


async def final(db: Database, state: str, days: int, parent: int | None = None) -> int:
    """A job that ended `days` ago."""
    (made,) = await sql(
        db,
        "INSERT INTO jobs (kind, queue, state, finished_at, parent_id, error) VALUES"
        " ('work', 'scoring', $1, now() - make_interval(days => $2), $3,"
        " CASE WHEN $1 = 'dead' THEN '{}'::jsonb END) RETURNING id",
        state, days, parent,
    )  # fmt: skip
    return int(made["id"])


async def kept(db: Database) -> set[int]:
    """Ids that a retention job leaves."""
    await enqueue(db, NewJob("maintenance.retention", "maintenance", {}))
    (claim,) = await Ledger(db, "w").claim("maintenance", 1)
    ctx = JobContext(claim.job, db, None, {}, asyncio.Event())
    outcome = await retention(ctx, {})
    assert isinstance(outcome, Done)
    rows = await sql(db, "SELECT id FROM jobs WHERE kind = 'work'")
    return {row["id"] for row in rows}


@pytest.mark.parametrize(
    ("state", "days", "stays"),
    [
        ("succeeded", 6, True), ("succeeded", 8, False), ("cancelled", 6, True),
        ("cancelled", 8, False), ("dead", 29, True), ("dead", 31, False),
    ],
)  # fmt: skip
async def test_each_state_has_its_time(db: Database, state: str, days: int, stays: bool) -> None:
    job_id = await final(db, state, days)
    assert await kept(db) == ({job_id} if stays else set())


async def test_a_tree_goes_as_a_whole(db: Database) -> None:
    young, old = await final(db, "succeeded", 3), await final(db, "succeeded", 9)
    child = await final(db, "succeeded", 20, young)
    grandchild = await final(db, "succeeded", 20, child)
    await final(db, "succeeded", 9, await final(db, "succeeded", 9, old))
    assert await kept(db) == {young, child, grandchild}


async def test_a_dead_child_keeps_its_tree_for_a_month(db: Database) -> None:
    root = await final(db, "succeeded", 9)
    child = await final(db, "dead", 9, root)
    await final(db, "dead", 31, await final(db, "succeeded", 31))
    assert await kept(db) == {root, child}


async def test_a_tree_in_which_something_is_to_be_done_stays(db: Database) -> None:
    root = await final(db, "cancelled", 9)
    await sql(db, "INSERT INTO jobs (kind, queue, parent_id) VALUES ('work', 'scoring', $1)", root)
    assert len(await kept(db)) == 2


async def test_large_trees_go_in_bounded_batches(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 7)
    deleted: list[int] = []
    purge = store.purge_jobs

    async def noting(*args: Any) -> int:
        deleted.append(await purge(*args))
        return deleted[-1]

    monkeypatch.setattr(store, "purge_jobs", noting)
    for _ in range(3):
        root = await final(db, "succeeded", 9)
        for _ in range(10):
            await final(db, "succeeded", 9, root)
    assert await kept(db) == set()
    assert sum(deleted) == 33 and max(deleted) == 7


async def test_logs_and_attempts_go_along_and_the_audit_trail_stays(db: Database) -> None:
    job_id = await final(db, "succeeded", 9)
    await sql(
        db, "INSERT INTO job_logs (job_id, line, attempt, level, message)"
        " VALUES ($1, 1, 1, 'info', 'x')", job_id,
    )  # fmt: skip
    await sql(
        db, "INSERT INTO job_attempts (job_id, fence, attempt, outcome)"
        " VALUES ($1, 1, 1, 'retryable')", job_id,
    )  # fmt: skip
    await sql(
        db, "INSERT INTO audit_logs (at, subject, action, entity, entity_id)"
        " VALUES (now() - interval '3 years', 'u', 'create', 'job', '1')",
    )  # fmt: skip
    await kept(db)
    for table, left in (("job_logs", 0), ("job_attempts", 0), ("audit_logs", 1)):
        assert (await sql(db, f"SELECT count(*) AS n FROM {table}"))[0]["n"] == left


async def test_the_history_of_schedules_is_kept_for_ninety_days(db: Database) -> None:
    await sql(db, "INSERT INTO schedules (name, kind, queue, cron) VALUES ('s', 'k', 'q', '')")
    for days in (89, 91):
        await sql(
            db, "INSERT INTO schedule_runs (schedule, cause, due_at, created_at)"
            " VALUES ('s', 'due', now(), now() - make_interval(days => $1))", days,
        )  # fmt: skip
    await kept(db)
    assert (await sql(db, "SELECT count(*) AS n FROM schedule_runs"))[0]["n"] == 1


async def test_files_that_nobody_read_go_after_a_month(db: Database) -> None:
    for days in (29, 31):
        (made,) = await sql(
            db,
            "INSERT INTO uploads (format, register, state, subject, digest, created_at)"
            " VALUES ('fl', 'fl', 'FL', 'ann', '', now() - make_interval(days => $1)) RETURNING id",
            days,
        )
        await sql(
            db,
            "INSERT INTO upload_rows (upload_id, register, filing, member, line, cells)"
            " SELECT $1, 'fl', n::text, 0, n, '{}' FROM generate_series(1, 2500) AS n",
            made["id"],
        )
        await sql(
            db,
            "INSERT INTO upload_chunks (upload_id, file, chunk, data) VALUES ($1, 0, 0, '')",
            made["id"],
        )
    await kept(db)
    (left,) = await sql(
        db,
        "SELECT (SELECT count(*) FROM uploads) AS uploads,"
        " (SELECT count(*) FROM upload_rows) AS staged,"
        " (SELECT count(*) FROM upload_chunks) AS chunks",
    )
    assert list(left.values()) == [1, 2500, 1]
