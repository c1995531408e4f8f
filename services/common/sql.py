"""Named queries: the text between `-- name: x` lines of a package's queries.sql.

The name becomes the Prometheus label of the query.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"^-- name: *(\w+)[^\n]*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement in PostgreSQL's own `$1` style."""

    name: str
    sql: str


class Queries(dict[str, Query]):
    """Queries by name; an unknown name raises KeyError that lists the known ones."""

    def __missing__(self, name: str) -> Query:
        raise KeyError(f"no query named {name!r}; known: {', '.join(sorted(self))}")


def load(path: Path | str) -> Mapping[str, Query]:
    """Read a queries.sql. Raises ValueError for a doubled name or a file without names."""
    parts = _NAME.split(Path(path).read_text(encoding="utf-8"))
    queries = Queries()
    for name, sql in zip(parts[1::2], parts[2::2], strict=True):
        if name in queries:
            raise ValueError(f"{path}: query {name!r} is defined twice")
        queries[name] = Query(name, sql.strip().rstrip(";"))
    if not queries:
        raise ValueError(f"{path}: no `-- name: ...` line found")
    return queries
