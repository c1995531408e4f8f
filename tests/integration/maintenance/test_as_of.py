"""The roll-over to a new date: what lapses, who is scored again, and that it happens once."""

from datetime import date, timedelta

import pytest

from services.common.db import Database
from services.common.errors import BadRequest
from services.common.jobs import Done, Outcome, Snooze
from services.common.sql import Query
from services.pipelines.maintenance.steps import Maintenance
from services.pipelines.scoring.steps import Scoring, score
from tests.integration.maintenance.held import claimed
from tests.integration.scoring.world import (
    AS_OF,
    BANK,
    EMPTY_OUTBOX,
    FUNDER,
    filed,
    job,
    merge,
    named,
    prospect,
    terminated,
)

STATUS = Query("test_status", "SELECT status FROM ucc_filings ORDER BY filing_number")
SIGNAL = Query(
    "test_signal",
    "INSERT INTO growth_signals (prospect_id, type, source, source_key, observed_on, title)"
    " SELECT id, $1, 'test', 'a', $2, 'a signal' FROM prospects",
)


async def scored(db: Database, as_of: date) -> None:
    everyone = [row["id"] for row in await db.fetch(Query("test_all", "SELECT id FROM prospects"))]
    await score(db, everyone, as_of, unchanged_too=True)
    await db.execute(EMPTY_OUTBOX)


async def roll(db: Database, today: date, batch: int = 2) -> Outcome:
    return await Maintenance(batch, lambda: today).as_of(await claimed(db, "as_of"), {})


async def test_a_filing_lapses_after_its_day_and_its_prospect_is_scored_again(
    db: Database,
) -> None:
    lapse = AS_OF + timedelta(days=1)
    await merge(db, filed("1", date(2021, 9, 16), FUNDER, lapse_on=lapse))
    await scored(db, AS_OF)
    assert (await prospect(db))["mca"] == "certain"

    assert await roll(db, lapse) == Done({"lapsed": 0, "prospects": 1})
    tomorrow = lapse + timedelta(days=1)
    assert await roll(db, tomorrow) == Done({"lapsed": 1, "prospects": 0})
    await Scoring(10, 10, lambda: tomorrow).sweep(db, older_than_s=0)

    row = await prospect(db)
    assert (row["mca"], row["open_filings"], row["judged_at"]) == ("none", 0, tomorrow)
    assert [each["status"] for each in await db.fetch(STATUS)] == ["lapsed"]
    assert await named(db, "prospects.changed") == [str(row["id"])]


async def test_a_second_run_of_the_day_finds_nothing(db: Database) -> None:
    names = [f"FIRM {n} LLC" for n in range(5)]
    await merge(db, *(filed(n, date(2026, 8, 1), debtor=n) for n in names))
    await scored(db, AS_OF)
    tomorrow = AS_OF + timedelta(days=1)

    assert await roll(db, tomorrow) == Done({"lapsed": 0, "prospects": 5})
    await scored(db, tomorrow)

    assert await roll(db, tomorrow) == Done({"lapsed": 0, "prospects": 0})


async def test_who_waits_for_scoring_already_is_not_named_again(db: Database) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    await db.execute(EMPTY_OUTBOX)

    assert await roll(db, AS_OF) == Done({"lapsed": 0, "prospects": 0})


@pytest.mark.parametrize(
    ("filed_on", "lapse_on", "due"),
    [
        (date(2026, 9, 1), None, True),  # fresh
        (date(2025, 3, 15), None, True),  # leaves the stack of 18 months
        (date(2022, 9, 16), date(2027, 9, 16), True),  # comes up for renewal
        (date(2021, 12, 15), date(2026, 12, 15), True),  # too late for renewal
        (date(2023, 1, 1), date(2028, 1, 1), False),
        (date(2016, 1, 1), date(2021, 1, 1), False),
    ],
)
async def test_only_prospects_the_date_may_change_are_named(
    db: Database, filed_on: date, lapse_on: date | None, due: bool
) -> None:
    await merge(db, filed("1", filed_on, BANK, lapse_on=lapse_on))
    await scored(db, AS_OF)

    done = await roll(db, AS_OF + timedelta(days=1))

    assert isinstance(done, Done)
    assert done.result["prospects"] == int(due)


@pytest.mark.parametrize(
    ("kind", "age", "due"),
    [
        ("permit", -1, True),  # seen from tomorrow on
        ("permit", 0, False),
        ("permit", 89, True),  # leaves the quarter of the trend
        ("permit", 540, True),  # counts today for the last time
        ("permit", 541, False),
        ("permit", 630, True),  # counted a quarter ago for the last time
        ("violation", 540, False),
        ("violation", 1825, True),
        ("violation", 1915, True),
    ],
)
async def test_a_signal_is_looked_at_when_it_comes_and_goes(
    db: Database, kind: str, age: int, due: bool
) -> None:
    await merge(db, filed("1", date(2023, 1, 1), BANK, lapse_on=date(2028, 1, 1)))
    await db.execute(SIGNAL, kind, AS_OF - timedelta(days=age))
    await scored(db, AS_OF)

    done = await roll(db, AS_OF + timedelta(days=1))

    assert isinstance(done, Done)
    assert done.result["prospects"] == int(due)


@pytest.mark.parametrize(("age", "due"), [(90, True), (91, False)])
async def test_a_lien_that_ended_is_looked_at_for_a_quarter(
    db: Database, age: int, due: bool
) -> None:
    await merge(
        db,
        filed("1", date(2023, 1, 1), filing_type="federal_tax_lien"),
        terminated("2", "1", AS_OF - timedelta(days=age)),
    )
    await scored(db, AS_OF)

    done = await roll(db, AS_OF + timedelta(days=1))

    assert isinstance(done, Done)
    assert done.result["prospects"] == int(due)


async def test_everyone_is_looked_at_once_a_week(db: Database) -> None:
    await merge(db, filed("1", date(2023, 1, 1)))
    await scored(db, AS_OF)

    assert await roll(db, AS_OF + timedelta(days=6)) == Done({"lapsed": 0, "prospects": 0})
    assert await roll(db, AS_OF + timedelta(days=7)) == Done({"lapsed": 0, "prospects": 1})


async def test_what_was_judged_at_a_later_date_is_judged_again(db: Database) -> None:
    await merge(db, filed("1", date(2023, 1, 1)))
    await scored(db, AS_OF + timedelta(days=365))

    assert await roll(db, AS_OF) == Done({"lapsed": 0, "prospects": 1})


async def test_an_interrupted_run_goes_on_where_it_stopped(db: Database) -> None:
    names = [f"FIRM {n} LLC" for n in range(5)]
    await merge(db, *(filed(n, date(2026, 8, 1), debtor=n) for n in names))
    await scored(db, AS_OF)
    tomorrow = AS_OF + timedelta(days=1)
    ctx = await claimed(db, "as_of")
    ctx.stopping.set()
    maintenance = Maintenance(2, lambda: tomorrow)

    stopped = await maintenance.as_of(ctx, {})
    assert isinstance(stopped, Snooze)
    ctx.stopping.clear()
    assert await maintenance.as_of(ctx, {}) == Done({"lapsed": 0, "prospects": 5})
    assert ctx.job.progress["prospects"] == 5

    # called again after the last page, as after a crash before the outcome was recorded
    assert await maintenance.as_of(ctx, {}) == Done({"lapsed": 0, "prospects": 5})


@pytest.mark.parametrize("value", ["2026-09-16", "tomorrow", 7])
async def test_a_date_to_come_is_refused(db: Database, value: object) -> None:
    with pytest.raises(BadRequest, match="as_of"):
        await Maintenance(2, lambda: AS_OF).as_of(job(db, "as_of"), {"as_of": value})


async def test_a_day_gone_by_may_be_named(db: Database) -> None:
    await merge(db, filed("1", date(2020, 1, 1), lapse_on=date(2025, 1, 1)))

    done = await Maintenance(2, lambda: AS_OF).as_of(
        await claimed(db, "as_of"), {"as_of": "2024-12-31"}
    )

    assert done == Done({"lapsed": 0, "prospects": 0})
