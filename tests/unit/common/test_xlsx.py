"""Excel files by a process of their own: what comes out, and what is left behind."""

import zipfile
from pathlib import Path

import pytest

from services.common.xlsx import Workbook, WorkbookFailed

COLUMNS = ["name", "count", "due_on"]


async def written(rows: bytes) -> str:
    async with Workbook(COLUMNS) as book:
        await book.add(rows)
        size = await book.finish()
        pieces = [piece async for piece in book.parts(1000)]
        assert sum(map(len, pieces)) == size
        with zipfile.ZipFile(book.path) as parts:
            return parts.read("xl/worksheets/sheet1.xml").decode()


async def test_a_text_like_a_formula_stays_a_text() -> None:
    sheet = await written(b'{"name": "=1+1", "count": 3, "due_on": "2026-01-02"}')
    assert "<f>" not in sheet
    assert "<is><t>=1+1</t></is>" in sheet


async def test_a_number_is_a_number_and_a_day_a_day() -> None:
    sheet = await written(b'{"name": "x", "count": 3, "due_on": "2026-01-02"}')
    assert "<v>3</v>" in sheet
    assert "<v>46024</v>" in sheet


async def test_what_is_missing_is_an_empty_cell() -> None:
    sheet = await written(b'{"name": "x", "count": null, "due_on": null}')
    assert 'r="B2"' not in sheet


async def test_a_text_is_cut_at_what_a_cell_holds() -> None:
    sheet = await written(b'{"name": "' + b"x" * 40_000 + b'", "count": 1, "due_on": null}')
    assert sheet.count("x" * 32_767) == 1
    assert "x" * 32_768 not in sheet


async def test_rows_that_cannot_be_read_fail_with_the_reason() -> None:
    async with Workbook(COLUMNS) as book:
        await book.add(b"not json")
        with pytest.raises(WorkbookFailed, match="JSONDecodeError"):
            await book.finish()


async def test_nothing_is_left_of_one_that_was_given_up() -> None:
    async with Workbook(COLUMNS) as book:
        folder = Path(book.path).parent
        assert folder.exists()
        await book.add(b'{"name": "x", "count": 1, "due_on": null}')
    assert not folder.exists()
    assert book._process is not None
    assert book._process.returncode is not None
