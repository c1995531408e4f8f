"""The enrichment worker: its queue, the change topic it follows, its sweep, its sources."""

from contextlib import AsyncExitStack
from functools import partial

from services.common.db import Database
from services.common.kafka.changes import ChangeStep
from services.common.kafka.pool import QueueSpec
from services.common.kafka.topics import PROSPECTS_CHANGED
from services.common.kafka.worker import run_worker
from services.pipelines.changes import MESSAGES_AT_ONCE, keep_sweeping
from services.pipelines.enrichment.settings import EnrichmentSettings
from services.pipelines.enrichment.signals.equipment import EquipmentFilings
from services.pipelines.enrichment.steps import QUEUE, Enrichment


def run(settings: EnrichmentSettings) -> None:
    """Enrich until SIGTERM."""
    enrichment = Enrichment(
        sources=[EquipmentFilings()],
        batch=settings.enrichment_batch,
        job_batch=settings.enrichment_job_batch,
    )

    async def startup(db: Database, stack: AsyncExitStack) -> None:
        sweep = partial(enrichment.sweep, db, settings.enrichment_sweep_age_s)
        keep_sweeping(stack, settings.enrichment_sweep_s, sweep)

    handlers = {"enrichment": enrichment.run, "enrichment.batch": enrichment.run_batch}
    run_worker(
        settings,
        name="enrichment",
        queues={QUEUE: QueueSpec(handlers, settings.enrichment_concurrency)},
        changes={PROSPECTS_CHANGED: ChangeStep(enrichment.changed, batch=MESSAGES_AT_ONCE)},
        startup=startup,
    )
