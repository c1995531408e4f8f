"""XML files of many records: each record's own text, read in bounded memory.

A document type is refused before anything is made of it, so that no entity is ever declared,
expanded or fetched. Encodings are those of expat and every one of a byte a character that Python
knows, Windows-1252 among them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO
from xml.etree import ElementTree
from xml.parsers import expat

RECORD = "Record"
RECORD_MAX = 4 * 1024 * 1024
_READ = 256 * 1024
_DEPTH_MAX = 100


class Refused(Exception):
    """The document holds what no file of records needs."""


@dataclass(frozen=True, slots=True)
class Found:
    """A record as XML text of its own, and the line it begins at."""

    line: int
    text: str


def records(stream: IO[bytes]) -> Iterator[Found]:
    """The records of a document. Raises Refused and expat.ExpatError, which names the line."""
    reader = _Reader()
    while block := stream.read(_READ):
        reader.feed(block)
        yield from reader.take()
    reader.feed(b"", last=True)
    yield from reader.take()


def element(text: str) -> ElementTree.Element:
    """One record's text as a tree. Raises Refused and expat.ExpatError."""
    builder = ElementTree.TreeBuilder()
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: builder.start(_local(name), attributes)
    parser.EndElementHandler = lambda name: builder.end(_local(name))
    parser.CharacterDataHandler = builder.data
    parser.Parse(text.encode(), True)
    return builder.close()


def check_start(head: bytes, *, whole: bool) -> None:
    """Raise Refused or expat.ExpatError where a document that begins so is none of records."""
    reader = _Reader()
    reader.feed(head, last=whole)
    if whole and not reader.count:
        raise Refused(f"it holds no element <{RECORD}>")


class _Reader:
    """Feeds bytes to expat and keeps the records that are whole."""

    def __init__(self) -> None:
        self._parser = _parser()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._builder: ElementTree.TreeBuilder | None = None
        self._depth = self._fed = self._began = self._line = 0
        self._found: list[Found] = []
        self.count = 0

    def feed(self, block: bytes, *, last: bool = False) -> None:
        self._fed += len(block)
        self._parser.Parse(block, last)
        began = self._began if self._builder else self._parser.CurrentByteIndex
        if self._fed - began > RECORD_MAX:
            line = self._line if self._builder else self._parser.CurrentLineNumber
            raise Refused(f"line {line}: what begins there is longer than {RECORD_MAX} bytes")

    def take(self) -> list[Found]:
        found, self._found = self._found, []
        return found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise Refused(f"elements are nested deeper than {_DEPTH_MAX}")
        if self._builder is None and _local(name) == RECORD:
            self._builder, self._top = ElementTree.TreeBuilder(), self._depth
            self._began = self._parser.CurrentByteIndex
            self._line = self._parser.CurrentLineNumber
        if self._builder is not None:
            self._builder.start(_local(name), attributes)

    def _end(self, name: str) -> None:
        if self._builder is not None:
            self._builder.end(_local(name))
            if self._depth == self._top:
                text = ElementTree.tostring(self._builder.close(), encoding="unicode")
                self._builder = None
                self._found.append(Found(self._line, text))
                self.count += 1
        self._depth -= 1

    def _data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse("a document type (<!DOCTYPE ...>)")
    parser.EntityDeclHandler = _refuse("an entity declaration")
    return parser


def _refuse(what: str) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise Refused(f"it holds {what}, which is refused: take it out")

    return refuse


def _local(name: str) -> str:
    return name.rpartition(":")[2]
