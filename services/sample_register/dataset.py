"""The four data sets in memory: each row as its JSON bytes, in a stable order, with indexes.

A page of a walk is a slice of bytes joined by commas, so that serving costs next to no CPU and
what a benchmark measures is the reader. 500,000 filings with their parties take about 800 MB.
"""

import gc
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Literal

import orjson

from services.sample_register.generator import generate

Kind = Literal["text", "number", "checkbox", "calendar_date"]

_VERSION = 1  # of the generated rows; a cache of another version is not read


@dataclass(frozen=True, slots=True)
class Spec:
    """One data set: its Socrata id, columns (name as in the bulk CSV -> type) and stable order."""

    name: str
    id: str
    headers: dict[str, Kind]
    order: tuple[str, str]
    indexed: tuple[str, ...]

    @property
    def columns(self) -> dict[str, Kind]:
        """Column names as the API gives them, which is in lower case."""
        return {header.lower(): kind for header, kind in self.headers.items()}


def _spec(
    name: str, id_: str, key: str, texts: str, *, order: tuple[str, str], indexed: str = "fileid"
) -> Spec:
    headers: dict[str, Kind] = {key: "number" if key != "transactionId" else "text"}
    for header in texts.split():
        headers[header] = _KINDS.get(header, "text")
    return Spec(name, id_, headers, order, tuple(indexed.split()))


_KINDS: dict[str, Kind] = {
    "fileId": "number",
    "filingDate": "calendar_date",
    "lapseDate": "calendar_date",
    "continuation": "checkbox",
    "terminationFlag": "checkbox",
    "manufacturedHomeTransactions": "checkbox",
}
_NAME = "organizationName firstName middleName lastName suffix address1"

SPECS = (
    _spec(
        "filings", "wffy-3uut", "transactionId",
        "masterDocumentId fileId transactionType documentType filingType financialStatementType"
        " filingDate lapseDate continuation terminationFlag manufacturedHomeTransactions",
        order=("transactionid", "fileid"),
        indexed="transactionid masterdocumentid fileid filingdate",
    ),
    _spec(
        "debtors", "8upq-58vz", "debtorId",
        f"fileId {_NAME} address2 city state zipCode country actionType recordStatus efsUniqueId",
        order=("fileid", "debtorid"),
    ),
    _spec(
        "secured", "ap62-sav4", "spId",
        f"fileId {_NAME} city state zipCode actionType recordStatus assignor",
        order=("fileid", "spid"),
    ),
    _spec(
        "collateral", "4am6-w6u4", "collateralId",
        "fileId collateralDescription additionalCollateralDescription actionType recordStatus",
        order=("fileid", "collateralid"),
    ),
)  # fmt: skip


class Index:
    """Positions of rows by one column's value; rows without a value are not in it."""

    def __init__(self, column: Sequence[str | None]) -> None:
        pairs = sorted((value, at) for at, value in enumerate(column) if value is not None)
        self.values = [value for value, _ in pairs]
        self.positions = array("I", (at for _, at in pairs))

    def among(self, wanted: Iterable[str]) -> list[int]:
        """Positions of rows whose value is one of `wanted`, ascending."""
        found: list[int] = []
        at, values = 0, self.values
        for value in sorted(set(wanted)):
            if at < len(values) and values[at] < value:
                at = bisect_left(values, value, at)
            while at < len(values) and values[at] == value:
                found.append(self.positions[at])
                at += 1
        return sorted(found)

    def between(self, low: str | None, high: str | None) -> list[int]:
        """Positions of rows with low <= value < high, ascending; None is no bound."""
        start = 0 if low is None else bisect_left(self.values, low)
        end = len(self.values) if high is None else bisect_left(self.values, high)
        return sorted(self.positions[start:end])


class Table:
    """Rows of one data set as JSON bytes in the order of `spec.order`, nulls last."""

    def __init__(self, spec: Spec, rows: Iterable[bytes], pool: dict[str, str]) -> None:
        """`pool` lets the indexes of all tables share one copy of each value."""
        self.spec = spec
        first, second = spec.order
        keyed = []
        for row in rows:
            values = orjson.loads(row)
            one, two = values.get(first), values.get(second)
            keyed.append((one is None, one or "", two or "", row))
        keyed.sort()
        self.rows = [row for *_, row in keyed]
        del keyed
        columns: dict[str, list[str | None]] = {column: [] for column in spec.indexed}
        for row in self.rows:
            values = orjson.loads(row)
            for column, kept in columns.items():
                value = values.get(column)
                kept.append(value and pool.setdefault(value, value))
        self.index = {column: Index(values) for column, values in columns.items()}


Dataset = dict[str, Table]
"""Tables by Socrata id."""


def build(
    seed: int, size: int, as_of: date, *, dirt: bool = True, cache: Path | None = None
) -> Dataset:
    """The register of these arguments; with `cache`, a folder, generated once and then read."""
    with _without_gc():
        kept = cache and cache / f"v{_VERSION}-{seed}-{size}-{as_of}-{'dirt' if dirt else 'clean'}"
        rows: Mapping[str, Iterable[bytes]]
        if kept and kept.is_dir():
            rows = {spec.name: _read(kept / f"{spec.name}.jsonl") for spec in SPECS}
        else:
            rows = generate(seed, size, as_of, dirt=dirt)
        pool: dict[str, str] = {}
        tables = {spec.id: Table(spec, rows[spec.name], pool) for spec in SPECS}
        if kept and not kept.is_dir():
            _keep(kept, tables)
        return tables


@contextmanager
def _without_gc() -> Iterator[None]:
    """Millions of objects that live on: a collection would walk them again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as lines:
        for line in lines:
            yield line[:-1]


def _keep(folder: Path, tables: Dataset) -> None:
    """Write a cache under another name first, so that a half-written one is never read."""
    part = folder.with_name(f"{folder.name}.{os.getpid()}")
    part.mkdir(parents=True)
    for table in tables.values():
        with (part / f"{table.spec.name}.jsonl").open("wb") as out:
            rows = iter(table.rows)
            while chunk := list(islice(rows, 10_000)):
                out.write(b"\n".join(chunk) + b"\n")
    part.rename(folder)
