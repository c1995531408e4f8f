"""Outside sources asked by real jobs: what is stored, what stays, what the job says of each."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.common.db import Database
from services.common.jobs import NewJob, enqueue
from services.common.sql import Query
from services.jobs.store_steering import cancel
from services.pipelines.enrichment.steps import QUEUE
from services.pipelines.scoring.steps import score
from tests.integration.scoring.world import AS_OF, EQUIPMENT, named, prospect, rows
from tests.support.enrichment import enrich, enrichment_worker, known, results
from tests.support.ingestion import children, finished, until
from tests.support.ingestion import job as job_row
from tests.support.proxy import proxied
from tests.support.sources.rows import award, awards, position
from tests.support.sources.stand_in import BROKEN, HTML, Fault, StandIn, stand_in

SIGNALS = Query("test_signals", "SELECT * FROM growth_signals ORDER BY source, source_key")
SOURCES = Query("test_sources", "SELECT * FROM data_sources WHERE name = $1")
CHECKED = Query("test_checked", "SELECT checked_at FROM prospect_sources WHERE prospect_id = $1")
LOG = Query("test_log", "SELECT level, message FROM job_logs ORDER BY job_id, line")
AGE = Query(
    "test_age",
    "UPDATE prospect_sources"
    " SET checked_at = jsonb_build_object('usaspending', now() - $1::interval)",
)


@pytest.fixture
async def usaspending(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    async with stand_in(lambda _: awards(award())) as running:
        monkeypatch.setenv("SOURCE_USASPENDING_URL", running.url)
        yield running


async def told(db: Database) -> list[tuple[str, str]]:
    return [(row["source"], row["type"]) for row in await db.fetch(SIGNALS)]


async def test_a_contract_is_stored_and_announced_for_scoring(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    async with enrichment_worker(environment) as db:
        me = await known(db)
        revision = (await prospect(db, "KINGREBAR"))["facts_rev"]
        job = await enrich(db, me)
        row = await prospect(db, "KINGREBAR")
        assert await named(db, "signals.changed") == [str(me)]
        (signal,) = await db.fetch(SIGNALS)
        checked = await db.fetchval(CHECKED, me)
    assert results(job, "usaspending", "ucc_equipment") == ["answered", "answered"]
    assert job["result"] | {"sources": 0} == {
        "batches": 1, "enriched": 1, "changed": 1, "sources": 0,
    }  # fmt: skip
    assert job["result"]["sources"]["usaspending"]["signals"] == 1
    assert (signal["type"], signal["source"]) == ("contract", "usaspending")
    assert signal["confidence"] == pytest.approx(0.6)
    assert (row["facts_rev"], row["enriched_rev"]) == (revision + 1, revision + 1)
    assert set(checked) == {"usaspending"}


async def test_the_same_answer_writes_no_signal_again(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    async with enrichment_worker(environment) as db:
        me = await known(db)
        await enrich(db, me)
        before = await rows(db)
        job = await enrich(db, me)
        assert await rows(db) == before
    assert job["result"]["changed"] == 0
    assert len(usaspending.asked) == 1


async def test_a_failed_source_keeps_what_it_told_and_holds_up_nobody(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    async with enrichment_worker(environment, enrichment_cache_s=0) as db:
        me = await known(db, lender=EQUIPMENT)
        await enrich(db, me)
        usaspending.always = BROKEN
        job = await enrich(db, me)
        assert await told(db) == [("ucc_equipment", "equipment"), ("usaspending", "contract")]
        source = await db.fetchrow(SOURCES, "usaspending")
    assert results(job, "usaspending", "ucc_equipment") == ["failed", "answered"]
    assert "answered 500" in job["result"]["sources"]["usaspending"]["reason"]
    assert source and "answered 500" in source["last_error"] and source["last_success_at"]


async def test_the_jobs_log_says_how_each_source_went(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    usaspending.always = BROKEN
    async with enrichment_worker(environment) as db:
        await enrich(db, await known(db))
        (line,) = await db.fetch(LOG)
    assert line["level"] == "warning"
    assert line["message"].startswith("usaspending: 1 failed, 0 signals (")


async def test_what_a_source_no_longer_tells_goes(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    async with enrichment_worker(environment, enrichment_cache_s=0) as db:
        me = await known(db)
        await enrich(db, me)
        usaspending.respond = lambda _: awards()
        job = await enrich(db, me)
        assert await told(db) == []
    assert job["result"]["changed"] == 1


async def test_one_prospect_that_fails_is_alone(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    def respond(asked: Any) -> Any:
        name = asked.body["filters"]["recipient_search_text"][0]
        return "nonsense" if name == "BAD LLC" else awards(award(name=name))

    usaspending.respond = respond
    async with enrichment_worker(environment) as db:
        ids = [await known(db, f"{n} LLC", number=n) for n in ("GOODONE", "BAD", "GOODTWO")]
        job = await enrich(db, *ids)
        assert len(await told(db)) == 2
    asked = job["result"]["sources"]["usaspending"]
    assert (asked["result"], asked["answered"], asked["failed"]) == ("answered", 2, 1)


async def test_a_slow_source_holds_up_no_other(
    environment: dict[str, str], usaspending: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    usaspending.always = Fault(200, orjson.dumps(awards(award())), slow_s=2)
    async with stand_in(lambda _: {"count": 1, "results": [position()]}) as adzuna:
        monkeypatch.setenv("SOURCE_ADZUNA_URL", adzuna.url)
        keys = {"source_adzuna_id": "i", "source_adzuna_key": "k"}
        async with enrichment_worker(environment, **keys) as db:
            me, other = await known(db), await known(db, "OTHER LLC", number="2")
            async with db.transaction() as tx:
                args = {"prospect_ids": [str(me), str(other)]}
                job_id = await enqueue(tx, NewJob("enrichment.batch", QUEUE, args))

            async def stored() -> bool:
                return await told(db) == [("adzuna", "hiring")]

            await until(stored, "the quick source's signal is stored", db)
            assert (await job_row(db, job_id))["state"] == "running"
            assert (await finished(db, job_id))["state"] == "succeeded"
            assert await told(db) == [("adzuna", "hiring"), ("usaspending", "contract")]


async def test_sources_are_off_by_default(environment: dict[str, str]) -> None:
    async with enrichment_worker(environment) as db:
        job = await enrich(db, await known(db))
    asked = job["result"]["sources"]["usaspending"]
    assert asked["result"] == "skipped"
    assert asked["reason"] == "not enabled: add usaspending to ENRICHMENT_SOURCES"


async def test_a_sweep_asks_only_what_is_stale(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    async with enrichment_worker(environment, enrichment_cache_s=0) as db:
        await known(db)
        first = await enrich(db, kind="enrichment.stale")
        assert (first["result"]["batches"], len(usaspending.asked)) == (1, 1)
        again = await enrich(db, kind="enrichment.stale")
        assert (again["result"]["batches"], len(usaspending.asked)) == (0, 1)
        await db.execute(AGE, timedelta(days=8))
        later = await enrich(db, kind="enrichment.stale")
    assert results(later, "usaspending") == ["answered"]
    assert len(usaspending.asked) == 2


async def test_a_sweep_leaves_room_for_what_a_person_asks(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    async with enrichment_worker(environment, enrichment_job_batch=1) as db:
        for n in range(5):
            await known(db, f"FIRM {n} LLC", number=str(n))
        job = await enrich(db, kind="enrichment.stale")
        found = await children(db, job["id"], "enrichment.batch")
    assert {child["serial_key"] for child in found} == {
        "enrichment.stale.batch:0",
        "enrichment.stale.batch:1",
    }
    assert {child["priority"] for child in found} == {150}
    assert job["result"]["batches"] == 5


async def test_what_failed_stays_stale_but_waits_its_turn(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    usaspending.always = HTML
    async with enrichment_worker(environment, enrichment_stale_max=1) as db:
        first, second = await known(db), await known(db, "OTHER LLC", number="2")
        for _ in range(2):
            job = await enrich(db, kind="enrichment.stale")
            assert results(job, "usaspending") == ["failed"]
        assert await db.fetchval(CHECKED, first) == {} == await db.fetchval(CHECKED, second)


async def test_without_outside_sources_nothing_is_stale(environment: dict[str, str]) -> None:
    async with enrichment_worker(environment) as db:
        await known(db)
        job = await enrich(db, kind="enrichment.stale")
    assert job["result"] == {"batches": 0, "enriched": 0, "changed": 0, "sources": {}}


async def test_a_signal_from_outside_raises_the_score(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    async with enrichment_worker(environment) as db:
        me = await known(db)
        await score(db, [me], AS_OF)
        before = await prospect(db, "KINGREBAR")
        await enrich(db, me)
        await score(db, [me], AS_OF)
        after = await prospect(db, "KINGREBAR")
    assert after["health_score"] > before["health_score"]
    assert after["priority_score"] > before["priority_score"]
    assert "growth_signals" in {part["name"] for part in after["score_components"]}


async def test_a_used_up_quota_skips_the_rest_and_says_so(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_ADZUNA_QUOTA", "2")
    keys = {"source_adzuna_id": "i", "source_adzuna_key": "k"}
    async with stand_in(lambda _: {"count": 1, "results": [position()]}) as adzuna:
        monkeypatch.setenv("SOURCE_ADZUNA_URL", adzuna.url)
        async with enrichment_worker(environment, **keys) as db:
            names = ["KING REBAR LLC", "ONE LLC", "TWO LLC"]
            ids = [await known(db, name, number=str(n)) for n, name in enumerate(names)]
            job = await enrich(db, *ids)
            again = await enrich(db, *ids, kind="enrichment.stale")
    told = job["result"]["sources"]["adzuna"]
    assert (told["answered"], told["skipped"], len(adzuna.asked)) == (2, 1, 2)
    assert told["reason"] == "The monthly quota of adzuna is used up"
    assert again["result"]["batches"] == 0


async def test_a_missing_key_is_no_error(environment: dict[str, str]) -> None:
    async with enrichment_worker(environment, enrichment_sources="adzuna,osha,edgar") as db:
        job = await enrich(db, await known(db))
    reasons = {n: s["reason"] for n, s in job["result"]["sources"].items() if "reason" in s}
    assert reasons["osha"] == "not configured: set SOURCE_OSHA_KEY"
    assert reasons["edgar"] == "not configured: set SOURCE_EDGAR_CONTACT"
    assert reasons["adzuna"].startswith("not configured: set SOURCE_ADZUNA_ID")
    assert results(job, "osha", "edgar", "adzuna") == ["skipped"] * 3


async def test_without_redis_the_job_waits_until_it_is_back(
    environment: dict[str, str], usaspending: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pipelines.enrichment.outside.REDIS_WAIT_S", 0.2)
    async with (
        proxied(environment["REDIS_URL"]) as redis,
        enrichment_worker(environment | {"REDIS_URL": redis.url}) as db,
    ):
        me = await known(db)
        redis.talking.clear()
        async with db.transaction() as tx:
            args = {"prospect_ids": [str(me)]}
            job_id = await enqueue(tx, NewJob("enrichment.batch", QUEUE, args))

        async def put_off() -> bool:
            row = await job_row(db, job_id)
            return bool(row["state"] == "queued" and row["started_at"])

        await until(put_off, "the job waits for Redis", db)
        assert (usaspending.asked, await told(db)) == ([], [])
        redis.talking.set()
        row = await finished(db, job_id)
        assert (row["state"], row["attempt"]) == ("succeeded", 1)
        assert await told(db) == [("usaspending", "contract")]


async def test_a_cancelled_job_asks_no_further(
    environment: dict[str, str], usaspending: StandIn
) -> None:
    usaspending.always = Fault(200, orjson.dumps(awards()), slow_s=1)
    async with enrichment_worker(environment) as db:
        ids = [await known(db, f"FIRM {n} LLC", number=str(n)) for n in range(9)]
        async with db.transaction() as tx:
            args = {"prospect_ids": [str(each) for each in ids]}
            job_id = await enqueue(tx, NewJob("enrichment.batch", QUEUE, args))
        await until(lambda: _is_asked(usaspending), "the source is asked", db)
        assert await cancel(db, job_id) == [job_id]
        assert (await finished(db, job_id))["state"] == "cancelled"
    assert len(usaspending.asked) < 9


async def _is_asked(source: StandIn) -> bool:
    return bool(source.asked)
