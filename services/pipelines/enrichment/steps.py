"""The work of enrichment: changed prospects in micro-batches, sweeps, and jobs over named ones.

agents -> here -> outside, signals, store. A change has our own database asked, nothing else: it
comes thousands of times a second. Outside sources are asked in jobs only. Sources are asked
outside a transaction; what they tell is merged in one. Only where a signal came, changed or went
does scoring hear of it, and enrichment never wakes itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from services.common import metrics
from services.common.db import Database, Executor
from services.common.jobs import Done, FanOut, JobContext, NewJob, Outcome, Snooze, publish
from services.common.kafka.changes import ChangeContext
from services.common.kafka.topics import SIGNALS_CHANGED
from services.pipelines.changes import in_batches, messages, prospect_ids
from services.pipelines.enrichment import store
from services.pipelines.enrichment.outside import Outsiders
from services.pipelines.enrichment.signals import Signal, Source

QUEUE = "enrichment"
STALE_PRIORITY = 150
"""Nobody waits for a sweep: what a person asked for goes first."""
STALE_AT_ONCE = 2
"""Batches of a sweep that run at once in all workers: the pace is that of the sources, and the
other places are left to what a person asks for."""


@dataclass(frozen=True, slots=True)
class Enriched:
    """Prospects looked at, and those of them whose signals changed."""

    enriched: int = 0
    changed: int = 0
    who: frozenset[UUID] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Enrichment:
    """The steps of one worker: `batch` prospects at a time, `job_batch` in a job.

    Changes and sweeps take turns by `turn`: what one has done the other skips.
    """

    sources: Sequence[Source]
    batch: int
    job_batch: int
    stale_max: int = 5000
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def changed(self, ctx: ChangeContext, received: list[dict[str, Any]]) -> None:
        """Enrich the prospects that {"prospect_ids": [...]} messages name, where still due."""
        ids = prospect_ids(received)
        async with self.turn:
            for some in in_batches(ids, self.batch):
                await self.enrich(ctx.db, some)

    async def sweep(self, db: Database, older_than_s: float) -> bool:
        """Enrich what was changed that long ago and is still due; whether there may be more."""
        async with self.turn:
            ids = await store.unenriched(db, older_than_s, self.batch)
            await self.enrich(db, ids)
        return len(ids) == self.batch

    async def run(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Job `enrichment`: {"prospect_ids": [...]} fanned out into batches."""
        if ctx.children:
            return await _summed_up(ctx)
        return _fanned_out(self._batches(prospect_ids([args])))

    async def run_stale(self, ctx: JobContext, _: dict[str, Any]) -> Outcome:
        """Job `enrichment.stale`: what an outside source was not asked about for a week.

        Sources whose quota is used up make nothing stale: they could not be asked.
        """
        if ctx.children:
            return await _summed_up(ctx)
        outside = _outside(ctx)
        spent = await store.quota_used_up(ctx.db)
        names = [name for name in outside.names if name not in spent]
        ids = await store.stale(ctx.db, names, outside.stale_after, self.stale_max) if names else []
        sweep = [
            replace(
                batch,
                args=batch.args | {"stale": True},
                priority=STALE_PRIORITY,
                serial_key=f"enrichment.stale.batch:{n % STALE_AT_ONCE}",
            )
            for n, batch in enumerate(self._batches(ids))
        ]
        return _fanned_out(sweep)

    def _batches(self, ids: Sequence[UUID]) -> list[NewJob]:
        parts = [[str(each) for each in some] for some in in_batches(ids, self.job_batch)]
        return [NewJob("enrichment.batch", QUEUE, {"prospect_ids": part}) for part in parts]

    async def run_batch(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Job `enrichment.batch`: enrich every named prospect, changed or not; ask outside.

        With {"stale": true} an outside source is asked only about whom it was not lately.
        """
        ids = prospect_ids([args])
        own = await self.enrich(ctx.db, ids, unchanged_too=True)
        told = await _outside(ctx).ask(ctx, ids, stale_only=args.get("stale") is True)
        if told.wait_s is not None:
            return Snooze(told.wait_s)
        mine = {
            source.name: {"result": "answered", "answered": own.enriched} for source in self.sources
        }
        changed = len(own.who | told.changed)
        return Done({"enriched": own.enriched, "changed": changed, "sources": mine | told.sources})

    async def enrich(
        self, db: Database, ids: Sequence[UUID], *, unchanged_too: bool = False
    ) -> Enriched:
        """Ask every source about `ids`, merge what they tell, publish what changed."""
        revisions = await store.due(db, ids, unchanged_too=unchanged_too) if ids else {}
        if not revisions:
            return Enriched()
        told = {source.name: await source.collect(db, list(revisions)) for source in self.sources}
        async with db.transaction() as tx:
            held = await store.hold(tx, revisions)
            changed: set[UUID] = set()
            for source, signals in told.items():
                changed |= await _merge(tx, source, held, signals)
            await store.mark_enriched(tx, held, changed)
            await publish(tx, SIGNALS_CHANGED, messages(changed))
        return Enriched(len(held), len(changed), frozenset(changed))


async def _merge(
    tx: Executor, source: str, held: Sequence[UUID], signals: Sequence[Signal]
) -> set[UUID]:
    mine = set(held)
    kept = [signal for signal in signals if signal.prospect_id in mine]
    changed, written = await store.merge(tx, source, held, kept)
    for kind, count in written.items():
        metrics.signals_total.labels(kind).inc(count)
    return changed


def _fanned_out(batches: Sequence[NewJob]) -> Outcome:
    nothing = {"batches": 0, "enriched": 0, "changed": 0, "sources": {}}
    return FanOut(batches) if batches else Done(nothing)


def _outside(ctx: JobContext) -> Outsiders:
    """The outside sources that the worker's startup made; none in a worker without."""
    return ctx.state if isinstance(ctx.state, Outsiders) else Outsiders()


async def _summed_up(ctx: JobContext) -> Done:
    """The result of a job whose batches are through: their sums, and what each source told."""
    totals = {name: ctx.job.progress.get(name, 0) for name in ("enriched", "changed")}
    sources = await store.batch_results(ctx.db, ctx.job.id)
    return Done({"batches": sum(ctx.children.values()), **totals, "sources": sources})
