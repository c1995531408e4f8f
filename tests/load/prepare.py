"""The baseline's data, made before any clock runs: each page of the register read and parsed.

The pages are those of the pipeline, by its own reader; documents met on an earlier page are left
out as the pipeline leaves them out. On the way the CPU of reading and of parsing is measured.
"""

import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import aiohttp

from services.pipelines.ingestion import store
from services.pipelines.ingestion.records import Document, RawPage, Window
from services.pipelines.ingestion.registers import REGISTERS, Register, SodaClient
from tests.load.statements import Script, Statement

SOURCE = "sample"


@dataclass(slots=True)
class Prepared:
    """The scripts of all pages; rows as the register sent them; CPU seconds of this process."""

    pages: list[list[Statement]] = field(default_factory=list)
    filings: int = 0
    rows: int = 0
    documents: int = 0
    staged: int = 0
    read_cpu_s: float = 0.0
    parse_cpu_s: float = 0.0


async def prepare(base_url: str, folder: Path, page_size: int, as_of: date) -> Prepared:
    """Read the whole register at `base_url` and write its pages as CSV files into `folder`."""
    register, made = REGISTERS[SOURCE], Prepared()
    seen: dict[str, bytes] = {}
    async with aiohttp.ClientSession() as session:
        client = SodaClient(session, base_url, source=SOURCE, rate=None)
        full, offset = True, 0
        while full:
            started = time.process_time()
            raw = await register.page(client, Window(None, None), offset, page_size)
            made.read_cpu_s += time.process_time() - started
            documents = _parse(register, raw, seen, made)
            await _write(register, documents, folder, as_of, made)
            full, offset = raw.full, offset + page_size
    return made


def _parse(
    register: Register, raw: RawPage, seen: dict[str, bytes], made: Prepared
) -> list[Document]:
    """The documents of a page that no earlier page had in the same words."""
    made.filings += raw.rows
    started = time.process_time()
    found: dict[str, Document] = {}
    for group in raw.documents:
        made.rows += sum(map(len, group.rows.values()))
        if seen.get(group.number) == group.content_hash:
            continue
        document, _ = register.parse(group)
        if document is not None:
            seen[group.number] = group.content_hash
            found[document.number] = document
    made.parse_cpu_s += time.process_time() - started
    return list(found.values())


async def _write(
    register: Register, documents: list[Document], folder: Path, as_of: date, made: Prepared
) -> None:
    if not documents:
        return
    script = Script(folder, len(made.pages))
    await store.merge(script, register.name, register.state, documents, as_of)
    made.pages.append(script.statements)
    made.documents += len(documents)
    made.staged += sum(script.rows.values())
