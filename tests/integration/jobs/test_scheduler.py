"""Schedules in the table: fired once whoever looks, with the policy for what was missed."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.common import metrics
from services.common.db import Database
from services.jobs import store_schedules
from services.jobs.models_schedules import EditSchedule, RunsQuery
from services.jobs.plan import BadSchedule
from services.jobs.scheduler import fire_after, fire_due, measure, seed
from tests.integration.jobs.support import sql


async def schedule(db: Database, **columns: Any) -> None:
    """A schedule `s` that is due now, unless `columns` say otherwise."""
    row = {"name": "s", "kind": "as_of", "queue": "maintenance", "cron": "0 2 * * *"} | columns
    names = ", ".join(row)
    values = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await sql(db, f"INSERT INTO schedules ({names}) VALUES ({values})", *row.values())
    await sql(
        db, "UPDATE schedules SET next_run_at = coalesce(next_run_at, now() - interval '1 second')"
    )


async def one(db: Database) -> dict[str, Any]:
    return (await sql(db, "SELECT * FROM schedules"))[0]


async def test_seeding_is_repeatable_and_respects_what_a_person_changed(db: Database) -> None:
    await seed(db, ["co", "ct"])
    await sql(db, "UPDATE schedules SET cron = '5 5 * * *', enabled = false WHERE name = 'as_of'")
    await seed(db, ["co", "ct", "or"])
    found = {row["name"]: row for row in await sql(db, "SELECT * FROM schedules")}
    assert found.keys() == {
        "as_of", "competitors", "enrichment.stale", "ingestion.co", "ingestion.ct", "ingestion.or",
        "portfolio", "retention", "scoring",
    }  # fmt: skip
    assert (found["as_of"]["cron"], found["as_of"]["enabled"]) == ("5 5 * * *", False)
    co, portfolio = found["ingestion.co"], found["portfolio"]
    assert (co["cron"], co["args"], co["kind"]) == ("0 2 * * *", {"source": "co"}, "ingestion")
    assert portfolio["after_kind"] == "scoring"


async def test_a_new_schedule_waits_for_its_time(db: Database) -> None:
    await seed(db, ["co"])
    assert await fire_due(db) == 0
    assert await fire_after(db) == 0
    rows = await sql(db, "SELECT next_run_at > now() AS later FROM schedules")
    assert all(row["later"] for row in rows) and len(rows) == 7


async def test_a_due_schedule_asks_for_its_job(db: Database) -> None:
    await schedule(db, args={"as_of": "today"})
    due = (await one(db))["next_run_at"]
    assert await fire_due(db) == 1
    (job,) = await sql(db, "SELECT * FROM jobs")
    after = await one(db)
    assert (job["kind"], job["queue"], job["state"]) == ("as_of", "maintenance", "queued")
    assert job["args"] == {"as_of": due.date().isoformat()}
    assert (after["last_run_at"], after["last_job_id"]) == (due, job["id"])
    assert after["next_run_at"] > due
    assert await fire_due(db) == 0


async def test_two_schedulers_fire_once(db: Database) -> None:
    await schedule(db)
    assert sorted(await asyncio.gather(*(fire_due(db) for _ in range(8)))) == [0] * 7 + [1]


async def test_each_missed_run_is_made_up_for_where_asked(db: Database) -> None:
    await schedule(db, missed_policy="run_all")
    await sql(
        db, "UPDATE schedules SET next_run_at = date_trunc('day', now()) - interval '70 hours'"
    )
    assert await fire_due(db) in (3, 4)
    keys = await sql(db, "SELECT count(DISTINCT dedupe_key) AS n FROM jobs")
    assert keys[0]["n"] in (3, 4)


async def test_a_disabled_schedule_rests(db: Database) -> None:
    await schedule(db, enabled=False)
    assert await fire_due(db) == 0


async def test_a_schedule_that_cannot_be_read_is_switched_off_and_holds_up_no_other(
    db: Database,
) -> None:
    await schedule(db, name="bad", cron="nonsense")
    await schedule(db)
    assert await fire_due(db) == 1
    rows = await sql(db, "SELECT name, enabled FROM schedules ORDER BY name")
    assert rows == [{"name": "bad", "enabled": False}, {"name": "s", "enabled": True}]
    assert "five fields are needed" in str((await store_schedules.get(db, "bad")).problem)


async def history(db: Database) -> list[tuple[str, bool]]:
    """Cause of each run, latest first, and whether it has a job."""
    found = (await store_schedules.runs(db, "s", RunsQuery())).runs
    return [(run.cause, run.job_id is not None) for run in found]


async def test_what_ran_and_what_was_skipped_is_kept(db: Database) -> None:
    await schedule(db, missed_policy="run_once", cron="* * * * *")
    await sql(
        db, "UPDATE schedules SET next_run_at = date_trunc('minute', now()) - interval '3 minutes'"
    )
    assert await fire_due(db) == 1
    first, *others = await history(db)
    assert first == ("due", True)
    # one more if a minute begins just now
    assert others in ([("missed", False)] * 3, [("missed", False)] * 4)


async def test_a_run_that_is_made_up_for_says_so(db: Database) -> None:
    await schedule(db)
    await sql(db, "UPDATE schedules SET next_run_at = now() - interval '25 hours'")
    await fire_due(db)
    assert (await history(db))[0] == ("missed", True)


async def succeeds(db: Database, kind: str) -> None:
    await sql(
        db,
        "INSERT INTO jobs (kind, queue, state, finished_at)"
        " VALUES ($1, 'ingestion', 'succeeded', clock_timestamp())",
        kind,
    )


async def test_a_schedule_may_follow_a_kind(db: Database) -> None:
    await schedule(db, after_kind="ingestion")
    await sql(db, "UPDATE schedules SET next_run_at = now() + interval '1 hour'")
    await succeeds(db, "ingestion.page")
    assert await fire_after(db) == 0
    await succeeds(db, "ingestion")
    await succeeds(db, "ingestion")
    assert sorted(await asyncio.gather(*(fire_after(db) for _ in range(6)))) == [0] * 5 + [1]
    assert await fire_after(db) == 0
    assert await history(db) == [("after", True)]
    await sql(db, "DELETE FROM jobs WHERE kind = 'as_of'")
    await succeeds(db, "ingestion")
    assert await fire_after(db) == 1
    after = await store_schedules.get(db, "s")
    assert after.next_run_at and after.lag_s == 0


async def test_a_run_by_hand_leaves_the_next_one_where_it_is(db: Database) -> None:
    await schedule(db, enabled=False, args={"as_of": "today"})
    before = await one(db)
    job = await store_schedules.run_now(db, "s")
    assert (await store_schedules.run_now(db, "s")).id == job.id
    assert (await one(db))["next_run_at"] == before["next_run_at"]
    assert await history(db) == [("hand", True)]
    assert job.args["as_of"] == job.created_at.date().isoformat()


async def test_an_edit_counts_from_now_on(db: Database) -> None:
    await schedule(db, enabled=False)
    edited = await store_schedules.edit(
        db, "s", EditSchedule(cron="30 5 * * *", timezone="America/Denver", enabled=True)
    )
    local = edited.next_run_at and edited.next_run_at.astimezone(ZoneInfo("America/Denver"))
    assert local and (local.hour, local.minute) == (5, 30)
    assert (edited.enabled, edited.missed_policy) == (True, "run_once")
    assert await fire_due(db) == 0
    (entry,) = await sql(db, "SELECT before, after FROM audit_logs WHERE entity = 'schedule'")
    assert (entry["before"]["cron"], entry["after"]["cron"]) == ("0 2 * * *", "30 5 * * *")


@pytest.mark.parametrize(
    "wanted", [{"cron": "61 * * * *"}, {"timezone": "Mars/Olympus"}, {"args": {"as_of": "today+x"}}]
)
async def test_an_edit_that_cannot_be_read_changes_nothing(
    db: Database, wanted: dict[str, Any]
) -> None:
    await schedule(db)
    before = await one(db)
    with pytest.raises(BadSchedule):
        await store_schedules.edit(db, "s", EditSchedule(**wanted))
    assert await one(db) == before


async def test_the_gauge_tells_how_late_a_schedule_is(db: Database) -> None:
    await schedule(db)
    await sql(db, "UPDATE schedules SET next_run_at = now() - interval '90 seconds'")
    await measure(db)
    assert 89 < metrics.schedule_lag_seconds.labels("s")._value.get() < 100
