"""Competitors as the filings of a state show them."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.common.db import Database
from services.common.errors import BadRequest
from services.common.jobs import Done, JobContext, Snooze
from services.common.sql import Query
from services.pipelines.ingestion import store
from services.pipelines.maintenance.competitors import Competitors
from tests.integration.maintenance.held import claimed
from tests.integration.scoring.world import (
    AS_OF,
    BANK,
    FUNDER,
    filed,
    job,
    merge,
    terminated,
)

ROWS = Query("test_rows", "SELECT *, xmin::text AS written FROM competitors ORDER BY state, name")
KIND = "maintenance.competitors"
IRS = "INTERNAL REVENUE SERVICE"


@pytest.fixture
async def ctx(db: Database) -> JobContext:
    return await claimed(db, KIND)


async def counted(ctx: JobContext, today: date = AS_OF, **args: Any) -> Any:
    outcome = await Competitors(lambda: today).run(ctx, args)
    return outcome.result if isinstance(outcome, Done) else outcome


async def competitors(db: Database) -> dict[str, dict[str, Any]]:
    return {row["name"]: dict(row) for row in await db.fetch(ROWS)}


async def test_a_lender_has_what_its_filings_show(db: Database, ctx: JobContext) -> None:
    await merge(
        db,
        filed("1", date(2026, 8, 1)),
        filed("2", date(2025, 2, 1), debtor="RIVER CAFE LLC"),
        filed("3", date(2024, 5, 1), debtor="RIVER CAFE LLC"),
        terminated("9", "3", date(2025, 1, 1)),
        filed("4", date(2026, 6, 1), BANK),
        filed("5", date(2026, 6, 1), IRS, filing_type="federal_tax_lien"),
    )

    assert await counted(ctx, state="CO") == {"competitors": 2, "written": 2, "removed": 0}

    found = await competitors(db)
    assert set(found) == {"Credibly", "FIRST NATIONAL BANK"}
    credibly = found["Credibly"]
    assert (credibly["state"], credibly["lender_kind"]) == ("CO", "mca")
    assert (credibly["filings"], credibly["open_filings"], credibly["filings_recent"]) == (3, 2, 1)
    assert credibly["market_share"] == Decimal("0.66667")
    assert (credibly["first_seen_on"], credibly["last_seen_on"]) == (
        date(2024, 5, 1), date(2026, 8, 1),
    )  # fmt: skip
    assert credibly["as_of"] == AS_OF


async def test_spellings_of_a_lender_are_one_competitor(db: Database, ctx: JobContext) -> None:
    await merge(
        db,
        filed("1", date(2026, 8, 1), "PEAK BANK, N.A."),
        filed("2", date(2026, 8, 2), "PEAK BANK NA"),
        filed("3", date(2026, 8, 3), "PEAK BANK, N.A."),
    )

    await counted(ctx)

    ((name, row),) = (await competitors(db)).items()
    assert (name, row["filings"], row["market_share"]) == ("PEAK BANK, N.A.", 3, 1)


async def test_who_assigned_a_filing_away_has_it_no_longer(db: Database, ctx: JobContext) -> None:
    assignment = filed("2", date(2026, 8, 20), BANK, kind="assignment", initial_number="1")
    await merge(db, filed("1", date(2026, 8, 1), FUNDER), assignment)

    await counted(ctx)

    assert set(await competitors(db)) == {"FIRST NATIONAL BANK"}


async def test_a_second_run_of_the_day_writes_no_row(db: Database, ctx: JobContext) -> None:
    await merge(db, filed("1", date(2026, 8, 1)), filed("2", date(2026, 8, 1), BANK))
    await counted(ctx)
    before = await competitors(db)

    again = await counted(await claimed(db, KIND))

    assert again == {"competitors": 2, "written": 0, "removed": 0}
    assert await competitors(db) == before


async def test_a_competitor_keeps_its_id_when_its_figures_change(
    db: Database, ctx: JobContext
) -> None:
    await merge(db, filed("1", date(2026, 8, 1), "PEAK BANK NA"))
    await counted(ctx)
    (before,) = (await competitors(db)).values()
    await merge(
        db,
        filed("2", date(2026, 8, 2), "PEAK BANK, N.A."),
        filed("3", date(2026, 8, 3), "PEAK BANK, N.A."),
    )

    await counted(await claimed(db, KIND))

    (after,) = (await competitors(db)).values()
    assert (after["id"], after["name"], after["filings"]) == (before["id"], "PEAK BANK, N.A.", 3)


async def test_a_lender_without_filings_goes(db: Database, ctx: JobContext) -> None:
    await merge(db, filed("1", date(2026, 8, 1), FUNDER), filed("2", date(2026, 8, 1), BANK))
    await counted(ctx)
    await merge(db, filed("3", date(2026, 9, 1), BANK, kind="assignment", initial_number="1"))

    assert await counted(await claimed(db, KIND)) == {"competitors": 1, "written": 1, "removed": 1}

    assert set(await competitors(db)) == {"FIRST NATIONAL BANK"}


async def test_the_date_alone_moves_what_is_recent_and_open(db: Database, ctx: JobContext) -> None:
    await merge(db, filed("1", date(2026, 8, 1), lapse_on=date(2026, 12, 31)))
    await counted(ctx)

    await counted(await claimed(db, KIND), date(2027, 1, 1))

    (row,) = (await competitors(db)).values()
    assert (row["filings"], row["filings_recent"], row["open_filings"]) == (1, 0, 0)
    assert row["market_share"] is None


async def test_without_a_state_every_state_is_counted(db: Database, ctx: JobContext) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    async with db.transaction() as tx:
        await store.merge(tx, "ct", "CT", [filed("1", date(2026, 8, 1), BANK)], AS_OF)

    assert (await counted(ctx))["written"] == 2

    assert {row["state"] for row in (await competitors(db)).values()} == {"CO", "CT"}


async def test_another_state_stays_as_it_is(db: Database, ctx: JobContext) -> None:
    async with db.transaction() as tx:
        await store.merge(tx, "ct", "CT", [filed("1", date(2026, 8, 1), BANK)], AS_OF)

    assert await counted(ctx, state="CO") == {"competitors": 0, "written": 0, "removed": 0}

    assert await competitors(db) == {}


async def test_an_interrupted_run_goes_on_with_the_next_state(
    db: Database, ctx: JobContext
) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    ctx.stopping.set()

    assert isinstance(await counted(ctx), Snooze)
    ctx.stopping.clear()
    await counted(ctx)
    assert ctx.job.progress["after"] == "CO"

    # called again after the last state, as after a crash before the outcome was recorded
    assert await counted(ctx) == {"competitors": 1, "written": 1, "removed": 0}


async def test_runs_of_one_state_at_once_end_as_one(db: Database) -> None:
    names = [f"BANK {n}" for n in range(30)]
    await merge(db, *(filed(name, date(2026, 8, 1), name) for name in names))
    held = [await claimed(db, KIND) for _ in range(4)]

    done = await asyncio.gather(*(counted(each, state="CO") for each in held))

    assert sum(each["written"] for each in done) == 30
    assert len(await competitors(db)) == 30


@pytest.mark.parametrize("state", ["XX", "co", 7, []])
async def test_a_state_that_is_none_is_refused(db: Database, state: object) -> None:
    with pytest.raises(BadRequest, match="state"):
        await counted(job(db, KIND), state=state)


async def test_filings_of_days_to_come_are_left_out(db: Database, ctx: JobContext) -> None:
    await merge(db, filed("1", AS_OF + timedelta(days=1)))

    await counted(ctx)

    assert await competitors(db) == {}
