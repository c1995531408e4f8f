"""The enrichment worker: its queue, the change topic it follows, its sweep, its sources."""

import asyncio
import logging
from contextlib import AsyncExitStack
from functools import partial

import aiohttp

from services.common import redis
from services.common.db import Database
from services.common.errors import Unavailable
from services.common.kafka.changes import ChangeStep
from services.common.kafka.pool import QueueSpec
from services.common.kafka.topics import PROSPECTS_CHANGED
from services.common.kafka.worker import run_worker
from services.pipelines.changes import MESSAGES_AT_ONCE, keep_sweeping
from services.pipelines.enrichment import catalog
from services.pipelines.enrichment.outside import Outsiders
from services.pipelines.enrichment.settings import EnrichmentSettings
from services.pipelines.enrichment.signals.client import Patience
from services.pipelines.enrichment.signals.equipment import EquipmentFilings
from services.pipelines.enrichment.steps import QUEUE, Enrichment

log = logging.getLogger(__name__)
ANNOUNCE_AGAIN_S = 5.0


def run(settings: EnrichmentSettings) -> None:
    """Enrich until SIGTERM."""
    enrichment = steps(settings)
    changed = ChangeStep(enrichment.changed, batch=MESSAGES_AT_ONCE)
    run_worker(
        settings,
        name="enrichment",
        queues={QUEUE: queue(enrichment, settings)},
        changes={PROSPECTS_CHANGED: changed},
        startup=partial(startup, settings, enrichment),
    )


def steps(settings: EnrichmentSettings) -> Enrichment:
    """The work as the settings want it; sources of our own database are asked at every change."""
    return Enrichment(
        sources=[EquipmentFilings()],
        batch=settings.enrichment_batch,
        job_batch=settings.enrichment_job_batch,
        stale_max=settings.enrichment_stale_max,
    )


def queue(enrichment: Enrichment, settings: EnrichmentSettings) -> QueueSpec:
    """The kinds of the queue."""
    handlers = {
        "enrichment": enrichment.run,
        "enrichment.batch": enrichment.run_batch,
        "enrichment.stale": enrichment.run_stale,
    }
    return QueueSpec(handlers, settings.enrichment_concurrency)


async def startup(
    settings: EnrichmentSettings,
    enrichment: Enrichment,
    db: Database,
    stack: AsyncExitStack,
    patience: Patience = catalog.PATIENT,
) -> Outsiders:
    """Start the sweep; one HTTP session and one client an outside source for all jobs."""
    sweep = partial(enrichment.sweep, db, settings.enrichment_sweep_age_s)
    keep_sweeping(stack, settings.enrichment_sweep_s, sweep)
    announcing = asyncio.create_task(_announce(db, settings), name="announce")
    stack.callback(announcing.cancel)
    answers = redis.connect(settings.redis_url)
    stack.push_async_callback(answers.aclose)
    session = await stack.enter_async_context(aiohttp.ClientSession())
    outsiders = catalog.outsiders(settings, session, answers, db, patience)
    log.info("outside sources", extra={"asked": outsiders.names, "not": dict(outsiders.skipped)})
    return outsiders


async def _announce(db: Database, settings: EnrichmentSettings) -> None:
    """Tell data_sources of the sources as soon as the database is there."""
    while True:
        try:
            return await catalog.announce(db, settings)
        except Unavailable as exc:
            log.warning("cannot announce the outside sources yet: %s", exc)
            await asyncio.sleep(ANNOUNCE_AGAIN_S)
