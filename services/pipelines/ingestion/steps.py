"""The jobs of ingestion: a run fans out into page jobs, then asks for missing initial filings.

run (`ingestion`) -> pages (`ingestion.page`, each asks for the next one while it is full)
-> `ingestion.history` for filings known only by an amendment -> the run, called again when its
children are settled, closes the window and, where something changed, has the state's competitors
counted anew (`maintenance.competitors`). Every job may be run twice: the second changes nothing.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from services.common import metrics
from services.common.db import Executor
from services.common.errors import BadRequest
from services.common.jobs import Done, FanOut, JobContext, NewJob, Outcome, Snooze, enqueue
from services.pipelines.ingestion import store
from services.pipelines.ingestion.records import Document, RawDocument, RawPage, Rejected, Window
from services.pipelines.ingestion.registers import (
    CorrectedReader,
    Correction,
    Reader,
    Register,
)
from services.pipelines.ingestion.registers.base import Parser, in_turns
from services.pipelines.ingestion.registers.florida_downloads import FloridaDownloads

log = logging.getLogger(__name__)
QUEUE = "ingestion"
HISTORY_CHUNK = 300
READ_WHOLE = frozenset({"or", "sample"})
"""Oregon publishes last month's filings only, the sample is small: no window without `since`."""
SCORES_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Ingestion:
    """The handlers of the ingestion queue over the known registers."""

    registers: Mapping[str, Register]
    client: Callable[[Register], Reader]
    probe: Callable[[Register], Reader]
    page_size: int
    overlap: timedelta
    first_run: timedelta
    wait_scores: timedelta
    downloads: FloridaDownloads
    rows_days: int = 7

    async def run(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Read a register: {"source", "since"?, "until"?, "as_of"?, dates as YYYY-MM-DD}."""
        register = self.register_of(args)
        phase = ctx.job.progress.get("phase")
        if phase is None:
            return await self._start(ctx, register, args)
        if phase == "pages" and (numbers := await _all_orphans(ctx, register)):
            return FanOut(_history_jobs(ctx, args, numbers), {"phase": "history"})
        return await self._finish(ctx, register, args)

    async def page(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Read one page, ask for the next if this one is full, merge what is new."""
        register = self.register_of(args)
        offset = int(args["offset"])
        window = Window(day_of(args, "since"), day_of(args, "until"))
        reader = await self.reader(ctx.db, register)
        raw = await register.page(reader, window, offset, int(args["limit"]))
        if raw.full:
            await _ask_for_next(ctx, args, offset + int(args["limit"]))
        return Done(await ingest(ctx, register, raw, as_of_day(args), last=True))

    async def history(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Fetch initial filings that only amendments have named so far, with their history."""
        register = self.register_of(args)
        numbers = [str(number) for number in args["numbers"]]
        raw = await register.history(await self.reader(ctx.db, register), numbers)
        result = await ingest(ctx, register, raw, as_of_day(args))
        await store.mark_history_checked(ctx.db, register.name, numbers)
        return Done(result)

    def register_of(self, args: dict[str, Any]) -> Register:
        """The register that `source` names. Raises BadRequest."""
        register = self.registers.get(str(args.get("source")))
        if register is None:
            known = ", ".join(sorted(self.registers))
            raise BadRequest(f"No register is called {args.get('source')!r}; known are {known}.")
        return register

    async def reader(
        self, db: Executor, register: Register, also: Sequence[Correction] = ()
    ) -> Reader:
        """What reads this register: bad rows that a person corrected are corrected."""
        corrections = [*await store.corrections(db, register.name), *also]
        client = self.client(register)
        return CorrectedReader(client, corrections) if corrections else client

    async def _start(self, ctx: JobContext, register: Register, args: dict[str, Any]) -> Outcome:
        as_of = day_of(args, "as_of") or datetime.now(UTC).date()
        since, until = day_of(args, "since"), day_of(args, "until")
        if since is None and register.name not in READ_WHOLE:
            covered = await store.covered_until(ctx.db, register.name)
            since = covered - self.overlap if covered else as_of - self.first_run
        if since and until and since >= until:
            raise BadRequest(f"The window is empty: since {since} is not before until {until}.")
        # a register that is away fails the run in seconds, not a page after minutes
        await register.page(self.probe(register), Window(since), 0, 1)
        await store.source_started(ctx.db, register.name)
        page = {
            "source": register.name,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "as_of": as_of.isoformat(),
            "offset": 0,
            "limit": self.page_size,
        }
        progress = {"phase": "pages", "since": page["since"], "as_of": page["as_of"]}
        return FanOut([_page_job(ctx.job.id, page)], progress)

    async def unscored(self, ctx: JobContext) -> int | Snooze:
        """How many prospects are not scored yet; Snooze while it is worth waiting for them."""
        left = await store.unscored(ctx.db) if self.wait_scores else 0
        waited = float(ctx.job.progress.get("waited_s", 0))
        if left and waited < self.wait_scores.total_seconds():
            waited += SCORES_POLL_S
            return Snooze(SCORES_POLL_S, {"phase": "scoring", "waited_s": waited})
        return left

    async def _finish(self, ctx: JobContext, register: Register, args: dict[str, Any]) -> Outcome:
        unscored = await self.unscored(ctx)
        if isinstance(unscored, Snooze):
            return unscored
        since, as_of = day_of(ctx.job.progress, "since"), as_of_day(ctx.job.progress)
        covered = min(as_of, day_of(args, "until") or as_of)
        totals = await store.child_totals(ctx.db, ctx.job.id)
        async with ctx.db.transaction() as tx:
            await store.source_succeeded(tx, register.name, since, covered)
            if totals.get("new") or totals.get("changed"):
                await enqueue(tx, _count_competitors(ctx.job.id, register.state))
        return Done({**totals, "unscored": unscored})


async def ingest(
    ctx: JobContext,
    register: Parser,
    raw: RawPage,
    as_of: date,
    *,
    last: bool = False,
    **counted: int,
) -> dict[str, int]:
    """Parse and merge what a page holds that is not stored yet, in one transaction.

    Returns the page's counters, `counted` among them; with `last` the job succeeds in that
    transaction, so that they are counted once. Raises LostLease where another worker has taken
    the job over.
    """
    documents, rejected, unchanged = await _unknown(ctx, register, raw)
    merged = store.Merged(0, 0, 0)
    async with ctx.db.transaction() as tx:
        if documents:
            merged = await store.merge(tx, register.name, register.state, documents, as_of)
        await store.quarantine(tx, register.name, ctx.job.id, rejected)
        result = {
            "rows": raw.rows,
            "documents": len(raw.documents),
            "new": merged.new,
            "changed": merged.changed,
            "unchanged": unchanged,
            "quarantined": len(rejected),
            "prospects": merged.prospects,
            **counted,
        }
        await (ctx.complete(tx, result) if last else ctx.fence(tx))
    _count(register.name, merged, unchanged, len(rejected))
    return result


async def _unknown(
    ctx: JobContext, register: Parser, raw: RawPage
) -> tuple[list[Document], list[Rejected], int]:
    known = await store.known_hashes(ctx.db, register.name, [d.number for d in raw.documents])
    documents: dict[str, Document] = {}
    rejected = list(raw.rejected)
    unchanged = 0
    async for group in in_turns(raw.documents):
        if known.get(group.number) == group.content_hash:
            unchanged += 1
            continue
        document, bad = _parsed(register, group)
        rejected.extend(bad)
        if document is not None:
            documents[document.number] = document
    return list(documents.values()), rejected, unchanged


def _parsed(register: Parser, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
    """What the reader makes of a document; one that it fails on does not cost the page."""
    try:
        return register.parse(raw)
    except Exception as exc:
        log.exception("a reader failed on a document", extra={"number": raw.number})
        reason = f"the reader failed on this document: {type(exc).__name__}: {exc}"
        rows = orjson.dumps(raw.rows).decode()
        return None, [Rejected("document", raw.number, rows, reason)]


async def _ask_for_next(ctx: JobContext, args: dict[str, Any], offset: int) -> None:
    """Before this page is merged, so that the next is fetched meanwhile."""
    parent = ctx.job.parent_id
    if parent is None:
        raise BadRequest("A page job belongs to a run: start one with POST /api/jobs/ingestion.")
    async with ctx.db.transaction() as tx:
        if not await store.page_exists(tx, parent, offset):
            await enqueue(tx, _page_job(parent, {**args, "offset": offset}))


async def _all_orphans(ctx: JobContext, register: Register) -> list[str]:
    return await store.orphans(ctx.db, register.name, limit=1_000_000)


def _page_job(run_id: int, args: dict[str, Any]) -> NewJob:
    return NewJob(
        kind="ingestion.page",
        queue=QUEUE,
        args=args,
        parent_id=run_id,
        dedupe_key=f"ingestion.page:{run_id}:{args['offset']}",
    )


def _history_jobs(ctx: JobContext, args: dict[str, Any], numbers: Sequence[str]) -> list[NewJob]:
    chunks = [numbers[i : i + HISTORY_CHUNK] for i in range(0, len(numbers), HISTORY_CHUNK)]
    as_of = ctx.job.progress["as_of"]
    return [
        NewJob(
            kind="ingestion.history",
            queue=QUEUE,
            args={"source": args["source"], "as_of": as_of, "numbers": chunk},
            parent_id=ctx.job.id,
        )
        for chunk in chunks
    ]


def _count_competitors(run_id: int, state: str) -> NewJob:
    """One a run: a job that already counts may have missed what this run merged last."""
    key = f"maintenance.competitors:{state}"
    return NewJob(
        kind="maintenance.competitors",
        queue="maintenance",
        args={"state": state},
        dedupe_key=f"{key}:{run_id}",
        serial_key=key,
    )


def day_of(args: dict[str, Any], name: str) -> date | None:
    """A date among arguments or progress, None where it is not there. Raises BadRequest."""
    value = args.get(name)
    try:
        return date.fromisoformat(value) if value else None
    except (TypeError, ValueError):
        raise BadRequest(f"{name} must be a date like 2026-09-01, not {value!r}.") from None


def as_of_day(args: dict[str, Any]) -> date:
    """The day that findings are derived at: today unless `as_of` says another. Or BadRequest."""
    return day_of(args, "as_of") or datetime.now(UTC).date()


def _count(register: str, merged: store.Merged, unchanged: int, rejected: int) -> None:
    for outcome, number in (
        ("new", merged.new),
        ("changed", merged.changed),
        ("unchanged", unchanged),
    ):
        metrics.ingest_records_total.labels(register, outcome).inc(number)
    metrics.ingest_quarantined_total.labels(register).inc(rejected)
