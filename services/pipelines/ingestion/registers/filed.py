"""Registers that come as files: rows of several tables, joined by filing, become documents.

A reader goes staged rows -> `RawDocument` -> `Document`, the second half as for registers that
are asked (base.py). Rows of one filing may come in several files, in any order and days apart.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import orjson

from services.pipelines.ingestion.records import Document, RawDocument, Rejected
from services.pipelines.ingestion.registers.base import (
    BadRow,
    Parser,
    Row,
    raw_document,
    reject,
)


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A row of a file; `upload` rises with time, `place` says where it stands."""

    dataset: str
    upload: int
    place: str
    row: Row


@dataclass(slots=True)
class Joined:
    """The documents of some filings, rows set aside, and rows that wait for another file."""

    documents: list[RawDocument] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    waiting: int = 0


class FileRegister(Parser, Protocol):
    """A filing office whose files are read; its name is its state in lower case."""

    @property
    def format(self) -> str:
        """Which of the formats of services/common/bulk/layouts.py this reads."""

    def filing(self, dataset: str, row: Row, /) -> str:
        """What the rows of one filing have in common. Raises BadRow."""

    def join(self, filing: str, rows: Sequence[StagedRow], into: Joined, /) -> None:
        """Add the documents that these rows of a filing make up."""


def dataset_name(form: str, dataset: str) -> str:
    """How quarantine calls a table: `fl.debtors`."""
    return f"{form}.{dataset}"


def newest(rows: Iterable[StagedRow], dataset: str) -> list[Row]:
    """The rows of a table that is always told whole: those of the last upload that had any."""
    own = [row for row in rows if row.dataset == dataset]
    last = max((row.upload for row in own), default=0)
    return [row.row for row in own if row.upload == last]


def by_document(
    rows: Iterable[StagedRow],
    dataset: str,
    number: Callable[[Row], str],
    form: str,
    into: Joined,
) -> dict[str, list[Row]]:
    """The rows of a table whose rows are documents, or parts of them, by the document's number.

    Where two uploads bring a document, the later counts. A row without number is set aside.
    """
    found: dict[str, tuple[int, list[Row]]] = {}
    for each in rows:
        if each.dataset != dataset:
            continue
        try:
            key = number(each.row)
        except BadRow as why:
            into.rejected.append(reject(dataset_name(form, dataset), each.place, each.row, why))
            continue
        upload, own = found.get(key, (0, []))
        if each.upload > upload:
            upload, own = each.upload, []
        own.append(each.row)
        found[key] = (upload, own)
    return {key: own for key, (_, own) in found.items()}


def document(form: str, version: str, number: str, parts: dict[str, list[Row]]) -> RawDocument:
    """A whole document of the rows of some tables."""
    named = {dataset_name(form, dataset): rows for dataset, rows in parts.items() if rows}
    return raw_document(number, version, named)


@dataclass(frozen=True, slots=True)
class Located:
    """A register whose reasons say where the row stands: what a page's rows are read with."""

    inner: FileRegister
    places: dict[str, str]

    @classmethod
    def of(cls, inner: FileRegister, rows: Iterable[StagedRow]) -> "Located":
        """For the rows of a page."""
        return cls(inner, {_text(row.row): row.place for row in rows})

    @property
    def name(self) -> str:
        """See Parser."""
        return self.inner.name

    @property
    def state(self) -> str:
        """See Parser."""
        return self.inner.state

    def parse(self, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
        """See Parser."""
        found, rejected = self.inner.parse(raw)
        return found, [self.located(bad) for bad in rejected]

    def located(self, bad: Rejected) -> Rejected:
        """The same with its place in the reason, where that is known."""
        place = self.places.get(bad.row)
        return replace(bad, reason=f"{place}: {bad.reason}") if place else bad


def _text(row: Row) -> str:
    return orjson.dumps(row).decode()
