"""Rows of files joined and parsed without a database, for tests of the readers."""

from services.pipelines.ingestion.records import Document, Rejected
from services.pipelines.ingestion.registers import FileRegister
from services.pipelines.ingestion.registers.base import Row
from services.pipelines.ingestion.registers.filed import Joined, Located, StagedRow

Told = tuple[str, Row] | tuple[str, Row, int]


def join(register: FileRegister, *told: Told) -> tuple[Joined, list[StagedRow]]:
    """Rows as (table, row) or (table, row, upload), by filing."""
    rows = [
        StagedRow(each[0], each[2] if len(each) == 3 else 1, f"line {at + 2} of {each[0]}", each[1])
        for at, each in enumerate(told)
    ]
    by_filing: dict[str, list[StagedRow]] = {}
    for row in rows:
        by_filing.setdefault(register.filing(row.dataset, row.row), []).append(row)
    joined = Joined()
    for filing, own in by_filing.items():
        register.join(filing, own, joined)
    return joined, rows


def documents(register: FileRegister, *told: Told) -> tuple[dict[str, Document], list[Rejected]]:
    """The documents by number, and all rows that were set aside."""
    joined, rows = join(register, *told)
    located = Located.of(register, rows)
    rejected = [located.located(bad) for bad in joined.rejected]
    found = {}
    for raw in joined.documents:
        document, bad = located.parse(raw)
        rejected += bad
        if document:
            found[document.number] = document
    return found, rejected
