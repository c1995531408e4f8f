"""Corrected rows in the place of bad ones, over a register in this process."""

from typing import Any

import orjson
import pytest

from services.pipelines.ingestion.records import Window
from services.pipelines.ingestion.registers import CorrectedReader, Correction
from services.pipelines.ingestion.registers.connecticut import LIENS, NUMBER, ORDER, Connecticut
from services.pipelines.ingestion.registers.salvage import Salvaged, salvage

Row = dict[str, Any]


def lien(number: str | None, party: str = "A LLC", day: str = "2026-09-01T00:00:00.000") -> Row:
    row = {"id_lien_flng_nbr": number, "dt_accept": day, "debtor_nm_bus": party}
    return row | ({NUMBER: number} if number else {})


class Served:
    """A register of one data set; `broken` is a body that is no JSON."""

    def __init__(self, rows: list[Row], broken: bytes = b"") -> None:
        self._rows, self._broken = rows, broken

    async def rows(
        self, dataset: str, *, order: str, limit: int, offset: int = 0, where: str | None = None
    ) -> tuple[Salvaged, bool]:
        if self._broken:
            return salvage(dataset, self._broken), False
        rows = self._rows[offset : offset + limit]
        return Salvaged(rows), len(rows) == limit

    async def matching(self, dataset: str, column: str, values: Any, *, order: str) -> Salvaged:
        return Salvaged([row for row in self._rows if row.get(column) in set(values)])


def corrected(served: list[Row], bad: Row | str, good: Row, broken: bytes = b"") -> CorrectedReader:
    text = bad if isinstance(bad, str) else orjson.dumps(bad).decode()
    return CorrectedReader(Served(served, broken), [Correction(LIENS, text, good)])


async def rows(reader: CorrectedReader) -> list[Row]:
    return (await reader.rows(LIENS, order=ORDER, limit=10))[0].rows


async def test_a_correction_stands_where_the_bad_row_stood() -> None:
    served = [lien("1"), lien("2", day="soon"), lien("3")]
    reader = corrected(served, served[1], lien("2"))
    assert await rows(reader) == [lien("1"), lien("2"), lien("3")]
    assert (await reader.matching(LIENS, NUMBER, ["2"], order=ORDER)).rows == [lien("2")]


async def test_blanks_and_order_of_cells_make_no_other_row() -> None:
    bad = lien("2", day="soon")
    served = [dict(reversed({**bad, NUMBER: " 2 "}.items()))]
    assert await rows(corrected(served, bad, lien("2"))) == [lien("2")]


async def test_a_row_that_gets_a_number_goes_to_its_document() -> None:
    bad = lien(None, "B LLC")
    served = [lien("1"), lien("2"), lien("3"), bad]
    reader = corrected(served, bad, lien("2", "B LLC"))
    assert await rows(reader) == [lien("1"), lien("2"), lien("2", "B LLC"), lien("3")]
    found = await reader.matching(LIENS, NUMBER, ["2"], order=ORDER)
    assert found.rows == [lien("2"), lien("2", "B LLC")]


async def test_it_leaves_a_page_without_its_document() -> None:
    bad = lien(None, "B LLC")
    assert await rows(corrected([lien("1"), bad], bad, lien("9", "B LLC"))) == [lien("1")]


async def test_a_piece_that_is_no_json_is_replaced_too() -> None:
    body = b'[{"id_ucc_flng_nbr": "1", "x": 1},\n{"id_ucc_flng_nbr": broken}]'
    (bad,) = salvage(LIENS, body).rejected
    right = {NUMBER: "1", "y": 2}
    reader = corrected([], bad.row, right, broken=body)
    page, _ = await reader.rows(LIENS, order=ORDER, limit=10)
    assert (page.rows, page.rejected) == ([{NUMBER: "1", "x": 1}, right], [])


async def test_other_data_sets_are_left_alone() -> None:
    bad = lien("2", day="soon")
    reader = CorrectedReader(Served([bad]), [Correction("other", orjson.dumps(bad).decode(), {})])
    assert await rows(reader) == [bad]


@pytest.mark.parametrize("limit", [1, 2, 10])
async def test_a_corrected_document_has_one_content_however_it_is_read(limit: int) -> None:
    served = [lien("1"), lien("2"), lien("2", "B LLC", "soon"), lien("3")]
    reader = corrected(served, served[2], lien("2", "B LLC"))
    register = Connecticut()
    (alone,) = (await register.history(reader, ["2"])).documents
    pages = [await register.page(reader, Window(), n, limit) for n in range(0, 4, limit)]
    hashes = {d.content_hash for page in pages for d in page.documents if d.number == "2"}
    assert hashes == {alone.content_hash}
