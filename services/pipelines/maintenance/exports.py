"""Job `export`: an Excel file too long to be made while its caller waits.

The prospects service has chosen the rows (export_parts) and serves the file (export_chunks); here
it is made by a process of its own (services/common/xlsx.py) and stored in pieces, each under the
job's fence. A job that is interrupted begins again.
"""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

from services.common import audit
from services.common.errors import BadRequest, NotFound
from services.common.jobs import Done, JobContext, Outcome, Snooze
from services.common.xlsx import Workbook
from services.pipelines.maintenance import store

_CHUNK = 1024 * 1024


async def export(ctx: JobContext, args: dict[str, Any]) -> Outcome:
    """Job `export`: {"export_id", "columns"}."""
    await store.purge_exports(ctx.db)
    export_id, columns = _asked(args)
    found = await store.find_export(ctx.db, export_id)
    if found is None:
        raise NotFound(f"Export {export_id} is not kept any longer")
    if found["finished"]:
        return Done({"export_id": str(export_id), "rows": found["rows"]})
    async with Workbook(columns) as book:
        rows = await _fill(ctx, book, export_id)
        if rows is None:
            return Snooze(0)
        size = await book.finish()
        await _keep(ctx, book, export_id)
    async with ctx.db.transaction() as tx:
        await ctx.fence(tx)
        await store.finish_export(tx, export_id, rows, size)
        after = {"format": found["format"], **found["selection"], "rows": rows, "complete": True}
        await audit.record(tx, "export", "export", str(export_id), None, after)
    return Done({"export_id": str(export_id), "rows": rows, "size": size})


async def _fill(ctx: JobContext, book: Workbook, export_id: UUID) -> int | None:
    """Write every part; the number of rows, or None where the worker is stopping."""
    rows, parts = 0, await store.count_parts(ctx.db, export_id)
    for part in range(parts):
        if ctx.stopping.is_set():
            return None
        body, count = await store.part_rows(ctx.db, export_id, part)
        if count:
            await book.add(body)
        rows += count
        if part % 10 == 9:
            await ctx.progress(rows=rows, parts=part + 1, of=parts)
    return rows


async def _keep(ctx: JobContext, book: Workbook, export_id: UUID) -> None:
    async with aclosing(book.parts(_CHUNK)) as pieces:
        number = 0
        async for piece in pieces:
            async with ctx.db.transaction() as tx:
                await ctx.fence(tx)
                await store.add_chunk(tx, export_id, number, piece)
            number += 1


def _asked(args: dict[str, Any]) -> tuple[UUID, Sequence[str]]:
    try:
        return UUID(args["export_id"]), list(args["columns"])
    except (KeyError, TypeError, ValueError) as exc:
        raise BadRequest("An export job needs export_id and columns.") from exc
