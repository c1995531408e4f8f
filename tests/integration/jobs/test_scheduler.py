"""Schedules in the table: fired once whoever looks, with the policy for what was missed."""

import asyncio
from typing import Any

from services.common.db import Database
from services.jobs.scheduler import fire_due, seed
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
    rows = await sql(db, "SELECT name, cron, enabled, args FROM schedules ORDER BY name")
    assert [row["name"] for row in rows] == [
        "as_of",
        "enrichment.stale",
        "ingestion.co",
        "ingestion.ct",
        "ingestion.or",
    ]
    assert (rows[0]["cron"], rows[0]["enabled"]) == ("5 5 * * *", False)
    assert (rows[1]["cron"], rows[1]["args"]) == ("0 */6 * * *", {})
    assert (rows[2]["cron"], rows[2]["args"]) == ("0 2 * * *", {"source": "co"})


async def test_a_new_schedule_waits_for_its_time(db: Database) -> None:
    await seed(db, ["co"])
    assert await fire_due(db) == 0
    rows = await sql(db, "SELECT next_run_at > now() AS later FROM schedules")
    assert [row["later"] for row in rows] == [True, True, True]


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
