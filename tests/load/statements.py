"""A page's merge as text for psql: the very statements of store.merge, constants put in.

`Script` is given to the store in place of a transaction, so that the baseline can never drift
from what the pipeline runs. Rows of a COPY go to CSV files beside the script.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.common.db import Executor
from services.common.sql import Query

_PARAMETER = re.compile(r"\$(\d+)")
_SPECIAL = re.compile(r'[",\r\n\\]')
_COUNTS = {"new": 0, "changed": 0, "prospects": 0}


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a script, or a `\\copy`, under the name that the pipeline times it by."""

    name: str
    text: str
    copy: bool = False


class Script(Executor):
    """Records what is executed instead of executing it; every answer is "nothing"."""

    def __init__(self, folder: Path, page: int) -> None:
        self._folder, self._page = folder, page
        self.statements: list[Statement] = []
        self.rows: dict[str, int] = {}

    async def execute(self, q: Query, *args: object, timeout: float | None = None) -> str:
        """Note a statement; the tag of one that met no row."""
        self.statements.append(Statement(q.name, substitute(q.sql, args) + ";"))
        return "SELECT 0"

    async def fetchrow(
        self, q: Query, *args: object, timeout: float | None = None
    ) -> Mapping[str, int]:
        """Note a statement; counters of a merge that changed nothing."""
        await self.execute(q, *args)
        return _COUNTS

    async def copy(
        self, table: str, columns: Sequence[str], records: Iterable[Sequence[object]]
    ) -> None:
        """Write the records to a CSV file and note the `\\copy` that loads it."""
        path = self._folder / f"{table}-{self._page:05}.csv"
        count = 0
        with path.open("w", encoding="utf-8", newline="") as out:
            for record in records:
                out.write(",".join(map(cell, record)) + "\n")
                count += 1
        self.rows[table] = count
        text = f"\\copy {table} ({', '.join(columns)}) from '{path}' (format csv)"
        self.statements.append(Statement(f"copy_{table}", text, copy=True))


def as_one(pages: Sequence[Sequence[Statement]]) -> list[Statement]:
    """All pages as a single one: every `\\copy` into one staging, then one merge."""
    first = pages[0]
    before = next(at for at, statement in enumerate(first) if statement.copy)
    copies = [statement for page in pages for statement in page if statement.copy]
    return [*first[:before], *copies, *(s for s in first[before:] if not s.copy)]


def psql_script(pages: Iterable[Sequence[Statement]]) -> str:
    """A transaction a page; before each timed statement its name is printed."""
    lines = ["\\timing on"]
    for page in pages:
        lines += ["\\echo begin", "BEGIN;"]
        for statement in page:
            lines += [f"\\echo {statement.name}", statement.text]
        lines += ["\\echo commit", "COMMIT;"]
    return "\n".join(lines) + "\n"


def substitute(sql: str, args: Sequence[object]) -> str:
    """A statement with its `$n` replaced by literals. Raises TypeError for other kinds of value."""
    return _PARAMETER.sub(lambda found: _literal(args[int(found[1]) - 1]), sql)


def _literal(value: object) -> str:
    match value:
        case bool() | int():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case date():
            return f"'{value.isoformat()}'"
    raise TypeError(f"no literal for {value!r}: teach tests/load/statements.py its type")


def cell(value: object) -> str:
    """A value as a cell of PostgreSQL's CSV: nothing for null, quotes where they are needed."""
    match value:
        case None:
            return ""
        case bool():
            return "t" if value else "f"
        case bytes():
            return "\\x" + value.hex()
        case tuple():
            return _quoted("{" + ",".join(map(_element, value)) + "}") if value else "{}"
        case str():
            return _quoted(value) if not value or _SPECIAL.search(value) else value
    return str(value)


def _element(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
