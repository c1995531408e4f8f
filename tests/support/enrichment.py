"""Enrichment for tests: a worker in this process, jobs to give it, what became of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from services.common.db import Database
from services.common.jobs import NewJob, enqueue
from services.common.kafka.worker import Worker
from services.pipelines.enrichment import agents
from services.pipelines.enrichment.settings import EnrichmentSettings
from services.pipelines.enrichment.signals.client import Patience
from services.pipelines.enrichment.signals.places import Place
from services.pipelines.enrichment.steps import QUEUE
from services.pipelines.ingestion.parties.names import name_key
from tests.integration.scoring.world import BANK, filed, merge, prospect
from tests.support.ingestion import finished

HOME = Place.of("5200 S BROADWAY", "ENGLEWOOD", "CO", "80110")

HASTY = Patience(tries=2, first_s=0.01, redis_s=0.1)


@asynccontextmanager
async def enrichment_worker(
    environment: Mapping[str, str], **settings: Any
) -> AsyncIterator[Database]:
    """A worker on the environment's database, Redis and Kafka; gives a pool of its database.

    It looks for jobs every 20 ms by itself and leaves changes alone.
    """
    quick = {"port": 0, "poll_s": 0.02, "enrichment_sweep_s": 3600}
    given = {name.lower(): value for name, value in environment.items()} | quick | settings
    read = EnrichmentSettings.model_validate(given)
    enrichment = agents.steps(read)
    queues = {QUEUE: agents.queue(enrichment, read)}
    worker = Worker(
        read,
        "enrichment",
        queues,
        startup=partial(agents.startup, read, enrichment, patience=HASTY),
    )
    stopping = asyncio.Event()
    db = await Database.connect(read.database_url)
    running = asyncio.create_task(worker.run(stopping))
    try:
        yield db
    finally:
        stopping.set()
        await running
        await db.close()


async def enrich(db: Database, *ids: UUID, kind: str = "enrichment", **args: Any) -> dict[str, Any]:
    """Run a job to its end; its row, which must have succeeded."""
    named = {"prospect_ids": [str(each) for each in ids]} if ids else {}
    async with db.transaction() as tx:
        job_id = await enqueue(tx, NewJob(kind, QUEUE, named | args))
    row = await finished(db, job_id)
    assert row["state"] == "succeeded", row["error"]
    return row


def results(row: Mapping[str, Any], *names: str) -> Sequence[str]:
    """What the job's result says of each source: answered, failed or skipped."""
    sources = row["result"]["sources"]
    return [sources[name]["result"] for name in names]


async def known(
    db: Database,
    name: str = "KING REBAR LLC",
    *,
    number: str = "1",
    lender: str = BANK,
    place: Place = HOME,
) -> UUID:
    """A prospect with one filing of a bank, at `place`."""
    document = filed(number, date(2026, 8, 1), lender, debtor=name)
    debtor, *others = document.parties
    debtor = replace(
        debtor, address1=place.address, city=place.city, state=place.state, zip=place.zip
    )
    await merge(db, replace(document, parties=(debtor, *others)))
    found: UUID = (await prospect(db, name_key(name)))["id"]
    return found
