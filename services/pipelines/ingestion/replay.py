"""The job that replays a quarantined row: `ingestion.replay`, asked for over HTTP.

The row's whole document is read from the register again, with the row corrected, parsed and
merged like any other; the entry is closed in the same transaction. Run twice it changes nothing.
"""

from datetime import UTC, datetime
from typing import Any

import orjson

from services.common import audit
from services.common.errors import Conflict, Unprocessable
from services.common.jobs import Done, JobContext, Outcome
from services.pipelines.ingestion import files, store
from services.pipelines.ingestion.records import RawPage
from services.pipelines.ingestion.registers import Correction, Register, register_in_files
from services.pipelines.ingestion.registers.base import BadRow, Parser, Row
from services.pipelines.ingestion.registers.corrections import shape, shape_of_text
from services.pipelines.ingestion.steps import Ingestion, ingest

ENTITY = "quarantine"


async def replay(ctx: JobContext, state: Ingestion, args: dict[str, Any]) -> Outcome:
    """Replay an entry: {"source", "entry", "row": the corrected row or None}.

    Raises Unprocessable where the row is still bad: the entry stays open with the new reason.
    """
    entry = await store.entry(ctx.db, int(args["entry"]))
    if entry.state == "replayed" and entry.replay_job_id == ctx.job.id:
        return Done({"entry": entry.id})  # done before a crash
    if entry.state != "open":
        raise Conflict(f"Quarantine entry {entry.id} is {entry.state}: it cannot be replayed")
    corrected: Row | None = args.get("row")
    try:
        raw, register = await _read(ctx, state, args, entry)
    except BadRow as why:
        await _refuse(ctx, entry, str(why))
        raise Unprocessable(f"The row still cannot be read: {why}") from why
    async with ctx.db.shared() as tx:
        result = await ingest(ctx, register, raw, datetime.now(UTC).date())
        if not await store.entry_replayed(tx, entry.id, corrected, ctx.job.id):
            raise Conflict(f"Quarantine entry {entry.id} was closed meanwhile")
        after = {"state": "replayed", "corrected_row": corrected}
        await audit.record(tx, "replayed", ENTITY, str(entry.id), {"state": entry.state}, after)
    return Done({"entry": entry.id, **result})


async def _refuse(ctx: JobContext, entry: store.Entry, reason: str) -> None:
    async with ctx.db.transaction() as tx:
        await ctx.fence(tx)
        await store.entry_refused(tx, entry.id, reason)
        before, after = {"reason": entry.reason}, {"reason": reason}
        await audit.record(tx, "refused", ENTITY, str(entry.id), before, after)


async def _read(
    ctx: JobContext,
    state: Ingestion,
    args: dict[str, Any],
    entry: store.Entry,
) -> tuple[RawPage, Parser]:
    """The documents of the row. Raises BadRow where it is not among what can be read."""
    corrected: Row | None = args.get("row")
    row = corrected or _as_served(entry.row_text)
    form, dot, _ = entry.dataset.partition(".")
    if dot:  # a table of a file, not a data set of a register that is asked
        office = register_in_files(form, str(args["source"]).upper())
        return await files.replayed(ctx.db, office, entry, row, by_hand=bool(corrected))
    register = state.register_of(args)
    also = [Correction(entry.dataset, entry.row_text, corrected)] if corrected else []
    reader = await state.reader(ctx.db, register, also)
    numbers = await register.numbers(reader, entry.dataset, row)
    raw = await register.history(reader, numbers)
    _check(register, raw, entry.dataset, row)
    if not raw.documents:
        raise BadRow(f"the register has no document {' or '.join(numbers) or 'with this row'}")
    if corrected and not _holds(raw, entry.dataset, corrected):
        raise BadRow("the register has no document that the corrected row belongs to")
    return raw, register


def _as_served(text: str) -> Row:
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError:
        row = None
    if isinstance(row, dict):
        return row
    raise BadRow("the row is no JSON object: send a corrected row")


def _check(register: Register, raw: RawPage, dataset: str, row: Row) -> None:
    """Raise BadRow where the row is among those that are rejected again."""
    rejected = [*raw.rejected, *(bad for one in raw.documents for bad in register.parse(one)[1])]
    for bad in rejected:
        if bad.dataset == dataset and shape_of_text(bad.row) == shape(row):
            raise BadRow(bad.reason)


def _holds(raw: RawPage, dataset: str, row: Row) -> bool:
    wanted = shape(row)
    return any(shape(each) == wanted for one in raw.documents for each in one.rows.get(dataset, ()))
