"""Files with a record a line, cells separated by `|`: read record by record, in bounded memory.

What cannot be split into as many cells as there are columns comes back verbatim with the reason.
A quoted cell may hold line breaks; an odd quote costs its own line, not the rest of the file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from services.common.bulk.layouts import DELIMITER

BOM = b"\xef\xbb\xbf"
LINE_MAX = 1024 * 1024
JOINED_LINES = 50
"""Lines that one quoted cell may span."""
_SHOWN = 20_000
_CELL = r'(?:[ ]*"[^"]*(?:""[^"]*)*"[ ]*|(?![ ]*")[^|]*)'
_cell = re.compile(_CELL)
_whole = re.compile(rf"{_CELL}(?:\|{_CELL})*")
_controls = re.compile("[\x80-\x9f]")
_cp1252 = {n: bytes([n]).decode("cp1252", "ignore") or chr(n) for n in range(0x80, 0xA0)}


@dataclass(frozen=True, slots=True)
class Record:
    """A record and the line it begins at; without cells: `text` verbatim and why."""

    line: int
    cells: list[str] | None
    text: str = ""
    why: str = ""


def records(
    stream: IO[bytes], columns: int, *, header: bool, quoted: bool, encoding: str
) -> Iterator[Record]:
    """The records of a file; blank lines are left out."""
    lines = _Lines(stream, encoding)
    if header:
        quoted = is_quoted(lines.next()) or quoted
    while (text := lines.next()) is not None:
        if not text.strip():
            continue
        at = lines.number
        if lines.cut:
            yield Record(at, None, text[:_SHOWN], f"the line is longer than {LINE_MAX} bytes")
            continue
        if quoted and '"' in text:
            text = _complete(text, lines)
        cells = split(text, quoted)
        if not quoted and len(cells or ()) != columns and '"' in text:
            cells = split(text, True)  # one cell of this line is quoted, and holds a |
        if cells is None:
            yield Record(at, None, text[:_SHOWN], "a quoted cell is not closed")
        elif len(cells) != columns:
            why = f"{len(cells)} cells where there are {columns} columns"
            yield Record(at, None, text[:_SHOWN], why)
        else:
            yield Record(at, cells)


def split(text: str, quoted: bool) -> list[str] | None:
    """The cells of a whole record; None where a quoted cell is not closed."""
    if not quoted or '"' not in text:
        return text.split(DELIMITER)
    if text[0] == text[-1] == '"':
        cells = text[1:-1].split('"|"')
        if text.count('"') == 2 * len(cells):
            return cells
    return list(_quoted_cells(text)) if _whole.fullmatch(text) else None


def _quoted_cells(text: str) -> Iterator[str]:
    at = 0
    while match := _cell.match(text, at):
        yield _unquoted(match[0])
        at = match.end() + 1
        if at > len(text):
            break


def is_quoted(line: str | None) -> bool:
    """Whether a first line shows that cells are quoted."""
    return bool(line) and str(line).lstrip().startswith('"')


def decode(raw: bytes, encoding: str) -> str:
    """A line as text: what is no `encoding` is Windows-1252, as is the gap in latin-1."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if not text.isascii() and _controls.search(text):
        text = text.translate(_cp1252)
    return text.replace("\0", " ")


class _Lines:
    """Physical lines with their number; some may be taken back."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream, self._encoding = stream, encoding
        self._ahead: list[str] = []
        self.number = 0
        self.cut = False

    def next(self) -> str | None:
        """The next line without its end, None after the last; `cut` says that it was too long."""
        self.cut = False
        if self._ahead:
            self.number += 1
            return self._ahead.pop()
        raw = self._stream.readline(LINE_MAX)
        if not raw:
            return None
        if self.number == 0 and raw.startswith(BOM):
            raw, self._encoding = raw[len(BOM) :], "utf-8"
        self.number += 1
        if len(raw) >= LINE_MAX and not raw.endswith(b"\n"):
            self.cut = True
            while (rest := self._stream.readline(LINE_MAX)) and not rest.endswith(b"\n"):
                pass
        return decode(raw.rstrip(b"\r\n"), self._encoding)

    def back(self, lines: list[str]) -> None:
        """Give lines back, to be read again."""
        self._ahead += reversed(lines)
        self.number -= len(lines)


def _complete(text: str, lines: _Lines) -> str:
    """The record with the lines that a quoted cell spans; the line alone where that has no end."""
    taken: list[str] = []
    whole = text
    while text.count('"') % 2 and not _whole.fullmatch(whole):
        more = lines.next() if len(taken) < JOINED_LINES and len(whole) < LINE_MAX else None
        if more is None or lines.cut:
            lines.back(taken if more is None else [*taken, more])
            return text
        taken.append(more)
        whole = f"{whole}\n{more}"
    return whole


def _unquoted(cell: str) -> str:
    bare = cell.strip(" ")
    if len(bare) > 1 and bare[0] == bare[-1] == '"':
        return bare[1:-1].replace('""', '"')
    return cell
