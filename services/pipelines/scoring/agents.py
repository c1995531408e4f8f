"""The scoring worker: its queue, the change topics it follows, its sweep."""

from contextlib import AsyncExitStack
from functools import partial

from services.common.db import Database
from services.common.kafka.changes import ChangeStep
from services.common.kafka.pool import QueueSpec
from services.common.kafka.topics import PROSPECTS_CHANGED, SIGNALS_CHANGED
from services.common.kafka.worker import run_worker
from services.pipelines.changes import MESSAGES_AT_ONCE, keep_sweeping
from services.pipelines.scoring.settings import ScoringSettings
from services.pipelines.scoring.steps import QUEUE, Scoring


def run(settings: ScoringSettings) -> None:
    """Score until SIGTERM."""
    scoring = Scoring(settings.scoring_batch, settings.scoring_job_batch)
    changed = ChangeStep(scoring.changed, batch=MESSAGES_AT_ONCE)

    async def startup(db: Database, stack: AsyncExitStack) -> None:
        sweep = partial(scoring.sweep, db, settings.scoring_sweep_age_s)
        keep_sweeping(stack, settings.scoring_sweep_s, sweep)

    handlers = {"scoring": scoring.run, "scoring.batch": scoring.run_batch}
    run_worker(
        settings,
        name="scoring",
        queues={QUEUE: QueueSpec(handlers, settings.scoring_concurrency)},
        changes={PROSPECTS_CHANGED: changed, SIGNALS_CHANGED: changed},
        startup=startup,
    )
