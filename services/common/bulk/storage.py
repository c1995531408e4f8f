"""Keeping files where any worker finds them: in pieces, with what was found in them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.common import audit, context
from services.common.bulk.inspect import Member
from services.common.bulk.layouts import Format
from services.common.db import Executor
from services.common.sql import load

Q = load(Path(__file__).with_name("storage.sql"))
ENTITY = "upload"
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Looked:
    """A file, where it lies now, and what is in it."""

    name: str
    path: Path
    size: int
    members: Sequence[Member]


async def keep(
    tx: Executor, form: Format, state: str, files: Sequence[Looked], digest: bytes
) -> int:
    """Store files that came together; the upload's id. All or nothing, with `tx`."""
    who = context.author() or audit.SYSTEM
    upload: int = await tx.fetchval(Q["upload_add"], form, state.lower(), state, who, digest)
    member = 0
    for number, file in enumerate(files):
        await tx.execute(Q["upload_file_add"], upload, number, file.name, file.size)
        for each in file.members:
            shape = each.shape
            row = (each.name, each.entry, shape.table, list(shape.columns), shape.header)
            await tx.execute(Q["upload_member_add"], upload, member, number, *row)
            member += 1
        await _add_chunks(tx, upload, number, file.path)
    after = {"format": form, "state": state, "files": [file.name for file in files]}
    await audit.record(tx, "upload", ENTITY, str(upload), None, after)
    return upload


async def _add_chunks(tx: Executor, upload: int, number: int, path: Path) -> None:
    chunk = 0
    with await asyncio.to_thread(path.open, "rb") as source:
        while data := await asyncio.to_thread(source.read, _CHUNK):
            await tx.execute(Q["upload_chunk_add"], upload, number, chunk, data)
            chunk += 1
