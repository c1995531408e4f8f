"""What a schema of the database holds, as an ordered list of statements that make it again.

The one reading of the catalog behind the fingerprint, schema.sql and the drift report: what
is not read here is in none of them. tests/integration/migrations compares with pg_dump.
"""

import hashlib
import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.common.sql import load

Q = load(Path(__file__).with_name("catalog.sql"))
_KINDS = (
    ("extensions", 0),
    ("enums", 1),
    ("domains", 1),
    ("composites", 1),
    ("functions", 2),
    ("sequences", 3),
    ("tables", 4),
    ("owned_sequences", 5),
    ("constraints", 6),
    ("indexes", 7),
    ("statistics", 8),
    ("triggers", 9),
    ("rules", 9),
    ("policies", 10),
    ("views", 11),
    ("comments", 12),
)
_ATTACHED = ("comment", "owned sequence")
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the catalog; `ddl` makes it, `parent` is the table it belongs to."""

    kind: str
    name: str
    parent: str | None
    ddl: str
    rank: int
    key: Key

    @property
    def place(self) -> tuple[bool, str, int, str]:
        """Where it stands if nothing it needs is missing: tables with theirs, then triggers..."""
        late = self.kind in ("foreign key", "trigger", "rule", "policy", "view")
        return late, self.parent or "", self.rank, self.name


async def read(conn: asyncpg.Connection, schema: str) -> list[Item]:
    """Everything in `schema`, in an order in which it can be made.

    `schema` must be first in search_path. Raises ValueError where things need one another.
    """
    items = await unordered(conn, schema)
    needs: dict[Key, set[Key]] = {}
    for r in await conn.fetch(Q["dependencies"].sql, schema):
        needs.setdefault((r["class"], r["oid"]), set()).add((r["needs_class"], r["needs_oid"]))
    return in_order(items, needs)


async def unordered(conn: asyncpg.Connection, schema: str) -> list[Item]:
    """As `read`, in any order: enough for a digest."""
    members = {(r["class"], r["oid"]) for r in await conn.fetch(Q["extension_members"].sql, schema)}
    return [
        Item(r["kind"], r["name"], r["parent"], r["ddl"], rank, (r["class"], r["oid"]))
        for query, rank in _KINDS
        for r in await conn.fetch(Q[query].sql, schema)
        if (r["class"], r["oid"]) not in members
    ]


def in_order(items: Sequence[Item], needs: Mapping[Key, set[Key]]) -> list[Item]:
    """`items` so that each comes after what it needs, else by `place`.

    Raises ValueError where some need one another.
    """
    makers = {i.key: i for i in items if i.kind not in _ATTACHED}
    tables = {i.name: i for i in items if i.kind == "table"}
    waiting: dict[Item, set[Item]] = {}
    for item in items:
        keys = {item.key} if item.kind in _ATTACHED else needs.get(item.key, set())
        wanted = {makers[key] for key in keys if key in makers}
        if item.parent in tables:
            wanted.add(tables[item.parent])
        waiting[item] = wanted - {item}
    return _sorted(waiting)


def _sorted(waiting: dict[Item, set[Item]]) -> list[Item]:
    needed_by: dict[Item, list[Item]] = {}
    for item, wanted in waiting.items():
        for need in wanted:
            needed_by.setdefault(need, []).append(item)
    ready = [(item.place, id(item), item) for item, wanted in waiting.items() if not wanted]
    heapq.heapify(ready)
    done = []
    while ready:
        *_, item = heapq.heappop(ready)
        done.append(item)
        for other in needed_by.get(item, ()):
            waiting[other].discard(item)
            if not waiting[other]:
                heapq.heappush(ready, (other.place, id(other), other))
    if len(done) < len(waiting):
        stuck = sorted(f"{i.kind} {i.name}" for i, wanted in waiting.items() if wanted)
        raise ValueError(f"These need one another: {', '.join(stuck)}.")
    return done


def text(items: Iterable[Item]) -> str:
    """The catalog as deterministic text, whatever the order in which things were made."""
    return "\n".join(sorted(f"{i.kind} {i.name}: {i.ddl}" for i in items))


def digest(items: Iterable[Item]) -> str:
    """sha256 of `text`."""
    return hashlib.sha256(text(items).encode()).hexdigest()


def drift(expected: Iterable[Item], actual: Iterable[Item]) -> list[str]:
    """How `actual` differs from `expected`, a line a thing."""
    want = {(i.kind, i.name): i.ddl for i in expected}
    have = {(i.kind, i.name): i.ddl for i in actual}
    lines = []
    for kind, name in sorted(want.keys() | have.keys()):
        wanted, found = want.get((kind, name)), have.get((kind, name))
        if found is None:
            lines.append(f"missing {kind} {name}")
        elif wanted is None:
            lines.append(f"unexpected {kind} {name}")
        elif wanted != found:
            lines.append(f"changed {kind} {name}: {_difference(wanted, found)}")
    return lines


def _difference(wanted: str, found: str) -> str:
    """The lines only one of two statements has: `-` expected, `+` there."""
    old, new = ([x.strip().rstrip(",") for x in ddl.splitlines()] for ddl in (wanted, found))
    gone = [f"- {line}" for line in old if line not in new]
    came = [f"+ {line}" for line in new if line not in old]
    return " ".join(gone + came) or "the order of its parts"
