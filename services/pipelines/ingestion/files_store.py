"""Uploaded files' way from and to PostgreSQL: bytes to a temporary file, rows by filing."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.common import sql
from services.common.bulk.layouts import Format
from services.common.db import Executor
from services.common.errors import Gone
from services.pipelines.ingestion.registers.filed import StagedRow

Q = sql.load(Path(__file__).with_name("files.sql"))
_ROWS = "upload_id register filing member line cells".split()
_PURGE_ROWS = 50_000

Staged = tuple[str, int, Sequence[str]]
"""Filing, line and cells of a row."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Files that came together."""

    id: int
    register: str
    state: str
    format: Format
    digest: bytes


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A table in one of the files, and how many of its records are staged."""

    member: int
    file: int
    name: str
    entry: str | None
    dataset: str
    columns: list[str]
    header: bool
    records_read: int
    quarantined: int
    staged: bool


async def upload(db: Executor, upload_id: int) -> Upload:
    """Raises Gone where it is not kept any longer."""
    row = await db.fetchrow(Q["upload"], upload_id)
    if row is None:
        raise Gone(f"Upload {upload_id} is not kept any longer: send the files again")
    fields = dict(row)
    del fields["created_at"]
    return Upload(**fields)


async def members(db: Executor, upload_id: int) -> list[MemberRow]:
    """The tables of an upload."""
    return [MemberRow(**dict(row)) for row in await db.fetch(Q["upload_members"], upload_id)]


async def fetch_file(db: Executor, upload_id: int, file: int, path: Path) -> None:
    """Write the bytes of a file to `path`, a piece at a time. Raises Gone."""
    size = await db.fetchval(Q["upload_file_size"], upload_id, file) or 0
    number = written = 0
    with await asyncio.to_thread(path.open, "wb") as out:
        while data := await db.fetchval(Q["upload_chunk"], upload_id, file, number):
            await asyncio.to_thread(out.write, data)
            number, written = number + 1, written + len(data)
    if written < size:
        raise Gone(f"The bytes of upload {upload_id} are not kept any longer: send the files again")


async def stage(
    tx: Executor, upload: Upload, member: MemberRow, rows: Iterable[Staged], read: int, bad: int
) -> bool:
    """Stage the records up to `read`, with `bad` set aside among them; False where another did."""
    at = (upload.id, member.member)
    if not await tx.fetchval(Q["member_advance"], *at, member.records_read, read, bad):
        return False
    records = ((at[0], upload.register, filing, at[1], line, cells) for filing, line, cells in rows)
    await tx.copy("upload_rows", _ROWS, records)
    return True


async def member_staged(tx: Executor, upload_id: int, member: int) -> None:
    """All records of a table are staged."""
    await tx.execute(Q["member_staged"], upload_id, member)


async def drop_bytes(db: Executor, upload_id: int) -> None:
    """The bytes are not needed any longer: their rows are staged."""
    await db.execute(Q["upload_drop_chunks"], upload_id)


async def totals(db: Executor, upload_id: int, run_id: int) -> dict[str, int]:
    """Records read and set aside while staging, and what became of the documents."""
    staged = await db.fetchrow(Q["upload_totals"], upload_id) or {}
    joined = await db.fetchrow(Q["join_totals"], run_id) or {}
    found = {name: int(value) for name, value in joined.items()}
    found["quarantined"] += int(staged["quarantined"])
    return {**found, "rows": int(staged["records"])}


async def filings(db: Executor, upload_id: int, after: str, limit: int) -> list[str]:
    """The next filings that an upload has rows of."""
    rows = await db.fetch(Q["staged_filings"], upload_id, after, limit)
    return [row["filing"] for row in rows]


async def rows(
    db: Executor, register: str, form: str, numbers: Sequence[str]
) -> dict[str, list[StagedRow]]:
    """What is staged about some filings, oldest upload first."""
    found: dict[str, list[StagedRow]] = {}
    for row in await db.fetch(Q["staged_rows"], register, list(numbers), form):
        cells = dict(zip(row["columns"], row["cells"], strict=True))
        place = f"line {row['line']} of {row['name']}"
        staged = StagedRow(row["dataset"], row["upload_id"], place, cells)
        found.setdefault(row["filing"], []).append(staged)
    return found


async def page_exists(tx: Executor, parent_id: int, after: str) -> bool:
    """Whether the run has a page of the filings after this one, in whatever state."""
    return bool(await tx.fetchval(Q["page_after_exists"], parent_id, after))


async def purge(db: Executor, days: int) -> None:
    """Delete uploads and rows whose days are over."""
    for row in await db.fetch(Q["old_uploads"], days):
        tag = "DELETE 1"
        while not tag.endswith(" 0"):
            tag = await db.execute(Q["purge_rows"], row["id"], _PURGE_ROWS)
        await db.execute(Q["purge_upload"], row["id"])
