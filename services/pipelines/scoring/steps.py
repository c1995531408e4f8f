"""The work of scoring: changed prospects in micro-batches, sweeps, and jobs over many.

agents -> here -> store, assess. A batch is judged whole from one snapshot and written in one
transaction; scoring what is already scored changes nothing, so every step may run twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.common import metrics
from services.common.db import Database
from services.common.errors import AppError, BadRequest
from services.common.jobs import Done, FanOut, JobContext, NewJob, Outcome
from services.common.kafka.changes import ChangeContext
from services.pipelines.changes import in_batches, prospect_ids
from services.pipelines.scoring import store
from services.pipelines.scoring.assess import Assessment, assess
from services.pipelines.scoring.facts import Facts

log = logging.getLogger(__name__)
QUEUE = "scoring"


class NotJudged(AppError):
    """Some prospects could not be judged: the log shows why, the others are scored."""

    code = "not_judged"


def today() -> date:
    """The date prospects are judged at unless a job names another: today in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Scoring:
    """The steps of one worker: `batch` prospects at a time, `job_batch` in a job.

    Changes and sweeps take turns by `turn`: what a sweep scored is skipped when its message
    comes, and the other way round.
    """

    batch: int
    job_batch: int
    today: Callable[[], date] = today
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def changed(self, ctx: ChangeContext, received: list[dict[str, Any]]) -> None:
        """Score the prospects that {"prospect_ids": [...]} messages name, where still due."""
        ids = prospect_ids(received)
        async with self.turn:
            for some in in_batches(ids, self.batch):
                await score(ctx.db, some, self.today())

    async def sweep(self, db: Database, older_than_s: float) -> bool:
        """Score what was changed that long ago and is still due; whether there may be more."""
        async with self.turn:
            ids = await store.unscored(db, older_than_s, self.batch)
            await score(db, sorted(ids), self.today())
        return len(ids) == self.batch

    async def run(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Job `scoring`: {"prospect_ids"?: all, "as_of"?: today} fanned out into batches."""
        if ctx.children:
            scored = ctx.job.progress.get("scored", 0)  # summed from the batches' results
            return Done({"batches": sum(ctx.children.values()), "scored": scored})
        as_of = _as_of(args)
        dated = {"as_of": as_of.isoformat()} if as_of else {}
        children = [
            NewJob("scoring.batch", QUEUE, part | dated) for part in await self._parts(ctx.db, args)
        ]
        return FanOut(children) if children else Done({"batches": 0, "scored": 0})

    async def run_batch(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Job `scoring.batch`: score the named prospects, or those of a key range (after, until].

        Every one of them, changed or not.
        """
        as_of = _as_of(args) or self.today()
        scored = 0
        async for ids in self._named(ctx.db, args):
            await store.add_missing_work(ctx.db, ids)
            scored += await score(ctx.db, ids, as_of, unchanged_too=True)
        return Done({"scored": scored})

    async def _parts(self, db: Database, args: dict[str, Any]) -> list[dict[str, Any]]:
        if args.get("prospect_ids") is None:
            ranges = await store.key_ranges(db, self.job_batch)
            return [{"after": _text(after), "until": _text(until)} for after, until in ranges]
        slices = in_batches(prospect_ids([args]), self.job_batch)
        return [{"prospect_ids": [str(each) for each in some]} for some in slices]

    async def _named(self, db: Database, args: dict[str, Any]) -> AsyncIterator[Sequence[UUID]]:
        if "prospect_ids" in args:
            for some in in_batches(prospect_ids([args]), self.batch):
                yield some
            return
        after, until = _key(args, "after"), _key(args, "until")
        while ids := await store.ids_in_range(db, after, until, self.batch):
            yield ids
            after = ids[-1]


async def score(
    db: Database, ids: Sequence[UUID], as_of: date, *, unchanged_too: bool = False
) -> int:
    """Load, judge and save one batch; returns how many were written or confirmed.

    Raises NotJudged after saving the others where facts of some break a rule nobody thought of.
    """
    if not ids:
        return 0
    facts = await store.load(db, ids, as_of, unchanged_too=unchanged_too)
    judged, failed = _judge(facts, as_of)
    scored = await store.save(db, judged, as_of)
    metrics.prospects_scored_total.inc(scored)
    if failed:
        raise NotJudged(f"{len(failed)} of {len(facts)} prospects: {', '.join(failed[:10])}.")
    return scored


def _judge(facts: Sequence[Facts], as_of: date) -> tuple[list[Assessment], list[str]]:
    judged, failed = [], []
    for each in facts:
        try:
            judged.append(assess(each, as_of))
        except Exception:
            log.exception("cannot judge prospect %s", each.prospect_id)
            failed.append(str(each.prospect_id))
    return judged, failed


def _as_of(args: dict[str, Any]) -> date | None:
    value = args.get("as_of")
    try:
        return date.fromisoformat(value) if value is not None else None
    except (TypeError, ValueError):
        raise BadRequest(f"as_of must be a date like 2026-09-01, not {value!r}.") from None


def _key(args: dict[str, Any], name: str) -> UUID | None:
    value = args.get(name)
    return UUID(value) if value else None


def _text(key: UUID | None) -> str | None:
    return str(key) if key else None
