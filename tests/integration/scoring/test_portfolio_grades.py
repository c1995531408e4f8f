"""Grades of the portfolio follow the prospects that are scored."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.common.db import Database
from services.common.jobs import Done
from services.common.sql import Query
from services.pipelines.maintenance.portfolio import portfolio
from services.pipelines.scoring.steps import score
from tests.integration.scoring.world import AS_OF, filed, job, merge, prospect

ADD = Query(
    "test_add",
    "INSERT INTO portfolio_companies (company_name, state, prospect_id) VALUES ($1, $2, $3)"
    " RETURNING id",
)
COMPANIES = Query(
    "test_companies",
    "SELECT company_name, health_score, health_grade, xmin::text AS written"
    " FROM portfolio_companies ORDER BY company_name",
)
SIGNAL = Query(
    "test_signal",
    "INSERT INTO growth_signals (prospect_id, type, source, source_key, observed_on, title)"
    " VALUES ($1, 'violation', 'test', $2, $3, 'a violation')",
)
BY_HAND = Query(
    "test_by_hand",
    "INSERT INTO prospects (company_name, state, health_score, health_grade, created_at)"
    " VALUES ($1, 'CO', $2, 'F', $3)",
)
GONE = Query("test_gone", "DELETE FROM prospects WHERE id = $1")
LIEN = {"filing_type": "federal_tax_lien"}


@pytest.fixture
async def two(db: Database) -> tuple[UUID, UUID]:
    """PEAK ROOFING with a tax lien (65, D) and RIVER CAFE (70, C), not scored yet."""
    await merge(
        db,
        filed("1", date(2026, 8, 1)),
        filed("2", date(2026, 7, 1), "INTERNAL REVENUE SERVICE", **LIEN),
        filed("3", date(2026, 8, 1), debtor="RIVER CAFE LLC"),
    )
    return (await prospect(db))["id"], (await prospect(db, "RIVERCAFE"))["id"]


async def grades(db: Database) -> dict[str, Any]:
    rows = await db.fetch(COMPANIES)
    return {row["company_name"]: (row["health_score"], row["health_grade"]) for row in rows}


async def scored(db: Database, *ids: UUID, as_of: date = AS_OF) -> None:
    await score(db, ids, as_of, unchanged_too=True)


async def test_a_linked_company_follows_its_prospect(db: Database, two: tuple[UUID, UUID]) -> None:
    await db.execute(ADD, "Another Name Inc", "TX", two[0])

    await scored(db, *two)

    assert await grades(db) == {"Another Name Inc": (65, "D")}


async def test_a_company_of_the_same_name_and_state_follows_too(
    db: Database, two: tuple[UUID, UUID]
) -> None:
    await db.execute(ADD, "Peak Roofing, L.L.C.", "CO", None)
    await db.execute(ADD, "River Cafe", "TX", None)

    await scored(db, *two)

    assert await grades(db) == {"Peak Roofing, L.L.C.": (65, "D"), "River Cafe": (None, None)}


async def test_a_link_goes_before_a_name(db: Database, two: tuple[UUID, UUID]) -> None:
    await db.execute(ADD, "Peak Roofing LLC", "CO", two[1])

    await scored(db, two[1])
    await scored(db, two[0])

    assert await grades(db) == {"Peak Roofing LLC": (70, "C")}


async def test_a_new_score_moves_the_grade(db: Database, two: tuple[UUID, UUID]) -> None:
    await db.execute(ADD, "Peak Roofing", "CO", None)
    await scored(db, *two)
    await db.execute(SIGNAL, two[0], "a", AS_OF)

    await scored(db, two[0])

    assert await grades(db) == {"Peak Roofing": (60, "D")}


async def test_a_grade_that_stays_is_not_written_again(
    db: Database, two: tuple[UUID, UUID]
) -> None:
    await db.execute(ADD, "Peak Roofing", "CO", None)
    await scored(db, *two)
    before = await db.fetch(COMPANIES)

    await scored(db, *two, as_of=AS_OF + timedelta(days=1))
    await portfolio(job(db, "maintenance.portfolio"), {})

    assert await db.fetch(COMPANIES) == before


async def test_the_job_grades_companies_that_came_later(
    db: Database, two: tuple[UUID, UUID]
) -> None:
    await scored(db, *two)
    await db.execute(ADD, "Peak Roofing", "CO", None)
    await db.execute(ADD, "Linked", "TX", two[1])
    await db.execute(ADD, "Unknown", "TX", None)

    assert await portfolio(job(db, "maintenance.portfolio"), {}) == Done({"companies": 2})

    assert await grades(db) == {
        "Peak Roofing": (65, "D"),
        "Linked": (70, "C"),
        "Unknown": (None, None),
    }
    assert await portfolio(job(db, "maintenance.portfolio"), {}) == Done({"companies": 0})


async def test_the_job_takes_a_grade_that_nothing_explains_any_longer(
    db: Database, two: tuple[UUID, UUID]
) -> None:
    await db.execute(ADD, "Linked", "TX", two[1])
    await scored(db, *two)
    await db.execute(GONE, two[1])

    assert await portfolio(job(db, "maintenance.portfolio"), {}) == Done({"companies": 1})

    assert await grades(db) == {"Linked": (None, None)}


async def test_of_prospects_made_by_hand_the_first_is_followed(db: Database) -> None:
    await db.execute(BY_HAND, "Peak Roofing", 50, AS_OF - timedelta(days=1))
    await db.execute(BY_HAND, "Peak Roofing", 40, AS_OF)
    await db.execute(ADD, "PEAK ROOFING LLC", "CO", None)

    await portfolio(job(db, "maintenance.portfolio"), {})

    assert await grades(db) == {"PEAK ROOFING LLC": (50, "F")}


async def test_a_name_of_punctuation_follows_nobody(db: Database) -> None:
    await db.execute(BY_HAND, "!!!", 50, AS_OF)
    await db.execute(ADD, "???", "CO", None)

    await portfolio(job(db, "maintenance.portfolio"), {})

    assert await grades(db) == {"???": (None, None)}


async def test_scorers_and_the_job_at_once_end_with_the_newest_grade(db: Database) -> None:
    names = [f"FIRM {n} LLC" for n in range(20)]
    await merge(db, *(filed(name, date(2026, 8, 1), debtor=name) for name in names))
    ids = [(await prospect(db, f"FIRM{n}"))["id"] for n in range(20)]
    for name in names:
        await db.execute(ADD, name, "CO", None)
    await scored(db, *ids)

    for turn in range(3):
        for each in ids:
            await db.execute(SIGNAL, each, str(turn), AS_OF)
        await asyncio.gather(
            *(scored(db, *ids[part::4]) for part in range(4)),
            *(portfolio(job(db, "maintenance.portfolio"), {}) for _ in range(3)),
        )

    assert set((await grades(db)).values()) == {(55, "F")}
