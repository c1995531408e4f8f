"""Scoring on a real database: what is written, what is left alone, and who wins a race."""

import asyncio
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.common.db import Database
from services.common.errors import BadRequest
from services.common.jobs import Done, FanOut
from services.common.sql import Query
from services.pipelines.scoring import steps, store
from services.pipelines.scoring.assess import assess
from services.pipelines.scoring.steps import NotJudged, Scoring, score
from tests.integration.scoring.world import (
    AGENT,
    AS_OF,
    BANK,
    FUNDER,
    change,
    filed,
    job,
    merge,
    message,
    prospect,
    rows,
    terminated,
)  # fmt: skip

IDS = Query("test_ids", "SELECT id FROM prospects ORDER BY id")
BY_HAND = Query(
    "test_by_hand",
    "INSERT INTO prospects (company_name, state, industry, filing_date)"
    " VALUES ('Peak Roofing', 'CO', 'technology', '2020-02-02') RETURNING id",
)
TOUCHED = Query(
    "test_touched",
    "UPDATE prospects SET corrected_name = 'Peak', corrected_industry = 'retail', notes = 'n',"
    " status = 'contacted', claimed_by = 'ann', claimed_at = '2026-01-01'",
)
SIGNAL = Query(
    "test_signal",
    "INSERT INTO growth_signals (prospect_id, type, source, source_key, observed_on, title)"
    " SELECT id, $1, 'test', $2, $3, 'a signal' FROM prospects",
)
HEALTH = Query("test_health", "SELECT * FROM health_scores ORDER BY as_of")
FORGET = Query("test_forget", "DELETE FROM health_scores WHERE as_of = $1")
PERSONS = (
    "corrected_name", "corrected_industry", "notes", "status", "claimed_by", "claimed_at",
)  # fmt: skip


@pytest.fixture
def scoring() -> Scoring:
    return Scoring(batch=2, job_batch=2, today=lambda: AS_OF)


async def ids(db: Database) -> list[UUID]:
    return [row["id"] for row in await db.fetch(IDS)]


async def rescore(db: Database, as_of: date = AS_OF) -> int:
    return await score(db, await ids(db), as_of, unchanged_too=True)


async def test_a_changed_prospect_is_scored_with_its_evidence(
    db: Database, scoring: Scoring
) -> None:
    await merge(
        db,
        filed("1", date(2026, 8, 1)),
        filed("2", date(2026, 7, 1), AGENT),
        filed("3", date(2021, 12, 20), BANK),
        filed("4", date(2026, 1, 1), "INTERNAL REVENUE SERVICE", filing_type="federal_tax_lien"),
    )

    await scoring.changed(change(db), [message(*await ids(db))])

    row = await prospect(db)
    assert (row["mca"], row["stack_depth"], row["stack_certain"]) == ("certain", 2, 1)
    assert (row["renewal_on"], row["distress"]) == (date(2026, 12, 20), True)
    assert (row["company_name"], row["industry"]) == ("PEAK ROOFING LLC", "construction")
    assert (row["filings"], row["open_filings"]) == (4, 4)
    assert row["filing_date"] == date(2026, 8, 1)
    assert [item["filing"] for item in row["evidence"]["stack_depth"]] == ["co:1", "co:2"]
    assert row["evidence"]["distress"]["open_liens"] == 1
    assert row["lenders"][0]["name"] == "Credibly"
    assert row["priority_score"] == sum(part["points"] for part in row["score_components"])
    assert row["scored_rev"] == row["facts_rev"]
    assert row["scored_as_of"] == row["judged_at"] == AS_OF
    (health,) = await db.fetch(HEALTH)
    assert (health["score"], health["grade"], health["as_of"]) == (65, "D", AS_OF)


async def test_scoring_again_writes_no_row(db: Database) -> None:
    await merge(db, filed("1", date(2026, 8, 1)), filed("2", date(2026, 7, 1), AGENT))
    await rescore(db)
    before = await rows(db)

    assert await rescore(db) == 1

    assert await rows(db) == before


async def test_a_new_date_alone_leaves_the_wide_row(db: Database) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    await rescore(db)
    before = await prospect(db)

    await rescore(db, AS_OF + timedelta(days=1))

    after = await prospect(db)
    assert after["version"] == before["version"]
    assert (await db.fetch(HEALTH))[-1]["as_of"] == AS_OF + timedelta(days=1)
    assert after["judged_at"] == AS_OF + timedelta(days=1)


async def test_a_changed_assessment_raises_the_version(db: Database) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    await rescore(db)
    version = (await prospect(db))["version"]

    await merge(db, terminated("9", "1", date(2026, 9, 1)))
    await rescore(db)

    row = await prospect(db)
    assert (row["version"], row["mca"], row["open_filings"]) == (version + 1, "none", 0)


async def test_a_judgement_on_older_facts_never_overwrites_a_newer_one(db: Database) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    old = await store.load(db, await ids(db), AS_OF)
    await merge(db, terminated("9", "1", date(2026, 9, 1)))
    await rescore(db)

    saved = await store.save(db, [assess(facts, AS_OF) for facts in old], AS_OF)

    assert saved == 0
    assert (await prospect(db))["mca"] == "none"


async def test_a_persons_columns_stay(db: Database) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    await db.execute(TOUCHED)
    before = await prospect(db)

    await rescore(db)

    after = await prospect(db)
    assert [after[name] for name in PERSONS] == [before[name] for name in PERSONS]
    assert after["mca"] == "certain"


async def test_a_prospect_made_by_hand_keeps_what_the_person_wrote(db: Database) -> None:
    await db.execute(BY_HAND)
    await steps.Scoring(10, 10, lambda: AS_OF).run_batch(job(db, "scoring.batch"), {})
    assert (await prospect(db))["filing_date"] == date(2020, 2, 2)

    await merge(db, filed("1", date(2026, 8, 1)))
    await rescore(db)

    row = await prospect(db)
    assert (row["company_name"], row["industry"]) == ("Peak Roofing", "technology")
    assert (row["filing_date"], row["mca"]) == (date(2026, 8, 1), "certain")


async def test_signals_count_up_to_the_date(db: Database) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    await db.execute(SIGNAL, "equipment", "a", AS_OF)
    await db.execute(SIGNAL, "permit", "b", AS_OF + timedelta(days=1))
    await db.execute(SIGNAL, "violation", "c", None)

    await rescore(db)

    (health,) = await db.fetch(HEALTH)
    assert (health["score"], health["signals"], health["violations"]) == (67, 1, 1)
    assert (await prospect(db))["health_grade"] == "D"


async def test_a_signal_out_of_its_window_counts_no_more(db: Database) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    await db.execute(SIGNAL, "permit", "old", AS_OF - timedelta(days=540))
    await rescore(db)

    await rescore(db, AS_OF + timedelta(days=1))

    days = await db.fetch(HEALTH)
    assert [(day["as_of"], day["score"]) for day in days] == [
        (AS_OF, 72),
        (AS_OF + timedelta(days=1), 70),
    ]


async def test_health_tells_liens_trend_and_reason(db: Database) -> None:
    await merge(
        db,
        filed("1", date(2026, 8, 1)),
        filed("2", date(2026, 9, 1), "INTERNAL REVENUE SERVICE", filing_type="federal_tax_lien"),
    )

    await rescore(db)

    (health,) = await db.fetch(HEALTH)
    assert (health["score"], health["liens"], health["sentiment_trend"]) == (65, 1, "declining")
    assert health["trend_reason"] == ("65 now, 70 on 2026-06-17: 1 open tax or judgment lien more.")
    assert health["components"][-1] == {
        "name": "liens",
        "points": -5,
        "reason": "1 open tax or judgment lien.",
    }


async def test_a_day_that_was_lost_comes_back_the_same(db: Database) -> None:
    await merge(
        db,
        filed("1", date(2026, 8, 1)),
        filed("2", date(2026, 7, 1), "INTERNAL REVENUE SERVICE", filing_type="federal_tax_lien"),
    )
    await db.execute(SIGNAL, "permit", "a", AS_OF - timedelta(days=100))
    await db.execute(SIGNAL, "violation", "b", AS_OF - timedelta(days=20))
    for past in (2, 1, 0):
        await rescore(db, AS_OF - timedelta(days=past))
    before = [dict(row) | {"created_at": None} for row in await db.fetch(HEALTH)]
    await db.execute(FORGET, AS_OF - timedelta(days=1))

    await rescore(db, AS_OF - timedelta(days=1))

    after = [dict(row) | {"created_at": None} for row in await db.fetch(HEALTH)]
    assert len(after) == 3
    assert after == before


async def test_a_message_of_what_is_scored_already_does_nothing(
    db: Database, scoring: Scoring
) -> None:
    await merge(db, filed("1", date(2026, 8, 1)))
    await rescore(db)
    before = await rows(db)

    await scoring.changed(change(db), [message(*await ids(db)), message()])

    assert await rows(db) == before


async def test_a_bad_message_is_refused(db: Database, scoring: Scoring) -> None:
    for bad in ({}, {"prospect_ids": None}, {"prospect_ids": ["x"]}, {"prospect_ids": [7]}):
        with pytest.raises(BadRequest):
            await scoring.changed(change(db), [bad])


async def test_a_sweep_finds_what_no_message_named(db: Database, scoring: Scoring) -> None:
    names = ["ALPHA LLC", "BRAVO LLC", "CHARLIE LLC"]
    await merge(db, *(filed(n, date(2026, 8, 1), debtor=n) for n in names))

    assert not await scoring.sweep(db, older_than_s=60)
    assert (await prospect(db, "ALPHA"))["scored_rev"] == 0

    assert await scoring.sweep(db, older_than_s=0)
    assert not await scoring.sweep(db, older_than_s=0)

    assert [(await prospect(db, n))["scored_rev"] for n in ("ALPHA", "BRAVO", "CHARLIE")] == [1] * 3


async def test_a_job_over_all_covers_every_prospect_once(db: Database, scoring: Scoring) -> None:
    await merge(db, *(filed(str(n), date(2026, 8, 1), debtor=f"FIRM {n} LLC") for n in range(5)))

    outcome = await scoring.run(job(db, "scoring"), {"as_of": "2026-09-01"})

    assert isinstance(outcome, FanOut)
    assert len(outcome.children) == 3
    done = [await scoring.run_batch(job(db, child.kind), child.args) for child in outcome.children]
    assert sum(each.result["scored"] for each in done if isinstance(each, Done)) == 5
    assert {row["as_of"] for row in await db.fetch(HEALTH)} == {date(2026, 9, 1)}
    again = await scoring.run(job(db, "scoring", {"succeeded": 3}, {"scored": 5}), {})
    assert again == Done({"batches": 3, "scored": 5})


async def test_a_job_over_named_prospects_scores_only_those(db: Database, scoring: Scoring) -> None:
    await merge(db, *(filed(str(n), date(2026, 8, 1), debtor=f"FIRM {n} LLC") for n in range(5)))
    chosen = (await ids(db))[:3]

    outcome = await scoring.run(job(db, "scoring"), message(*chosen))

    assert isinstance(outcome, FanOut)
    for child in outcome.children:
        await scoring.run_batch(job(db, child.kind), child.args)
    scored = [row["prospect_id"] for row in await db.fetch(HEALTH)]
    assert sorted(scored) == chosen


async def test_a_job_over_none_is_done(db: Database, scoring: Scoring) -> None:
    outcome = await scoring.run(job(db, "scoring"), {"prospect_ids": []})

    assert outcome == Done({"batches": 0, "scored": 0})


async def test_a_bad_date_is_refused(db: Database, scoring: Scoring) -> None:
    with pytest.raises(BadRequest, match="as_of"):
        await scoring.run(job(db, "scoring"), {"as_of": "yesterday"})


async def test_one_prospect_that_cannot_be_judged_does_not_hold_up_the_others(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await merge(db, *(filed(str(n), date(2026, 8, 1), debtor=f"FIRM {n} LLC") for n in range(3)))
    bad = (await ids(db))[1]

    def picky(facts: Any, as_of: date) -> Any:
        if facts.prospect_id == bad:
            raise ZeroDivisionError
        return assess(facts, as_of)

    monkeypatch.setattr(steps, "assess", picky)

    with pytest.raises(NotJudged, match=str(bad)):
        await rescore(db)

    assert len(await db.fetch(HEALTH)) == 2


async def test_scorers_and_ingestion_at_once_end_as_one_after_the_other(db: Database) -> None:
    names = [f"FIRM {n} LLC" for n in range(40)]
    await merge(db, *(filed(n, date(2026, 8, 1), debtor=n) for n in names))
    everyone = await ids(db)
    again = partial(score, db, everyone, AS_OF, unchanged_too=True)

    await asyncio.gather(
        *(again() for _ in range(6)),
        merge(db, *(filed(f"{n} 2", date(2026, 8, 2), FUNDER, debtor=n) for n in reversed(names))),
        *(again() for _ in range(6)),
    )
    await score(db, everyone, AS_OF)

    for key in ("FIRM0", "FIRM39"):
        row = await prospect(db, key)
        assert (row["stack_depth"], row["scored_rev"]) == (2, row["facts_rev"])
