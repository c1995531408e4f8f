"""The protocol of a register's reader, and what the readers share: cells, groups, hashes.

A reader goes register -> `RawPage` of whole documents (network) -> `Document` (pure). The steps
compare hashes between the two, so that an unchanged document is never parsed again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Protocol, TypeVar

import orjson

from services.pipelines.ingestion.records import Document, RawDocument, RawPage, Rejected, Window
from services.pipelines.ingestion.registers.salvage import Salvaged

Row = dict[str, Any]
Made = TypeVar("Made")

NO_LAPSE_YEAR = 9000
"""Connecticut writes 9999-12-31 where a lien has no lapse date."""

TURN = 100
"""Documents worked on before other tasks get their turn: some milliseconds."""

KEY_MAX = 500
"""Characters of a number, id or name: PostgreSQL indexes no value over 2,700 bytes."""


class Reader(Protocol):
    """What registers are read with: see SodaClient."""

    async def rows(
        self, dataset: str, *, order: str, limit: int, offset: int = 0, where: str | None = None
    ) -> tuple[Salvaged, bool]:
        """One page of a data set, and whether it is full."""

    async def matching(
        self, dataset: str, column: str, values: Iterable[str], *, order: str
    ) -> Salvaged:
        """Every row whose column holds one of the values."""


class Parser(Protocol):
    """Whose rows they are, and how those of a document become one."""

    @property
    def name(self) -> str:
        """Name in jobs, tables and SOURCE_<NAME>_URL."""

    @property
    def state(self) -> str:
        """USPS code of the filing office's state: that of the prospects found here."""

    def parse(self, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
        """The document, None where its own row is bad, and the rows that could not be read."""


class Register(Parser, Protocol):
    """A state register that is asked: where it is and how its rows become documents."""

    @property
    def base_url(self) -> str:
        """Scheme and host of the public register."""

    @property
    def parser_version(self) -> str:
        """Part of every content hash: raise it when `parse` or `parties` change what they give."""

    async def page(self, client: Reader, window: Window, offset: int, limit: int) -> RawPage:
        """Whole documents of the rows `offset` to `offset + limit` filed within `window`.

        A document that an edge of the page would cut is completed, so it may come on two pages.
        Raises SourceUnavailable and SourceRejected.
        """

    async def history(self, client: Reader, numbers: Sequence[str]) -> RawPage:
        """The initial filings with these numbers and every amendment of them."""

    async def numbers(self, client: Reader, dataset: str, row: Row, /) -> list[str]:
        """Numbers of the documents that a row belongs to, as `history` takes them.

        Raises BadRow where the row does not tell.
        """


class BadRow(Exception):
    """A row cannot be read; the message names the column."""


def text(row: Row, column: str) -> str | None:
    """A cell as text, blanks squeezed; None where it is absent or blank. Raises BadRow."""
    value = row.get(column)
    if value is None:
        return None
    if isinstance(value, str):
        if value.isprintable() and "  " not in value:
            return value.strip() or None
        return " ".join(value.replace("\0", " ").split()) or None
    if isinstance(value, (int, float)):
        return str(value)
    raise BadRow(f"column {column} holds {_json_type(value)} where text is expected")


def identifier(row: Row, column: str) -> str | None:
    """A cell as text that may stand in an index. Raises BadRow."""
    value = text(row, column)
    if value and len(value) > KEY_MAX:
        raise BadRow(f"column {column} holds {len(value)} characters, more than {KEY_MAX}")
    return value


def required(row: Row, column: str) -> str:
    """An identifier that must be there. Raises BadRow."""
    if value := identifier(row, column):
        return value
    raise BadRow(f"column {column} is missing")


def flag(row: Row, column: str) -> bool:
    """A cell as yes or no: JSON true, "true", "1", "yes", "y"."""
    value = row.get(column)
    if value is None or isinstance(value, bool):
        return bool(value)
    return str(value).strip().lower() in ("true", "1", "yes", "y")


def day(row: Row, column: str) -> date | None:
    """A floating timestamp as a date, in both of Oregon's spellings. Raises BadRow."""
    value = row.get(column)
    if value is None or value == "":
        return None
    try:
        return _date(value)
    except (TypeError, ValueError):
        raise BadRow(f"column {column} is no date: {value!r}") from None


def required_day(row: Row, column: str) -> date:
    """A date that must be there. Raises BadRow."""
    if found := day(row, column):
        return found
    raise BadRow(f"column {column} is missing")


@lru_cache(maxsize=8192)
def _date(value: str) -> date | None:
    found = date.fromisoformat(value[:10])
    if value[10:11] not in ("", "T"):
        raise ValueError(value)
    return None if found.year >= NO_LAPSE_YEAR else found


def _json_type(value: object) -> str:
    return "an object" if isinstance(value, dict) else "a list"


def read(
    raw: RawDocument, dataset: str, make: Callable[[Row], Made], rejected: list[Rejected]
) -> Iterator[Made]:
    """What `make` gives for the rows of a data set; rows it raises BadRow for are rejected."""
    for row in raw.rows.get(dataset, ()):
        try:
            yield make(row)
        except BadRow as why:
            rejected.append(reject(dataset, raw.number, row, why))


def reject(dataset: str, key: str, row: Row, why: BadRow) -> Rejected:
    """A bad row for the quarantine, verbatim as JSON."""
    short = key.replace("\0", " ")[:KEY_MAX]
    return Rejected(dataset, short, orjson.dumps(row).decode(), str(why))


def raw_document(number: str, version: str, rows: dict[str, list[Row]]) -> RawDocument:
    """A whole document; rows are put in an order of their own and exact duplicates dropped."""
    digest = blake2b(version.encode(), digest_size=16)
    distinct: dict[str, list[Row]] = {}
    for dataset in sorted(rows):
        by_text = {orjson.dumps(r, option=orjson.OPT_SORT_KEYS): r for r in rows[dataset]}
        order = sorted(by_text)
        digest.update(b"\0" + dataset.encode())
        for line in order:
            digest.update(b"\n" + line)
        distinct[dataset] = [by_text[line] for line in order]
    return RawDocument(number, digest.digest(), distinct)


async def in_turns(items: Iterable[Made]) -> AsyncIterator[Made]:
    """The items, letting other tasks run now and then: a merge holds its lock between them."""
    for number, item in enumerate(items):
        if number % TURN == 0:
            await asyncio.sleep(0)
        yield item


def group(
    dataset: str, rows: Iterable[Row], column: str, *also: str
) -> tuple[dict[str, list[Row]], list[Rejected]]:
    """Rows by the value of a column, in the order met; without it, or `also`, a row is rejected.

    These columns hold squeezed text afterwards, so that they can be compared.
    """
    groups: dict[str, list[Row]] = {}
    rejected: list[Rejected] = []
    for row in rows:
        try:
            cells = {name: required(row, name) for name in (column, *also)}
        except BadRow as why:
            rejected.append(reject(dataset, str(row.get(column, "")), row, why))
            continue
        if any(row[name] != cell for name, cell in cells.items()):
            row = row | cells
        groups.setdefault(cells[column], []).append(row)
    return groups, rejected


def edges(rows: Sequence[Row], column: str, cut_before: bool, cut_after: bool) -> list[str]:
    """Values of a column that an edge of the page may have cut in two."""
    found = []
    if rows and cut_before:
        found.append(rows[0].get(column))
    if rows and cut_after:
        found.append(rows[-1].get(column))
    return [str(value) for value in found if isinstance(value, (str, int))]


def within(column: str, window: Window) -> str | None:
    """The window as a SoQL condition on a column of dates, None where it is open."""
    parts = []
    if window.since:
        parts.append(f"{column}>='{window.since}'")
    if window.until:
        parts.append(f"{column}<'{window.until}'")
    return " and ".join(parts) or None
