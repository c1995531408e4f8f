"""Excel files, written by a process of their own: `python -m services.common.xlsx PATH COLUMNS`.

Fifty thousand rows are ten seconds of Python that no other request or job should wait for. Rows
go there as JSON in the form PostgreSQL made them, and memory stays constant on both sides.
"""

import asyncio
import os
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Self

from services.common.errors import AppError

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_575
"""Rows a sheet can have below its heading."""
_MOST_CHARACTERS = 32_767
_LENGTH = struct.Struct(">I")
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


class WorkbookFailed(AppError):
    """The Excel file could not be written."""


class Workbook:
    """A sheet being written: `async with Workbook(columns) as book`, `add` rows, then `finish`.

    Its temporary files and its process are gone at the end of the block, whatever happened.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="ucc-xlsx-")
        self.path = Path(self._folder.name, "sheet.xlsx")
        argv = ("-m", __name__, str(self.path), ",".join(self._columns))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *argv, stdin=PIPE, stderr=PIPE
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._running
        if process.returncode is None:
            process.kill()
        self._stdin.close()
        # reads what is left, so that its pipes are closed too
        await process.communicate()
        self._folder.cleanup()

    async def add(self, rows: bytes) -> None:
        """Append JSON objects separated by commas; raises WorkbookFailed."""
        stdin = self._stdin
        try:
            stdin.write(_LENGTH.pack(len(rows)))
            stdin.write(rows)
            await stdin.drain()
        except ConnectionError as exc:
            raise WorkbookFailed from exc

    async def finish(self) -> int:
        """Close the file; its size in bytes. Raises WorkbookFailed."""
        self._stdin.close()
        _, said = await self._running.communicate()
        if self._running.returncode != 0:
            raise WorkbookFailed(f"The Excel file could not be written: {said.decode()[-300:]}")
        return self.path.stat().st_size

    async def parts(self, size: int) -> AsyncGenerator[bytes, None]:
        """The finished file, `size` bytes at a time."""
        file = await asyncio.to_thread(self.path.open, "rb")
        with file:
            while part := await asyncio.to_thread(file.read, size):
                yield part

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        if self._running.stdin is None:
            raise WorkbookFailed("The workbook is not open")
        return self._running.stdin

    @property
    def _running(self) -> Process:
        if self._process is None:
            raise WorkbookFailed("The workbook is not open")
        return self._process


def write(path: Path, columns: Sequence[str], source: IO[bytes]) -> None:
    """The work of the process: pages of rows from `source`, each with its length before it."""
    import orjson
    import xlsxwriter

    # texts are written as texts: nothing in them becomes a formula, a link or a number
    book = xlsxwriter.Workbook(path, {"constant_memory": True, "tmpdir": str(path.parent)})
    sheet = book.add_worksheet("prospects")
    bold = book.add_format({"bold": True})
    formats = {
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        # Excel's own sign for a text that looks like a formula: it stays one when it is edited
        "quoted": book.add_format({"quote_prefix": True}),
    }
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(columns) - 1, 16)
    for number, name in enumerate(columns):
        sheet.write_string(0, number, name, bold)
    rows = 0
    while head := source.read(_LENGTH.size):
        page = source.read(_LENGTH.unpack(head)[0])
        for row in orjson.loads(b"[" + page + b"]"):
            rows += 1
            for number, name in enumerate(columns):
                _cell(sheet, rows, number, name, row[name], formats)
    sheet.autofilter(0, 0, rows, len(columns) - 1)
    book.close()


def _cell(
    sheet: Any, line: int, number: int, name: str, value: Any, formats: dict[str, Any]
) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(line, number, value)
    elif isinstance(value, int | float):
        sheet.write_number(line, number, value)
    elif name.endswith(("_on", "_date")):
        sheet.write_datetime(line, number, date.fromisoformat(value), formats["day"])
    else:
        quoted = formats["quoted"] if value.startswith(_FORMULA) else None
        sheet.write_string(line, number, value[:_MOST_CHARACTERS], quoted)


if __name__ == "__main__":
    os.nice(5)  # whoever waits for an answer of the service comes first
    write(Path(sys.argv[1]), sys.argv[2].split(","), sys.stdin.buffer)
