"""The job `ingestion.stage`: the records of one table go from a file to rows by filing.

A block of records is a transaction that also moves the place reached, so that a job killed at any
moment goes on behind the last block. The file lies in a temporary folder meanwhile.
"""

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from xml.parsers import expat

from services.common.bulk import delimited, inspect, xml
from services.common.bulk.layouts import LAYOUTS, Layout
from services.common.errors import LostLease, Unprocessable
from services.common.jobs import Done, JobContext, Outcome, Snooze
from services.pipelines.ingestion import files_store, store
from services.pipelines.ingestion.files import register_of
from services.pipelines.ingestion.files_store import MemberRow, Staged, Upload
from services.pipelines.ingestion.records import Rejected
from services.pipelines.ingestion.registers import FileRegister
from services.pipelines.ingestion.registers.base import KEY_MAX, BadRow, reject
from services.pipelines.ingestion.registers.filed import dataset_name
from services.pipelines.ingestion.registers.iaca import is_accepted, pieces

BLOCK = 10_000
BLOCK_BYTES = 8 * 1024 * 1024


@dataclass(slots=True)
class _Block:
    """Some records in a row: staged, set aside, and how many they were in the file."""

    rows: list[Staged] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    read: int = 0
    size: int = 0

    @property
    def full(self) -> bool:
        return self.read >= BLOCK or self.size >= BLOCK_BYTES


async def stage(ctx: JobContext, _state: Any, args: dict[str, Any]) -> Outcome:
    """Stage one table: {"upload", "member"}."""
    upload = await files_store.upload(ctx.db, int(args["upload"]))
    tables = await files_store.members(ctx.db, upload.id)
    table = next(each for each in tables if each.member == int(args["member"]))
    if table.staged:
        return Done(_told(table))
    with TemporaryDirectory(prefix="ucc-staging-") as folder:
        path = Path(folder, "file")
        await files_store.fetch_file(ctx.db, upload.id, table.file, path)
        blocks = _blocks(path, upload, table)
        try:
            while block := await asyncio.to_thread(next, blocks, None):
                table = await _keep(ctx, upload, table, block)
                if ctx.stopping.is_set():
                    return Snooze(0)
        finally:
            await asyncio.to_thread(blocks.close)
    async with ctx.db.transaction() as tx:
        await files_store.member_staged(tx, upload.id, table.member)
        await ctx.fence(tx)
    return Done(_told(table))


async def _keep(ctx: JobContext, upload: Upload, table: MemberRow, block: _Block) -> MemberRow:
    """Stage a block in one transaction; the table as it is then. Raises LostLease."""
    read, bad = table.records_read + block.read, len(block.rejected)
    async with ctx.db.transaction() as tx:
        if not await files_store.stage(tx, upload, table, block.rows, read, bad):
            raise LostLease
        await store.quarantine(tx, upload.register, ctx.job.id, block.rejected)
        await ctx.fence(tx)
    await ctx.progress(table=table.name, records=read)
    return replace(table, records_read=read, quarantined=table.quarantined + bad)


def _told(table: MemberRow) -> dict[str, Any]:
    return {"table": table.name, "records": table.records_read, "set_aside": table.quarantined}


def _blocks(path: Path, upload: Upload, table: MemberRow) -> Generator[_Block, None, None]:
    """The blocks behind the place reached; runs in a thread. Raises Unprocessable."""
    layout = LAYOUTS[upload.format]
    register = register_of(upload)
    block = _Block()
    with inspect.opened(path, table.name, table.entry) as stream, _readable(table.name):
        records: Iterator[xml.Found | delimited.Record] = (
            xml.records(stream) if layout.is_xml else _lines(stream, table, layout)
        )
        for record in islice(records, table.records_read, None):
            if isinstance(record, xml.Found):
                _take_element(register, table, record, block)
            else:
                _take_line(register, table, record, block)
            block.read += 1
            if block.full:
                yield block
                block = _Block()
    if block.read:
        yield block


def _lines(stream: IO[bytes], table: MemberRow, layout: Layout) -> Iterator[delimited.Record]:
    return delimited.records(
        stream,
        len(table.columns),
        header=table.header,
        quoted=layout.quoted,
        encoding=layout.encoding,
    )


def _take_line(
    register: FileRegister, table: MemberRow, record: delimited.Record, block: _Block
) -> None:
    """Add a line to the block: as a row of its filing, or set aside verbatim."""
    place, dataset = f"line {record.line} of {table.name}", _dataset(register, table)
    if record.cells is None:
        why = f"{place}: {record.why}"
        block.rejected.append(Rejected(dataset, place[:KEY_MAX], record.text, why))
        return
    row = dict(zip(table.columns, record.cells, strict=True))
    try:
        filing = register.filing(table.dataset, row)
    except BadRow as why:
        block.rejected.append(reject(dataset, place, row, BadRow(f"{place}: {why}")))
        return
    block.rows.append((filing, record.line, record.cells))
    block.size += sum(map(len, record.cells))


def _take_element(
    register: FileRegister, table: MemberRow, record: xml.Found, block: _Block
) -> None:
    """Add a record to the block, or set it aside; what the office refused is left out."""
    place, dataset = f"line {record.line} of {table.name}", _dataset(register, table)
    row = {table.columns[0]: record.text}
    try:
        for piece in pieces(record.text):
            row = {table.columns[0]: piece}
            if is_accepted(piece):
                block.rows.append((register.filing(table.dataset, row), record.line, [piece]))
    except BadRow as why:
        block.rejected.append(reject(dataset, place, row, BadRow(f"{place}: {why}")))
    block.size += len(record.text)


def _dataset(register: FileRegister, table: MemberRow) -> str:
    return dataset_name(register.format, table.dataset)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Raise Unprocessable for XML that cannot be read on."""
    try:
        yield
    except (xml.Refused, expat.ExpatError, LookupError, ValueError) as exc:
        raise Unprocessable(f"{name} cannot be read on: {exc}. Fetch the file again") from exc
