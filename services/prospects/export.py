"""Exports: which prospects, in which form, while the caller waits or by a job.

routes_export -> here -> export_store. CSV and JSON are sent as they are read, a page of rows in
memory; an Excel file is made first, by a process of its own, up to SHEET_ROWS rows, and above
that by a job (services/pipelines/maintenance). The audit trail has two entries of each: one
before the first row leaves, and one with the number of rows that left.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from services.common import audit, xlsx
from services.common.context import Principal
from services.common.db import Database, Executor
from services.common.errors import (
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    Unprocessable,
    ValidationFailed,
)
from services.common.jobs import NewJob, enqueue
from services.common.types import Role
from services.prospects import export_store
from services.prospects.export_models import COLUMNS, ExportFile, ExportRequest, Format
from services.prospects.export_store import PAGE, START, Line
from services.prospects.filters import ProspectFilters
from services.prospects.service import check_filters

SHEET_ROWS = 50_000
"""Rows of an Excel file that is made while the caller waits."""
_PIECE = 256 * 1024
_SHEETS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Selection:
    """What to export: `ids` that there are, in the order of the list, else what `filters` match."""

    filters: ProspectFilters
    ids: list[UUID] | None = None
    missing: int = 0

    def told(self) -> dict[str, Any]:
        """What the audit trail and the export's row keep of it."""
        if self.ids is not None:
            return {"prospect_ids": len(self.ids), "missing": self.missing}
        return {"filter": self.filters.model_dump(mode="json", exclude_defaults=True)}


@dataclass(slots=True)
class Export:
    """One export that is sent while it is read; `rows` counts what has left."""

    db: Database
    format: Format
    selection: Selection
    sheets: asyncio.Semaphore
    id: UUID = field(default_factory=uuid4)
    rows: int = 0

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """The file, in pieces. Closing it early ends the work; the trail tells how far it came."""
        await self._note("begin_export", {"columns": len(COLUMNS)})
        whole = False
        try:
            make = {"csv": self._csv, "json": self._json, "xlsx": self._xlsx}[self.format]
            async with aclosing(make()) as made:
                async for part in made:
                    yield part
            whole = True
        finally:
            await self._note("export", {"rows": self.rows, "complete": whole})

    async def _note(self, action: str, facts: dict[str, Any]) -> None:
        after = {"format": self.format, **self.selection.told(), **facts}
        await audit.record(self.db, action, "export", str(self.id), None, after)

    async def _csv(self) -> AsyncGenerator[bytes, None]:
        # with the first page: until that is read, a failure can still be answered as one
        before = ",".join(COLUMNS).encode() + b"\r\n"
        async with aclosing(self._pages("csv")) as pages:
            async for page in pages:
                yield before + page
                before = b""
        if before:
            yield before

    async def _json(self) -> AsyncGenerator[bytes, None]:
        before = b"[\n"
        async with aclosing(self._pages("json")) as pages:
            async for page in pages:
                yield before + page
                before = b",\n"
        yield b"\n]\n" if self.rows else b"[]\n"

    async def _xlsx(self) -> AsyncGenerator[bytes, None]:
        async with self.sheets, xlsx.Workbook(COLUMNS) as book:
            async with aclosing(self._pages("json")) as pages:
                async for page in pages:
                    await book.add(page)
            await book.finish()
            async with aclosing(book.parts(_PIECE)) as parts:
                async for part in parts:
                    yield part

    async def _pages(self, line: Line) -> AsyncGenerator[bytes, None]:
        """Rows, a page at a time; no connection is held while the caller does something else."""
        ids, place = self.selection.ids, START
        if ids is not None:
            for start in range(0, len(ids), PAGE):
                body, rows = await export_store.rows_of(self.db, ids[start : start + PAGE], line)
                self.rows += rows
                if rows:
                    yield body
            return
        while page := await export_store.page(self.db, self.selection.filters, line, place):
            self.rows += page.rows
            yield page.body
            if page.rows < PAGE:
                return
            place = page.last


@dataclass(frozen=True, slots=True)
class Exports:
    """The exports of one process."""

    db: Database
    sheets: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_SHEETS_AT_ONCE))

    async def select(self, asked: ExportRequest) -> Selection:
        """What is to be exported. Raises NotFound where none of the ids exists."""
        if "prospect_ids" not in asked.model_fields_set:
            _check(asked.filter)
            return Selection(asked.filter)
        given = set(asked.prospect_ids)
        ids = await export_store.existing(self.db, list(given))
        if not ids:
            raise NotFound("There is none of these prospects")
        return Selection(asked.filter, ids, len(given) - len(ids))

    async def needs_job(self, form: Format, selection: Selection) -> bool:
        """Whether this is too much to make while the caller waits."""
        if form != "xlsx" or selection.ids is not None:
            return False
        filters = selection.filters
        return await export_store.count(self.db, filters, SHEET_ROWS + 1) > SHEET_ROWS

    def begin(self, form: Format, selection: Selection) -> Export:
        """An export that is sent while it is read; nothing happens before its first part."""
        return Export(self.db, form, selection, self.sheets)

    async def order(self, form: Format, selection: Selection, principal: Principal) -> ExportFile:
        """Let a job make the file; which rows is settled now. Raises Unprocessable."""
        async with self.db.transaction() as tx:
            export_id = await export_store.add(tx, principal.sub, form, selection.told())
            rows = await export_store.choose(tx, export_id, selection.filters)
            if rows > xlsx.MOST_ROWS:
                most = f"a sheet holds {xlsx.MOST_ROWS}"
                raise Unprocessable(f"{rows} prospects match, {most}: filter more, or take csv")
            args = {"export_id": str(export_id), "columns": COLUMNS}
            # one file at a time: the daily work has the other place of the queue
            job = NewJob("export", "maintenance", args, priority=50, serial_key="export")
            await export_store.start(tx, export_id, rows, await enqueue(tx, job))
            after = {"format": form, **selection.told(), "rows": rows}
            await audit.record(tx, "begin_export", "export", str(export_id), None, after)
            return await _shown(tx, export_id, principal)

    async def get(self, export_id: UUID, principal: Principal) -> ExportFile:
        """Where a file stands. Raises NotFound, Forbidden, Gone."""
        return await _shown(self.db, export_id, principal)

    async def download(self, export_id: UUID, principal: Principal) -> ExportFile:
        """Note that a file that is ready is fetched. Raises also Conflict before it is ready."""
        file = await _shown(self.db, export_id, principal)
        if file.state == "failed":
            raise Conflict(f"Job {file.job_id} did not make this file: ask for a new export")
        if file.state != "ready":
            raise Conflict("The file is not ready yet: ask again", retry_after=5)
        after = {"format": file.format, "rows": file.rows}
        await audit.record(self.db, "download", "export", str(export_id), None, after)
        return file

    async def chunks(self, file: ExportFile) -> AsyncGenerator[bytes, None]:
        """The file in pieces. Raises Gone where it is deleted meanwhile."""
        number, sent = 0, 0
        while sent < (file.size or 0):
            data = await export_store.chunk(self.db, file.id, number)
            if data is None:
                raise Gone(f"Export {file.id} is not kept any longer")
            number, sent = number + 1, sent + len(data)
            yield data


async def _shown(db: Executor, export_id: UUID, principal: Principal) -> ExportFile:
    found = await export_store.get(db, export_id)
    if found is None:
        raise NotFound(f"Export {export_id} not found")
    if principal.role != Role.ADMIN and principal.sub != found["subject"]:
        raise Forbidden("Only who asked for an export, and admins, may see it")
    if found["state"] == "expired":
        raise Gone(f"Export {export_id} was kept until {found['expires_at']:%Y-%m-%d %H:%M} UTC")
    return ExportFile(**found, download=f"/api/prospects/exports/{export_id}/file")


def _check(filters: ProspectFilters) -> None:
    try:
        check_filters(filters)
    except ValidationFailed as exc:
        errors = [
            e | {"pointer": e["pointer"].replace("/query/", "/body/filter/")} for e in exc.errors
        ]
        raise ValidationFailed(exc.detail, errors=errors) from exc
