"""The data sets as files: the bulk CSV that Socrata offers, and `dump` for `psql \\copy`."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import orjson

from services.sample_register.dataset import Dataset, Kind, Table

Value = str | bool | None

_CHUNK = 2_000


def bulk_csv(table: Table) -> Iterator[bytes]:
    """The bulk download in parts: camelCase headers, MM/DD/YYYY, every column, CRLF."""
    spec = table.spec
    yield _lines([list(spec.headers)], "\r\n")
    columns = list(spec.columns.items())
    rows = iter(table.rows)
    while chunk := list(islice(rows, _CHUNK)):
        values = [orjson.loads(row) for row in chunk]
        yield _lines(
            [[_shown(row.get(name), kind) for name, kind in columns] for row in values], "\r\n"
        )


def dump(dataset: Dataset, folder: Path, form: Literal["csv", "jsonl"]) -> dict[str, int]:
    """Write filings, debtors, secured and collateral as `<name>.<form>`; gives rows by name.

    CSV: lower-case headers, one row a line but for embedded newlines, nothing for null, so that
    `\\copy ... (FORMAT csv, HEADER)` reads it. JSONL: the rows as the API sends them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for table in dataset.values():
        with (folder / f"{table.spec.name}.{form}").open("wb") as out:
            for part in _csv(table) if form == "csv" else _jsonl(table):
                out.write(part)
    return {table.spec.name: len(table.rows) for table in dataset.values()}


def _csv(table: Table) -> Iterator[bytes]:
    columns = list(table.spec.columns)
    yield _lines([columns], "\n")
    rows = iter(table.rows)
    while chunk := list(islice(rows, _CHUNK)):
        values = [orjson.loads(row) for row in chunk]
        yield _lines([[_plain(row.get(name)) for name in columns] for row in values], "\n")


def _jsonl(table: Table) -> Iterator[bytes]:
    rows = iter(table.rows)
    while chunk := list(islice(rows, _CHUNK)):
        yield b"\n".join(chunk) + b"\n"


def _lines(rows: list[list[str]], end: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(rows)
    return out.getvalue().encode()


def _plain(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else value or ""


def _shown(value: Value, kind: Kind) -> str:
    if kind == "calendar_date" and isinstance(value, str) and value[4:5] == "-":
        return f"{value[5:7]}/{value[8:10]}/{value[:4]}"
    return _plain(value)
