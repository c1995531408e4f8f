"""The work of enrichment: changed prospects in micro-batches, sweeps, and jobs over named ones.

agents -> here -> signals, store. Sources are asked outside a transaction; what they tell is
merged in one. Only where a signal came, changed or went does scoring hear of it, and enrichment
never wakes itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.common import metrics
from services.common.db import Database, Executor
from services.common.jobs import Done, FanOut, JobContext, NewJob, Outcome, publish
from services.common.kafka.changes import ChangeContext
from services.common.kafka.topics import SIGNALS_CHANGED
from services.pipelines.changes import in_batches, messages, prospect_ids
from services.pipelines.enrichment import store
from services.pipelines.enrichment.signals import Signal, Source

QUEUE = "enrichment"


@dataclass(frozen=True, slots=True)
class Enriched:
    """Prospects looked at, and those of them whose signals changed."""

    enriched: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Enrichment:
    """The steps of one worker: `batch` prospects at a time, `job_batch` in a job.

    Changes and sweeps take turns by `turn`: what one has done the other skips.
    """

    sources: Sequence[Source]
    batch: int
    job_batch: int
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
            totals = {name: ctx.job.progress.get(name, 0) for name in ("enriched", "changed")}
            return Done({"batches": sum(ctx.children.values()), **totals})
        children = [
            NewJob("enrichment.batch", QUEUE, {"prospect_ids": [str(each) for each in some]})
            for some in in_batches(prospect_ids([args]), self.job_batch)
        ]
        return FanOut(children) if children else Done({"batches": 0, "enriched": 0, "changed": 0})

    async def run_batch(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Job `enrichment.batch`: enrich every named prospect, changed or not."""
        result = await self.enrich(ctx.db, prospect_ids([args]), unchanged_too=True)
        return Done({"enriched": result.enriched, "changed": result.changed})

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
        return Enriched(len(held), len(changed))


async def _merge(
    tx: Executor, source: str, held: Sequence[UUID], signals: Sequence[Signal]
) -> set[UUID]:
    mine = set(held)
    kept = [signal for signal in signals if signal.prospect_id in mine]
    changed, written = await store.merge(tx, source, held, kept)
    for kind, count in written.items():
        metrics.signals_total.labels(kind).inc(count)
    return changed
