"""What data_sources says of the outside sources, and the month's quota that is counted there."""

import asyncio

from services.common.db import Database
from services.common.sql import Query
from services.jobs import store_quarantine
from services.pipelines.enrichment import catalog, store
from services.pipelines.enrichment.settings import OUTSIDE, EnrichmentSettings

AT_END = Query(
    "test_last_month",
    "UPDATE data_sources SET quota_used = 1000, quota_month = quota_month - 31 WHERE name = $1",
)


def settings(**given: object) -> EnrichmentSettings:
    return EnrichmentSettings.model_validate({"database_url": "postgres://x", **given})


async def test_every_source_says_how_it_stands(db: Database) -> None:
    given = settings(enrichment_sources="usaspending,adzuna", source_osha_key="k")
    await catalog.announce(db, given)
    shown = {s.name: s for s in (await store_quarantine.sources(db)).sources}
    assert {name for name, s in shown.items() if s.kind == "enrichment"} == set(OUTSIDE)
    asked, keyless, off = shown["usaspending"], shown["adzuna"], shown["osha"]
    assert (asked.enabled, asked.configured, asked.note) == (True, True, None)
    assert (keyless.enabled, keyless.configured, keyless.monthly_quota) == (True, False, 1000)
    assert keyless.note == "not configured: set SOURCE_ADZUNA_ID and SOURCE_ADZUNA_KEY"
    assert (off.enabled, off.configured) == (False, True)
    assert off.note == "not enabled: add osha to ENRICHMENT_SOURCES"
    assert (shown["co"].configured, shown["co"].note) == (True, None)


async def test_announcing_again_keeps_the_counts(db: Database) -> None:
    await catalog.announce(db, settings())
    assert await store.take_quota(db, "adzuna")
    await catalog.announce(db, settings(enrichment_sources="all"))
    shown = {s.name: s for s in (await store_quarantine.sources(db)).sources}
    assert (shown["adzuna"].enabled, shown["adzuna"].quota_used) == (True, 1)


async def test_many_workers_together_keep_to_the_quota(db: Database) -> None:
    await store.announce(
        db,
        [
            {
                "name": "adzuna", "enabled": True, "configured": True, "note": None,
                "monthly_quota": 7,
            }
        ],
    )  # fmt: skip
    given = await asyncio.gather(*(store.take_quota(db, "adzuna") for _ in range(20)))
    assert given.count(True) == 7
    assert await store.quota_used_up(db) == {"adzuna"}


async def test_a_new_month_has_its_own_quota(db: Database) -> None:
    await catalog.announce(db, settings())
    await store.take_quota(db, "adzuna")
    await db.execute(AT_END, "adzuna")
    assert await store.quota_used_up(db) == set()
    shown = {s.name: s for s in (await store_quarantine.sources(db)).sources}
    assert shown["adzuna"].quota_used == 0
    assert await store.take_quota(db, "adzuna")
    shown = {s.name: s for s in (await store_quarantine.sources(db)).sources}
    assert shown["adzuna"].quota_used == 1


async def test_a_source_without_quota_is_not_limited(db: Database) -> None:
    await catalog.announce(db, settings())
    assert all([await store.take_quota(db, "usaspending") for _ in range(3)])
    assert await store.quota_used_up(db) == set()
