"""Answers a checked query from a table, by an index where there is one.

Rows keep the table's order unless $order asks for another; ties always fall the same way, so
that pages of one walk neither repeat nor skip a row. Positions of a walk are remembered.
"""

import re
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeGuard

import orjson

from services.sample_register.dataset import Table
from services.sample_register.soda import Compare, Join, Node, Query

Row = dict[str, Any]
Test = Callable[[Row], bool]

_KEPT = 32  # walks remembered at a time


class Engine:
    """Answers queries on one table; remembers the positions of the last walks."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._walks: OrderedDict[tuple[Any, ...], Sequence[int]] = OrderedDict()

    def answer(self, query: Query) -> bytes:
        """The JSON array Socrata would send."""
        positions = self._positions(query)
        if query.count is not None:
            return orjson.dumps([{query.count: str(len(positions))}])
        page = positions[query.offset : query.offset + query.limit]
        rows = [self.table.rows[position] for position in page]
        if query.select is not None:
            rows = [_chosen(row, query.select) for row in rows]
        return b"[" + b"\n,".join(rows) + b"]\n"

    def _positions(self, query: Query) -> Sequence[int]:
        key = (query.where, query.order)
        known = self._walks.get(key)
        if known is not None:
            self._walks.move_to_end(key)
            return known
        found = self._ordered(self._found(query.where), query.order)
        if not _has_list(query.where):
            self._walks[key] = found if isinstance(found, range) else array("I", found)
            if len(self._walks) > _KEPT:
                self._walks.popitem(last=False)
        return found

    def _found(self, where: Node | None) -> Sequence[int]:
        """Positions of the rows that match, in the table's order."""
        everything = range(len(self.table.rows))
        if where is None:
            return everything
        parts = _conditions(where)
        found = self._by_index(parts)
        candidates = everything if found is None else found
        if not parts:
            return candidates
        matches = _test(Join(True, tuple(parts)))
        rows = self.table.rows
        return [position for position in candidates if matches(orjson.loads(rows[position]))]

    def _by_index(self, parts: list[Node]) -> list[int] | None:
        """Positions by the best index; takes what it answered out of `parts`."""
        for part in parts:
            if _indexed(part, self.table) and part.sign in ("in", "="):
                parts.remove(part)
                return self.table.index[part.column].among(part.values)
        low: str | None = None
        high: str | None = None
        column: str | None = None
        for part in list(parts):
            if not (_indexed(part, self.table) and column in (None, part.column)):
                continue
            if part.sign == ">=" and low is None:
                low, column = part.values[0], part.column
                parts.remove(part)
            elif part.sign == "<" and high is None:
                high, column = part.values[0], part.column
                parts.remove(part)
        return None if column is None else self.table.index[column].between(low, high)

    def _ordered(
        self, positions: Sequence[int], order: tuple[tuple[str, bool], ...]
    ) -> Sequence[int]:
        natural = tuple((column, False) for column in self.table.spec.order)
        if order == natural[: len(order)]:
            return positions
        rows = self.table.rows
        found = list(positions)
        for column, descending in reversed(order):
            keys = {position: _sortable(rows[position], column) for position in found}
            found.sort(key=keys.__getitem__, reverse=descending)
        return found


def _conditions(where: Node) -> list[Node]:
    """The conditions that must all hold."""
    if isinstance(where, Join) and where.every:
        return [condition for part in where.parts for condition in _conditions(part)]
    return [where]


def _indexed(part: Node, table: Table) -> TypeGuard[Compare]:
    return isinstance(part, Compare) and not part.upper and part.column in table.index


def _has_list(where: Node | None) -> bool:
    """Lists of ids are asked for once, so their answers are not worth remembering."""
    if isinstance(where, Join):
        return any(_has_list(part) for part in where.parts)
    return where is not None and where.sign == "in"


def _sortable(row: bytes, column: str) -> tuple[bool, Any]:
    """Nulls last, as PostgreSQL sorts them (first where descending)."""
    value = orjson.loads(row).get(column)
    return value is None, "" if value is None else value


def _chosen(row: bytes, select: tuple[tuple[str, str], ...]) -> bytes:
    values = orjson.loads(row)
    return orjson.dumps({name: values[column] for column, name in select if column in values})


def _test(node: Node) -> Test:
    """A condition as a function of a row; a null matches no comparison."""
    if isinstance(node, Join):
        tests = [_test(part) for part in node.parts]
        if node.every:
            return lambda row: all(test(row) for test in tests)
        return lambda row: any(test(row) for test in tests)
    column, value = node.column, _value(node)
    if node.sign == "is null":
        return lambda row: row.get(column) is None
    if node.sign == "is not null":
        return lambda row: row.get(column) is not None
    if node.sign == "in":
        wanted = frozenset(node.values)
        return lambda row: value(row) in wanted
    holds = _HOLDS[node.sign] if node.sign != "like" else _like(node.values[0])
    operand = node.values[0]

    def test(row: Row) -> bool:
        held = value(row)
        return held is not None and holds(held, operand)

    return test


def _value(node: Compare) -> Callable[[Row], Any]:
    column = node.column
    if not node.upper:
        return lambda row: row.get(column)
    return lambda row: None if row.get(column) is None else str(row[column]).upper()


def _like(pattern: str) -> Callable[[str, str], bool]:
    signs = {"%": ".*", "_": "."}
    regex = re.compile("".join(signs.get(c, re.escape(c)) for c in pattern), re.DOTALL)
    return lambda held, _: regex.fullmatch(held) is not None


_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip
