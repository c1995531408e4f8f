"""The jobs of uploaded files: rows are staged by filing, then joined into documents page by page.

`ingestion.file` -> `ingestion.stage` for each table -> `ingestion.join` for pages of filings (each
asks for the next one while it is full) -> the run again, when all are settled. A job killed at
any moment goes on behind what it had committed; a file read again changes nothing.
"""

from collections.abc import Sequence
from typing import Any

from services.common.db import Executor
from services.common.errors import BadRequest
from services.common.jobs import Done, FanOut, JobContext, NewJob, Outcome, Snooze, enqueue
from services.pipelines.ingestion import files_store, store
from services.pipelines.ingestion.files_store import Upload
from services.pipelines.ingestion.records import RawPage
from services.pipelines.ingestion.registers import Correction, FileRegister, register_in_files
from services.pipelines.ingestion.registers.base import BadRow, in_turns
from services.pipelines.ingestion.registers.corrections import shape, shape_of_text
from services.pipelines.ingestion.registers.filed import Joined, Located, StagedRow, dataset_name
from services.pipelines.ingestion.steps import QUEUE, Ingestion, as_of_day, ingest

XML_PAGE = 250
"""Records of an XML format in a page: one may have megabytes."""
_BY_HAND = "a correction by hand"
Rows = dict[str, list[StagedRow]]


async def run(ctx: JobContext, state: Ingestion, args: dict[str, Any]) -> Outcome:
    """Read an upload: {"source", "format", "upload", "as_of"?: YYYY-MM-DD}."""
    phase = ctx.job.progress.get("phase")
    if phase is None:
        return await _start(ctx, state, args)
    if phase == "stage":
        await files_store.drop_bytes(ctx.db, int(args["upload"]))
        first = {**args, "as_of": ctx.job.progress["as_of"], "after": ""}
        return FanOut([_join_job(ctx.job.id, first)], {"phase": "join"})
    unscored = await state.unscored(ctx)
    if isinstance(unscored, Snooze):
        return unscored
    await store.source_succeeded(ctx.db, str(args["source"]), None, None)
    totals = await files_store.totals(ctx.db, int(args["upload"]), ctx.job.id)
    return Done({**totals, "unscored": unscored})


async def _start(ctx: JobContext, state: Ingestion, args: dict[str, Any]) -> Outcome:
    await files_store.purge(ctx.db, state.rows_days)
    upload = await files_store.upload(ctx.db, int(args["upload"]))
    tables = await files_store.members(ctx.db, upload.id)
    await store.source_started(ctx.db, upload.register)
    as_of = as_of_day(args).isoformat()
    jobs = [
        NewJob(
            kind="ingestion.stage",
            queue=QUEUE,
            args={"source": upload.register, "upload": upload.id, "member": table.member},
            parent_id=ctx.job.id,
            dedupe_key=f"ingestion.stage:{upload.id}:{table.member}",
            max_attempts=8,
        )
        for table in tables
    ]
    return FanOut(jobs, {"phase": "stage", "as_of": as_of})


async def join(ctx: JobContext, state: Ingestion, args: dict[str, Any]) -> Outcome:
    """Make documents of a page of filings, ask for the next if this one is full, merge them."""
    upload = await files_store.upload(ctx.db, int(args["upload"]))
    register = register_of(upload)
    limit = min(state.page_size, XML_PAGE) if upload.format == "iaca" else state.page_size
    filings = await files_store.filings(ctx.db, upload.id, str(args["after"]), limit)
    if len(filings) == limit:
        await _ask_for_next(ctx, args, filings[-1])
    raw, located, waiting = await joined(ctx.db, register, filings)
    return Done(await ingest(ctx, located, raw, as_of_day(args), last=True, waiting=waiting))


async def joined(
    db: Executor, register: FileRegister, filings: Sequence[str], also: Sequence[Correction] = ()
) -> tuple[RawPage, Located, int]:
    """Documents of all that is staged about filings, corrected by hand; and rows that wait."""
    rows = await files_store.rows(db, register.name, register.format, filings)
    _correct(register, rows, filings, [*await store.corrections(db, register.name), *also])
    found = Joined()
    async for filing, own in in_turns(rows.items()):
        register.join(filing, own, found)
    located = Located.of(register, (row for own in rows.values() for row in own))
    rejected = [located.located(bad) for bad in found.rejected]
    count = sum(map(len, rows.values()))
    return RawPage(found.documents, rejected, False, count), located, found.waiting


def _correct(
    register: FileRegister, rows: Rows, filings: Sequence[str], corrections: Sequence[Correction]
) -> None:
    """Put corrected rows in the place of bad ones, beside the filing that they belong to."""
    prefix = dataset_name(register.format, "")
    own = [c for c in corrections if c.dataset.startswith(prefix)]
    bad = {(c.dataset, shape_of_text(c.row_text)) for c in own}
    for filing in rows if own else ():
        rows[filing] = [
            row
            for row in rows[filing]
            if (dataset_name(register.format, row.dataset), shape(row.row)) not in bad
        ]
    for each in own:
        dataset = each.dataset.removeprefix(prefix)
        filing = register.filing(dataset, each.row)
        if filing in filings:
            beside = rows.setdefault(filing, [])
            upload = max((row.upload for row in beside), default=0)
            beside.append(StagedRow(dataset, upload, _BY_HAND, each.row))


async def replayed(
    db: Executor, register: FileRegister, entry: store.Entry, row: dict[str, Any], by_hand: bool
) -> tuple[RawPage, Located]:
    """The documents of a quarantined row's filing. Raises BadRow where it is still bad."""
    dataset = entry.dataset.removeprefix(dataset_name(register.format, ""))
    filing = register.filing(dataset, row)
    also = [Correction(entry.dataset, entry.row_text, row)] if by_hand else []
    raw, located, _ = await joined(db, register, [filing], also)
    bad = [*raw.rejected, *(bad for one in raw.documents for bad in located.parse(one)[1])]
    for each in bad:
        if each.dataset == entry.dataset and shape_of_text(each.row) == shape(row):
            raise BadRow(each.reason)
    wanted = shape(row)
    if not any(
        shape(each) == wanted for one in raw.documents for each in one.rows.get(entry.dataset, ())
    ):
        raise BadRow(f"no file that is still kept has filing {filing}: send the files again first")
    return raw, located


async def _ask_for_next(ctx: JobContext, args: dict[str, Any], after: str) -> None:
    """Before this page is merged, so that the next is joined meanwhile."""
    parent = ctx.job.parent_id
    if parent is None:
        raise BadRequest("A page belongs to a run: POST files to /api/jobs/ingestion/files.")
    async with ctx.db.transaction() as tx:
        if not await files_store.page_exists(tx, parent, after):
            await enqueue(tx, _join_job(parent, {**args, "after": after}))


def _join_job(run_id: int, args: dict[str, Any]) -> NewJob:
    return NewJob(
        kind="ingestion.join",
        queue=QUEUE,
        args=args,
        parent_id=run_id,
        dedupe_key=f"ingestion.join:{run_id}:{args['after']}",
        max_attempts=8,
    )


def register_of(upload: Upload) -> FileRegister:
    """Who reads an upload."""
    return register_in_files(upload.format, upload.state)
