"""Reads the migration files and refuses what could not be applied safely: pure, no database.

A migration is a pair `NNNN_name.up.sql` and `NNNN_name.down.sql`. Leading comment lines are the
header of a file: `-- phase: expand|contract` (contract: only when no process older than
min_app_version runs), `-- transaction: true|false`, `-- min_app_version: 1.2.0`.
Stands first in the flow: everything is read and checked before a connection is opened.
Files come from a folder (`load`) or from the data of a ConfigMap (`load_mapping`).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from migrations.errors import SourceInvalid
from migrations.statements import Statement, split, unclosed

SQL_DIR = Path(__file__).with_name("sql")
_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z][a-z0-9_]*)\.(?P<direction>up|down)\.sql")
_HEADER = re.compile(r"--\s*(phase|transaction|min_app_version)\s*:\s*(.*?)\s*$")
_MEANT = re.compile(
    r"^[ \t]*--\s*(phase|transaction|min_app_version)\s*:\s*(?:contract|false|\d).*$",
    re.IGNORECASE | re.MULTILINE,
)
_ALLOWED = {
    "phase": re.compile("expand|contract"),
    "transaction": re.compile("true|false"),
    "min_app_version": re.compile(r"\d+\.\d+\.\d+"),
}
_CONTROL = ("begin", "start", "commit", "rollback", "end", "abort", "savepoint", "prepare")
_OUTSIDE = ("vacuum", "create database", "drop database", "alter system", "create tablespace")
_ID = r'(?:"(?:""|[^"])+"|\w[\w$]*)'
_INDEX = re.compile(
    rf"(?P<create>CREATE)\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?P<new>IF\s+NOT\s+EXISTS\s+)?"
    rf"(?P<made>(?!ON\b){_ID})\s*\bON\s+(?:ONLY\s+)?(?:(?P<place>{_ID})\s*\.\s*)?{_ID}"
    rf"|DROP\s+INDEX\s+CONCURRENTLY\s+(?P<old>IF\s+EXISTS\s+)?"
    rf"(?P<dropped>(?:{_ID}\s*\.\s*)?{_ID})\s*$",
    re.IGNORECASE,
)
_UNNAMED = re.compile(r"CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+ON\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IndexChange:
    """The index a no-transaction file builds or drops; `lenient` where it says IF [NOT] EXISTS.

    `name` is as SQL has it: an index is made in the schema of its table, and quotes stay.
    """

    action: Literal["create", "drop"]
    name: str
    lenient: bool


@dataclass(frozen=True, slots=True)
class Script:
    """One file of a pair; sha256 is over its bytes with line ends as LF."""

    path: Path
    sql: str
    sha256: str
    statements: tuple[Statement, ...]
    phase: str
    transaction: bool
    min_app_version: str | None

    @property
    def is_up(self) -> bool:
        """Whether it is the way forward of its pair."""
        return ".up." in self.path.name

    @property
    def concurrent(self) -> bool:
        """Whether the statement only takes locks that let readers and writers work on."""
        return any("concurrently" in s.words for s in self.statements)

    @property
    def index(self) -> IndexChange | None:
        """The index this file builds or drops concurrently, if that is what it does."""
        match = _INDEX.match(self.statements[0].sql) if self.statements else None
        if self.transaction or not match:
            return None
        if match["create"]:
            place = f"{match['place']}." if match["place"] else ""
            return IndexChange("create", _folded(place + match["made"]), match["new"] is not None)
        return IndexChange("drop", _folded(match["dropped"]), match["old"] is not None)


@dataclass(frozen=True, slots=True)
class Migration:
    """A numbered change and the way back."""

    version: int
    name: str
    up: Script
    down: Script

    @property
    def label(self) -> str:
        """Number and name as in the file names: `0007_watchlists`."""
        return f"{self.version:04d}_{self.name}"

    @property
    def needs_app(self) -> str | None:
        """The oldest release that may run once this is applied; None where it breaks none."""
        return self.up.min_app_version if self.up.phase == "contract" else None


def load(directory: Path = SQL_DIR) -> list[Migration]:
    """All migrations in order of their number, 1 first.

    Raises SourceInvalid with every problem found, each with what to do.
    """
    if not directory.is_dir():
        raise SourceInvalid(f"There is no directory {directory}: pass the right one by --dir.")
    # A mounted ConfigMap is exchanged as a whole: all files must be of one state of it.
    root = (directory / "..data").resolve() if (directory / "..data").is_dir() else directory
    found = {path: path.read_bytes() for path in sorted(root.glob("*.sql"))}
    return _checked(found, f"No *.sql in {directory}: pass the right directory by --dir.")


def load_mapping(data: Mapping[str, str]) -> list[Migration]:
    """As `load`, from file names and their text: the data of a ConfigMap."""
    found = {Path(n): text.encode() for n, text in sorted(data.items()) if n.endswith(".sql")}
    return _checked(found, "The ConfigMap has no key that ends with .sql: add the files to it.")


def checksum(migrations: Sequence[Migration], upto: int) -> str:
    """What state.State.checksum says of a database that has versions 1 to `upto` of these."""
    return checksum_of((m.version, m.name, m.up.sha256) for m in migrations if m.version <= upto)


def checksum_of(rows: Iterable[tuple[int, str, str]]) -> str:
    """sha256 over (version, name, sha256 of the up file) of each migration, in order."""
    lines = "".join(f"{version} {name} {sha256}\n" for version, name, sha256 in rows)
    return hashlib.sha256(lines.encode()).hexdigest()


def _checked(found: Mapping[Path, bytes], none: str) -> list[Migration]:
    paths = list(found)
    problems = [*_misnamed(paths), *_unpaired(paths), *_misnumbered(paths)]
    if not paths:
        problems.append(none)
    scripts = {p: parse(p, found[p]) for p in paths} if not problems else {}
    problems += [line for script in scripts.values() for line in _unfit(script)]
    if problems:
        raise SourceInvalid("\n".join([*problems, "Nothing was run."]))
    return [
        Migration(int(match["version"]), match["name"], scripts[path], scripts[_twin(path)])
        for path in paths
        if (match := _NAME.fullmatch(path.name)) and match["direction"] == "up"
    ]


def read(path: Path) -> Script:
    """One file with its header; raises SourceInvalid where it is no UTF-8 text."""
    return parse(path, path.read_bytes())


def parse(path: Path, data: bytes) -> Script:
    """As `read`, of bytes read before."""
    data = data.replace(b"\r\n", b"\n")
    try:
        sql = data.decode("utf-8-sig")  # as psql, which passes over the mark of Windows editors
    except UnicodeDecodeError as exc:
        raise SourceInvalid(f"{path.name} is not UTF-8: save it as UTF-8.") from exc
    header = dict(_header(sql))
    return Script(
        path=path,
        sql=sql,
        sha256=hashlib.sha256(data).hexdigest(),
        statements=tuple(split(sql)),
        phase=header.get("phase", "expand"),
        transaction=header.get("transaction", "true") != "false",
        min_app_version=header.get("min_app_version"),
    )


def _folded(name: str) -> str:
    """A name as PostgreSQL reads it: lower case and without spaces but within quotes."""
    parts = re.split(r'("(?:""|[^"])+")', name)
    return "".join(p if p.startswith('"') else "".join(p.lower().split()) for p in parts)


def _header(sql: str) -> Iterator[tuple[str, str]]:
    for line in sql.splitlines():
        if line.strip() and not line.startswith("--"):
            return
        if match := _HEADER.match(line):
            yield match[1], match[2]


def _twin(path: Path) -> Path:
    here, there = (".up.sql", ".down.sql") if ".up." in path.name else (".down.sql", ".up.sql")
    return path.with_name(path.name.removesuffix(here) + there)


def _misnamed(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        if not _NAME.fullmatch(path.name):
            yield f"{path.name}: rename it to NNNN_lower_case.up.sql or .down.sql."


def _unpaired(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        if _NAME.fullmatch(path.name) and _twin(path) not in paths:
            yield f"{_twin(path).name} is missing: {path.name} needs it beside it; write it."


def _misnumbered(paths: list[Path]) -> Iterator[str]:
    names: dict[int, set[str]] = {}
    for match in filter(None, (_NAME.fullmatch(p.name) for p in paths)):
        names.setdefault(int(match["version"]), set()).add(match["name"])
    last = max(names, default=0)
    for number, group in sorted(names.items()):
        if len(group) > 1:
            used = " and ".join(f"{number:04d}_{name}" for name in sorted(group))
            yield f"Number {number:04d} is used by {used}: give the newer one {last + 1:04d}."
    for number in sorted({*range(1, last + 1)} - {*names}):
        yield f"Number {number:04d} is missing: restore its files or renumber the later ones."
    if 0 in names:
        yield "Number 0000 is not used: the first migration is 0001."


def _unfit(script: Script) -> Iterator[str]:
    """What in the header or the statements of a file would fail or not be safe."""
    name = script.path.name
    for key, value in _header(script.sql):
        if not _ALLOWED[key].fullmatch(value):
            allowed = _ALLOWED[key].pattern.replace(r"\d+", "N").replace("\\", "")
            yield f"{name}: `-- {key}: {value}` is not valid; write {allowed}."
    if script.phase == "contract" and script.min_app_version is None:
        yield f"{name}: a contract file names what may still run: `-- min_app_version: 1.2.0`."
    if not script.statements:
        yield f"{name} has no statement: write one (`SELECT 1` where there is nothing to do)."
    if not script.transaction and len(script.statements) > 1:
        yield (
            f"{name} has {len(script.statements)} statements without a transaction: "
            "keep one and move the others to migrations of their own."
        )
    yield from _unread(script)
    for statement in script.statements:
        yield from _unfit_statement(script, statement)


def _unread(script: Script) -> Iterator[str]:
    """What would be passed over in silence: text after an open quote, headers out of place."""
    name = script.path.name
    if found := unclosed(script.sql):
        yield f"{name} line {found[0]}: {found[1]} is opened here and never closed: close it."
    if "\0" in script.sql:
        yield f"{name}: take the NUL byte out; PostgreSQL has none in its text."
    before = script.sql[: script.statements[0].start] if script.statements else ""
    read_here = dict(_header(script.sql))
    for match in _MEANT.finditer(before):
        if match[1].lower() not in read_here:
            yield (
                f"{name}: `{match[0].strip()}` is not read where it stands: headers are the first "
                "lines of a file, in lower case and not indented."
            )


def _unfit_statement(script: Script, statement: Statement) -> Iterator[str]:
    place = f"{script.path.name} line {statement.line}"
    if statement.words[:1] and statement.words[0] in _CONTROL:
        yield f"{place}: remove {statement.words[0].upper()}; the runner opens the transaction."
    outside = any(statement.begins(phrase) for phrase in _OUTSIDE)
    concurrent = "concurrently" in statement.words and not statement.begins("refresh")
    if script.transaction and (outside or concurrent):
        yield (
            f"{place}: this cannot run in a transaction; put it alone in a file "
            "with `-- transaction: false`."
        )
    if statement.sql.startswith("\\"):
        yield f"{place}: {statement.sql.split()[0]} is a command of psql: take it out."
    streams = {*pairwise(statement.words)} & {("from", "stdin"), ("to", "stdout")}
    if statement.begins("copy") and streams:
        yield f"{place}: nobody is there to send or take the rows of COPY: write INSERT instead."
    if _UNNAMED.match(statement.sql):
        yield f"{place}: give the index a name, so that a broken build can be found again."
