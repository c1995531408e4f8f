"""Looking into a file before anything is taken from it: which tables it brings, and is it safe.

An archive is never unpacked: its entries are read as streams, and refused where their names lead
somewhere, their number or unpacked size is too large, or they are archives themselves.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast
from xml.parsers import expat

from services.common.bulk import xml
from services.common.bulk.delimited import BOM, decode, is_quoted, split
from services.common.bulk.layouts import RECORDS, Layout, Shape, recognise
from services.common.errors import PayloadTooLarge, Unprocessable

MOST_ENTRIES = 1000
MOST_RATIO = 200
"""Text as registers write it packs to a twentieth; a bomb to a thousandth."""
_FREE_SIZE = 1024 * 1024
_HEAD = 64 * 1024
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP, _GZIP = b"PK", b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Member:
    """One table in a file: `entry` of an archive, or None where the file itself is it."""

    name: str
    entry: str | None
    shape: Shape


def members(path: Path, name: str, layout: Layout, unpacked_limit: int) -> list[Member]:
    """What a file brings. Raises Unprocessable, PayloadTooLarge: what is wrong and what to do."""
    with path.open("rb") as file:
        start = file.read(2)
    if start == _GZIP:
        raise Unprocessable(f"{name} is packed with gzip: send it unpacked, or as a zip")
    if start != _ZIP:
        with path.open("rb") as file:
            return [Member(name, None, _shape(file, name, layout))]
    with _archive(path, name) as archive:
        entries = _entries(archive, name, unpacked_limit)
        found = []
        for entry in entries:
            shown = f"{name}/{entry.filename}"
            with reading(shown), archive.open(entry) as stream:
                found.append(Member(shown, entry.filename, _shape(stream, shown, layout)))
    return found


@contextmanager
def opened(path: Path, member: str, entry: str | None) -> Iterator[IO[bytes]]:
    """The bytes of a member that `members` found. Raises Unprocessable where it is damaged."""
    with reading(member):
        if entry is None:
            with path.open("rb") as file:
                yield file
            return
        with _archive(path, member) as archive, archive.open(entry) as stream:
            yield io.BufferedReader(cast(io.RawIOBase, stream), 1024 * 1024)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Raise Unprocessable for an entry that cannot be unpacked."""
    try:
        yield
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as exc:
        raise Unprocessable(f"{name} cannot be unpacked: {exc}. Fetch the file again") from exc


@contextmanager
def _archive(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, UnicodeDecodeError) as exc:
        raise Unprocessable(f"{name} is no whole zip: {exc}. Fetch the file again") from exc
    with archive:
        yield archive


def _entries(archive: zipfile.ZipFile, name: str, limit: int) -> list[zipfile.ZipInfo]:
    """The entries to read, once each was found harmless."""
    listed = archive.infolist()
    if len(listed) > MOST_ENTRIES:
        raise Unprocessable(f"{name} holds {len(listed)} entries, more than {MOST_ENTRIES}")
    entries = [e for e in listed if not (e.is_dir() or e.filename.startswith("__MACOSX/"))]
    if not entries:
        raise Unprocessable(f"{name} is an empty zip")
    if len({e.filename for e in entries}) < len(entries):
        raise Unprocessable(f"{name} holds two entries of one name")
    for entry in entries:
        _check(entry, name)
    total = sum(entry.file_size for entry in entries)
    if total > limit:
        raise PayloadTooLarge(f"{name} unpacks to {total} bytes, more than the limit of {limit}")
    return entries


def _check(entry: zipfile.ZipInfo, name: str) -> None:
    shown = f"{name}: entry {entry.orig_filename[:200]!r}"
    parts = PurePosixPath(entry.filename)
    strange = "\\" in entry.orig_filename or "\0" in entry.orig_filename or ":" in entry.filename
    if parts.is_absolute() or ".." in parts.parts or strange:
        raise Unprocessable(f"{shown} has a name that leads out of the archive")
    if entry.external_attr >> 28 == 0xA:
        raise Unprocessable(f"{shown} is a link, not a file")
    if entry.flag_bits & 1:
        raise Unprocessable(f"{shown} is encrypted: send it without a password")
    if entry.compress_type not in _PACKED:
        raise Unprocessable(f"{shown} is packed in a way other than deflate: pack it anew")
    if parts.suffix.lower() == ".zip":
        raise Unprocessable(f"{shown} is a zip within a zip: send the inner files")
    if entry.file_size > max(_FREE_SIZE, entry.compress_size * MOST_RATIO):
        raise PayloadTooLarge(f"{shown} unpacks to {MOST_RATIO} times its size or more")


def _shape(stream: IO[bytes], name: str, layout: Layout) -> Shape:
    head = stream.read(_HEAD)
    if not head.strip():
        raise Unprocessable(f"{name} is empty")
    if layout.is_xml:
        try:
            xml.check_start(head, whole=len(head) < _HEAD)
        except (xml.Refused, expat.ExpatError, LookupError, ValueError) as exc:
            raise Unprocessable(f"{name} cannot be read as {layout.title}: {exc}") from exc
        return Shape(RECORDS, ("Record",), False)
    line = head.removeprefix(BOM).lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
    text = decode(line, "utf-8" if head.startswith(BOM) else layout.encoding)
    quoted = layout.quoted or is_quoted(text)
    return recognise(layout, name, split(text, quoted) or [text])
