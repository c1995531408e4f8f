"""Wires the ingestion worker: its queue, the job kinds, and the registers it can read.

Kafka permits on `jobs.ingestion` wake the pool; steps.py does the work.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import aiohttp

from services.common.jobs import JobContext, Outcome
from services.common.kafka.pool import QueueSpec
from services.common.kafka.worker import run_worker
from services.pipelines.ingestion import downloads, files, staging
from services.pipelines.ingestion.registers import REGISTERS, Patience, client_for
from services.pipelines.ingestion.registers import downloads as downloads_of
from services.pipelines.ingestion.registers.florida_downloads import SOURCE
from services.pipelines.ingestion.replay import replay
from services.pipelines.ingestion.settings import IngestionSettings
from services.pipelines.ingestion.steps import QUEUE, Ingestion

PROBE = Patience(tries=2, body_tries=2, first_s=0.5, timeout_s=30)


def run(settings: IngestionSettings) -> None:
    """Serve the ingestion queue until SIGTERM."""
    run_worker(
        settings,
        name="ingestion",
        queues={QUEUE: queue(settings)},
        startup=lambda _db, stack: startup(settings, stack),
    )


def queue(settings: IngestionSettings) -> QueueSpec:
    """The kinds of the queue; the handlers live in the worker's state."""
    return QueueSpec(
        handlers={
            "ingestion": _run,
            "ingestion.page": _handler("page"),
            "ingestion.history": _handler("history"),
            "ingestion.download": _with_state(downloads.download),
            "ingestion.file": _with_state(files.run),
            "ingestion.stage": _with_state(staging.stage),
            "ingestion.join": _with_state(files.join),
            "ingestion.replay": _with_state(replay),
        },
        concurrency=settings.ingest_concurrency + 1,  # a run that waits holds no page back
    )


async def startup(settings: IngestionSettings, stack: AsyncExitStack) -> Ingestion:
    """One HTTP session and one polite client a register, shared by all jobs of the process."""
    session = await stack.enter_async_context(aiohttp.ClientSession())
    token = settings.ingest_app_token
    clients = {name: client_for(r, session, token) for name, r in REGISTERS.items()}
    probes = {name: client_for(r, session, token, PROBE) for name, r in REGISTERS.items()}
    return Ingestion(
        registers=REGISTERS,
        client=lambda register: clients[register.name],
        probe=lambda register: probes[register.name],
        page_size=settings.ingest_page_size,
        overlap=timedelta(days=settings.ingest_overlap_days),
        first_run=timedelta(days=settings.ingest_first_days),
        wait_scores=timedelta(seconds=settings.ingest_wait_scores_s),
        downloads=downloads_of(session, settings.download_hosts),
        rows_days=settings.ingest_rows_days,
    )


async def _run(ctx: JobContext, args: dict[str, Any]) -> Outcome:
    """A register that is asked page by page, or one that offers its files."""
    state: Ingestion = ctx.state
    if args.get("source") == SOURCE:
        return await downloads.run(ctx, state, args)
    return await state.run(ctx, args)


def _with_state(
    step: Callable[[JobContext, Ingestion, dict[str, Any]], Awaitable[Outcome]],
) -> Callable[[JobContext, dict[str, Any]], Awaitable[Outcome]]:
    async def handle(ctx: JobContext, args: dict[str, Any]) -> Outcome:
        return await step(ctx, ctx.state, args)

    return handle


def _handler(step: str) -> Callable[[JobContext, dict[str, Any]], Awaitable[Outcome]]:
    async def handle(ctx: JobContext, args: dict[str, Any]) -> Outcome:
        outcome: Outcome = await getattr(ctx.state, step)(ctx, args)
        return outcome

    return handle
