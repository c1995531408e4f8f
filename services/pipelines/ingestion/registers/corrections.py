"""Corrections by hand, put in the place of bad rows as a register serves them.

A reader over a reader: registers group and parse what it gives, so that a corrected document has
the same content, and hash, whenever it is read again.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import orjson

from services.pipelines.ingestion.registers.base import Reader, Row
from services.pipelines.ingestion.registers.salvage import Salvaged


@dataclass(frozen=True, slots=True)
class Correction:
    """`row` stands for what the register serves as `row_text`."""

    dataset: str
    row_text: str
    row: Row


class CorrectedReader:
    """What `inner` reads, corrected."""

    def __init__(self, inner: Reader, corrections: Iterable[Correction]) -> None:
        self._inner = inner
        self._rows: dict[str, dict[str, Row]] = {}
        for each in corrections:
            self._rows.setdefault(each.dataset, {})[shape_of_text(each.row_text)] = each.row

    async def rows(
        self, dataset: str, *, order: str, limit: int, offset: int = 0, where: str | None = None
    ) -> tuple[Salvaged, bool]:
        """See SodaClient.rows; `order` begins with the column that rows of a document share."""
        found, full = await self._inner.rows(
            dataset, order=order, limit=limit, offset=offset, where=where
        )
        column = order.partition(",")[0]
        return self._corrected(dataset, found, column, {_cell(r, column) for r in found.rows}), full

    async def matching(
        self, dataset: str, column: str, values: Iterable[str], *, order: str
    ) -> Salvaged:
        """See SodaClient.matching; a correction counts by its own value of the column."""
        wanted = list(dict.fromkeys(values))
        found = await self._inner.matching(dataset, column, wanted, order=order)
        return self._corrected(dataset, found, column, set(wanted))

    def _corrected(
        self, dataset: str, found: Salvaged, column: str, keys: Collection[str]
    ) -> Salvaged:
        better = self._rows.get(dataset)
        if not better:
            return found
        rows: list[Row] = []
        for row in found.rows:
            right = better.get(shape(row), row)
            # one that belongs to another document is put beside that, not here
            if _cell(right, column) == _cell(row, column):
                rows.append(right)
        for right in better.values():
            if _cell(right, column) in keys and right not in rows:
                rows.insert(_place(rows, column, _cell(right, column)), right)
        rejected = [r for r in found.rejected if shape_of_text(r.row) not in better]
        return Salvaged(rows, rejected, found.cut)


def shape(row: Row) -> str:
    """What makes two rows the same: their cells, blanks squeezed, in any order."""
    cells = {k: " ".join(v.split()) if isinstance(v, str) else v for k, v in row.items()}
    return orjson.dumps(cells, option=orjson.OPT_SORT_KEYS).decode()


def shape_of_text(text: str) -> str:
    """`shape` of a quarantined row; one that is no JSON object is its own shape."""
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return shape(row) if isinstance(row, dict) else text


def _cell(row: Row, column: str) -> str:
    return " ".join(str(row.get(column) or "").split())


def _place(rows: Sequence[Row], column: str, key: str) -> int:
    """Right after the first row with the key: rows of a page stay in order."""
    return next((i + 1 for i, row in enumerate(rows) if _cell(row, column) == key), len(rows))
