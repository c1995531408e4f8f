"""What outside sources are asked about: names and places as the filings have them, and marks."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.common.db import Database
from services.common.sql import Query
from services.pipelines.enrichment import store
from services.pipelines.enrichment.signals.places import Place
from tests.integration.scoring.world import filed, merge, prospect
from tests.support.enrichment import HOME, known

BY_HAND = Query(
    "test_by_hand",
    "WITH made AS (INSERT INTO prospects (company_name, name_key, state)"
    " VALUES ('HAND MADE LLC', 'HANDMADE', 'IL') RETURNING id)"
    " INSERT INTO prospect_work (prospect_id) SELECT id FROM made"
    " ON CONFLICT DO NOTHING RETURNING prospect_id",
)
CORRECT = Query("test_correct", "UPDATE prospects SET corrected_name = 'KING OF REBAR'")
SCORE = Query("test_score", "UPDATE prospects SET priority_score = $2 WHERE id = $1")
ASKED = Query("test_asked", "UPDATE prospect_sources SET asked_at = now() - $1::interval")
WEEK = timedelta(days=7)


async def mark(db: Database, source: str, *ids: UUID, answered: bool = True) -> None:
    async with db.transaction() as tx:
        held = await store.lock(tx, ids)
        await store.mark_checked(tx, source, held, held if answered else [])


async def test_names_and_places_come_from_all_its_filings(db: Database) -> None:
    me = await known(db)
    other = filed("2", date(2026, 8, 2), debtor="King Rebar, Inc.")
    debtor, *others = other.parties
    debtor = replace(debtor, trade_names=("BIG IRON",), state="CO", zip="80202-1234")
    await merge(db, replace(other, parties=(debtor, *others)))
    (due,) = await store.firms(db, [me], None)
    assert set(due.firm.names) == {"KING REBAR LLC", "King Rebar, Inc."}
    assert due.firm.trade_names == ("BIG IRON",)
    assert set(due.firm.places) == {HOME, Place.of(city="DENVER", state="CO", zip="80202")}
    assert (due.firm.state, due.fresh) == ("CO", frozenset())


async def test_what_a_person_corrected_is_asked_for(db: Database) -> None:
    me = await known(db)
    await db.execute(CORRECT)
    (due,) = await store.firms(db, [me], None)
    assert due.firm.name == "KING OF REBAR"
    assert due.firm.names == ("KING REBAR LLC",)


async def test_a_prospect_made_by_hand_has_its_name_and_state(db: Database) -> None:
    me = await db.fetchval(BY_HAND)
    (due,) = await store.firms(db, [me], None)
    assert (due.firm.name, due.firm.state, due.firm.places) == ("HAND MADE LLC", "IL", ())


async def test_a_source_that_answered_lately_is_fresh(db: Database) -> None:
    me = await known(db)
    await mark(db, "osha", me)
    await mark(db, "edgar", me, answered=False)
    (due,) = await store.firms(db, [me], WEEK)
    assert due.fresh == {"osha"}
    (due,) = await store.firms(db, [me], timedelta())
    assert due.fresh == frozenset()


async def test_a_prospect_is_stale_while_one_source_is(db: Database) -> None:
    me = await known(db)
    assert await store.stale(db, ["osha", "edgar"], WEEK, 10) == [me]
    await mark(db, "osha", me)
    assert await store.stale(db, ["osha", "edgar"], WEEK, 10) == [me]
    assert await store.stale(db, ["osha"], WEEK, 10) == []
    await mark(db, "edgar", me)
    assert await store.stale(db, ["osha", "edgar"], WEEK, 10) == []


async def test_never_asked_goes_first_then_the_best_scored(db: Database) -> None:
    names = ("ONE LLC", "TWO LLC", "THREE LLC")
    one, two, three = [await known(db, n, number=n[:3]) for n in names]
    await db.execute(SCORE, two, 50)
    await db.execute(SCORE, three, 90)
    await mark(db, "osha", three, answered=False)
    assert await store.stale(db, ["osha"], WEEK, 10) == [two, one, three]
    await mark(db, "osha", one, two, answered=False)
    await db.execute(ASKED, timedelta(days=1))
    assert await store.stale(db, ["osha"], WEEK, 2) == [three, two]


@pytest.mark.parametrize("due", [True, False])
async def test_a_signal_from_outside_leaves_what_is_due_as_it_is(db: Database, due: bool) -> None:
    me = await known(db)
    if not due:
        await store.mark_enriched(db, [me], set())
    before = await prospect(db, "KINGREBAR")
    await store.mark_changed(db, [me])
    after = await prospect(db, "KINGREBAR")
    assert after["facts_rev"] == before["facts_rev"] + 1
    assert (after["enriched_rev"] < after["facts_rev"]) is due
