"""Equipment filings become signals: merged, removed, announced once, and never in a circle."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.common.db import Database, Executor
from services.common.errors import BadRequest
from services.common.jobs import Done, FanOut
from services.common.sql import Query
from services.pipelines.enrichment.signals import Signal
from services.pipelines.enrichment.signals.equipment import EquipmentFilings
from services.pipelines.enrichment.steps import Enriched, Enrichment
from tests.integration.scoring.world import (
    BANK,
    EMPTY_OUTBOX,
    EQUIPMENT,
    change,
    filed,
    job,
    merge,
    message,
    named,
    prospect,
    rows,
    terminated,
)

SIGNALS = Query("test_signals", "SELECT * FROM growth_signals ORDER BY source, source_key")
FILED_ON = date(2026, 8, 1)


@pytest.fixture
def enrichment() -> Enrichment:
    return Enrichment([EquipmentFilings()], batch=500, job_batch=2)


async def enrich(db: Database, enrichment: Enrichment) -> Enriched:
    return await enrichment.enrich(db, [(await prospect(db))["id"]])


async def keys(db: Database) -> list[str]:
    return [row["source_key"] for row in await db.fetch(SIGNALS)]


async def test_an_equipment_lenders_filing_becomes_a_signal(
    db: Database, enrichment: Enrichment
) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT), filed("2", FILED_ON, BANK))
    revision = (await prospect(db))["facts_rev"]

    assert await enrich(db, enrichment) == Enriched(1, 1)

    (signal,) = await db.fetch(SIGNALS)
    assert (signal["type"], signal["source"], signal["source_key"]) == (
        "equipment",
        "ucc_equipment",
        "co:1",
    )
    assert signal["observed_on"] == FILED_ON
    assert signal["title"] == "Equipment financed by Caterpillar Financial"
    assert signal["evidence"]["as_filed"] == EQUIPMENT
    row = await prospect(db)
    assert (row["facts_rev"], row["enriched_rev"]) == (revision + 1, revision + 1)
    assert await named(db, "signals.changed") == [str(row["id"])]


async def test_enrichment_does_not_wake_itself(db: Database, enrichment: Enrichment) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT))
    await enrich(db, enrichment)
    before = await rows(db)

    assert await enrich(db, enrichment) == Enriched()
    assert not await enrichment.sweep(db, older_than_s=0)

    assert await rows(db) == before


async def test_a_forced_run_over_the_same_facts_writes_no_row(
    db: Database, enrichment: Enrichment
) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT))
    await enrich(db, enrichment)
    before = await rows(db)
    mine = (await prospect(db))["id"]

    assert await enrichment.enrich(db, [mine], unchanged_too=True) == Enriched(1, 0)

    assert await rows(db) == before


async def test_without_signals_only_the_mark_moves(db: Database, enrichment: Enrichment) -> None:
    await merge(db, filed("1", FILED_ON, BANK))
    revision = (await prospect(db))["facts_rev"]

    await enrich(db, enrichment)

    row = await prospect(db)
    assert (row["facts_rev"], row["enriched_rev"]) == (revision, revision)
    assert await named(db, "signals.changed") == []


async def test_paid_off_equipment_was_bought_all_the_same(
    db: Database, enrichment: Enrichment
) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT), terminated("2", "1", date(2026, 9, 1)))

    await enrich(db, enrichment)

    assert await keys(db) == ["co:1"]


async def test_liens_are_no_equipment(db: Database, enrichment: Enrichment) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT, filing_type="judgment_lien"))

    await enrich(db, enrichment)

    assert await keys(db) == []


async def test_the_signal_of_a_filing_that_is_no_longer_linked_goes(
    db: Database, enrichment: Enrichment
) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT), filed("2", FILED_ON, EQUIPMENT))
    await enrich(db, enrichment)
    await db.execute(EMPTY_OUTBOX)
    # the register corrects filing 2: its debtor was another
    await merge(db, filed("2", FILED_ON, EQUIPMENT, debtor="OTHER LLC"))

    assert await enrich(db, enrichment) == Enriched(1, 1)

    assert await keys(db) == ["co:1"]
    assert await named(db, "signals.changed") == [str((await prospect(db))["id"])]


async def test_a_signal_that_reads_otherwise_now_is_written_again(
    db: Database, enrichment: Enrichment
) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT))
    await enrich(db, enrichment)
    await merge(db, filed("1", FILED_ON, "DEERE & COMPANY"))

    assert await enrich(db, enrichment) == Enriched(1, 1)

    (signal,) = await db.fetch(SIGNALS)
    assert "Deere" in signal["title"]


async def test_a_message_enriches_what_is_due(db: Database, enrichment: Enrichment) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT))
    mine = (await prospect(db))["id"]

    await enrichment.changed(change(db), [message(mine), message(mine), message()])

    assert await keys(db) == ["co:1"]


async def test_a_sweep_finds_what_no_message_named(db: Database, enrichment: Enrichment) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT))

    assert not await enrichment.sweep(db, older_than_s=60)
    assert await keys(db) == []

    await enrichment.sweep(db, older_than_s=0)
    assert await keys(db) == ["co:1"]


async def test_a_job_fans_out_over_the_named_prospects(
    db: Database, enrichment: Enrichment
) -> None:
    names = ["ALPHA", "BRAVO", "CHARLIE"]
    await merge(db, *(filed(n, FILED_ON, EQUIPMENT, debtor=f"{n} LLC") for n in names))
    chosen = [(await prospect(db, name))["id"] for name in names]

    outcome = await enrichment.run(job(db, "enrichment"), message(*chosen))

    assert isinstance(outcome, FanOut)
    assert [len(child.args["prospect_ids"]) for child in outcome.children] == [2, 1]
    for child in outcome.children:
        done = await enrichment.run_batch(job(db, child.kind), child.args)
        size = len(child.args["prospect_ids"])
        own = {"ucc_equipment": {"result": "answered", "answered": size}}
        assert done == Done({"enriched": size, "changed": size, "sources": own})
    totals: dict[str, Any] = {"enriched": 3, "changed": 3}
    again = await enrichment.run(job(db, "enrichment", {"succeeded": 2}, totals), {})
    assert again == Done({"batches": 2, "sources": {}} | totals)


async def test_a_job_without_prospects_is_refused(db: Database, enrichment: Enrichment) -> None:
    with pytest.raises(BadRequest, match="prospect_ids"):
        await enrichment.run(job(db, "enrichment"), {})


@dataclass(frozen=True)
class Overtaken:
    """A source so slow that the facts change while it answers."""

    db: Database
    name: str = "slow"

    async def collect(self, db: Executor, prospects: Sequence[UUID]) -> list[Signal]:
        await merge(self.db, filed("2", FILED_ON, BANK))
        return [Signal(UUID(str(each)), "permit", "p", FILED_ON, "A permit") for each in prospects]


async def test_what_was_told_of_older_facts_is_dropped(db: Database) -> None:
    await merge(db, filed("1", FILED_ON, EQUIPMENT))
    slow = Enrichment([Overtaken(db)], batch=500, job_batch=50)

    assert await enrich(db, slow) == Enriched(0, 0)

    row = await prospect(db)
    assert row["enriched_rev"] < row["facts_rev"]
    assert await keys(db) == []
