"""The subset of SoQL this register speaks: text of $where, $order, $select to checked values.

Spoken: = != <> < <= > >= in() like, is [not] null, upper(), and, or, parentheses, strings with ''
as the escaped quote, numbers, true, false. Anything else is a SodaError, as Socrata answers 400.
Source: dev.socrata.com, pages on queries, paging and error codes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.sample_register.dataset import Kind, Spec

MAX_LIMIT = 50_000
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>:?[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|<>|!=|[=<>(),*]))"
)
_ID_LIST = re.compile(r"\s*(\w+)\s+in\s*\(((?:'[A-Z0-9]+', ?)*'[A-Z0-9]+')\)\s*", re.I)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?Z?)?")


class SodaError(Exception):
    """The query is not one that this register speaks."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Compare:
    """`column` (`upper`: in capitals) compared by `sign` with one value; `in` has several."""

    column: str
    sign: str
    values: tuple[Any, ...]
    upper: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """Conditions joined by `and`, or (`every` is False) by `or`."""

    every: bool
    parts: tuple["Node", ...]


Node = Compare | Join


@dataclass(frozen=True, slots=True)
class Query:
    """A checked request: `select` None is every column, `count` the name of a count(*)."""

    where: Node | None
    order: tuple[tuple[str, bool], ...]
    select: tuple[tuple[str, str], ...] | None
    count: str | None
    limit: int
    offset: int


def parse(spec: Spec, params: Mapping[str, str]) -> Query:
    """Read the parameters of a request for a data set; raises SodaError."""
    where = _where(spec, params.get("$where", ""))
    simple = [_simple(spec, key, params[key]) for key in params if not key.startswith("$")]
    if simple:
        where = Join(True, (*simple, *([where] if where else [])))
    select, count = _select(spec, params.get("$select", "*"))
    for key in params:
        if key.startswith("$") and key not in _SPOKEN:
            raise SodaError("query.soql.unsupported", f"Parameter {key} is not spoken here")
    limit = _whole(params, "$limit", 1000)
    if limit > MAX_LIMIT:
        raise SodaError("query.soql.limit", f"Invalid limit: {limit}; at most {MAX_LIMIT}")
    order = _order(spec, params.get("$order", ""))
    return Query(where, order, select, count, limit, _whole(params, "$offset", 0))


_SPOKEN = frozenset(("$where", "$select", "$order", "$limit", "$offset"))


def _whole(params: Mapping[str, str], key: str, default: int) -> int:
    text = params.get(key, str(default))
    if not (text.isascii() and text.isdigit()):
        raise SodaError("query.soql.invalid-value", f"Invalid value for {key}: {text}")
    return int(text)


def _simple(spec: Spec, column: str, value: str) -> Compare:
    kind = _kind(spec, column)
    if kind == "checkbox":
        return Compare(column, "=", (value.lower() == "true",))
    return Compare(column, "=", (_stamp(value) if kind == "calendar_date" else value,))


def _kind(spec: Spec, column: str) -> Kind:
    kind = spec.columns.get(column)
    if kind is None:
        raise SodaError("query.soql.no-such-column", f"No such column: {column}")
    return kind


def _select(spec: Spec, text: str) -> tuple[tuple[tuple[str, str], ...] | None, str | None]:
    if match := re.fullmatch(r"count\(\s*\*\s*\)(?:\s+as\s+([a-z_]\w*))?", text.strip(), re.I):
        return None, match[1] or "count"
    if text.strip() == "*":
        return None, None
    chosen = []
    for part in text.split(","):
        match = re.fullmatch(r"([A-Za-z_]\w*)(?:\s+as\s+([A-Za-z_]\w*))?", part.strip(), re.I)
        if not match:
            raise SodaError("query.compiler.malformed", f"Could not parse $select at: {part}")
        _kind(spec, match[1].lower())
        chosen.append((match[1].lower(), match[2] or match[1].lower()))
    plain = {column for column, name in chosen if column == name}
    return (None if plain == set(spec.columns) else tuple(chosen)), None


def _order(spec: Spec, text: str) -> tuple[tuple[str, bool], ...]:
    """Columns with True where descending."""
    order = []
    for part in text.split(",") if text.strip() else []:
        match = re.fullmatch(r"([A-Za-z_]\w*)(?:\s+(asc|desc))?", part.strip(), re.I)
        if not match:
            raise SodaError("query.compiler.malformed", f"Could not parse $order at: {part}")
        _kind(spec, match[1].lower())
        order.append((match[1].lower(), (match[2] or "").lower() == "desc"))
    return tuple(order)


def _stamp(text: str) -> str:
    """A date literal in the one form in which the register holds dates."""
    match = _DATE.fullmatch(text)
    if not match:
        raise SodaError("query.soql.type-mismatch", f"'{text}' is no floating timestamp")
    return f"{match[1]}T{match[2] or '00:00:00'}.{(match[3] or '').ljust(3, '0')}"


def _where(spec: Spec, text: str) -> Node | None:
    if not text.strip():
        return None
    if (ids := _ID_LIST.fullmatch(text)) and _kind(spec, ids[1].lower()) in ("text", "number"):
        # What a walk asks thousands of times; the parser below would take ten times as long.
        values = ids[2].replace("'", "").replace(" ", "").split(",")
        return Compare(ids[1].lower(), "in", tuple(values))
    reader = _Reader(spec, text)
    node = reader.either()
    if reader.token[0] != "end":
        raise reader.fail()
    return node


class _Reader:
    """Recursive descent over the tokens of a $where."""

    def __init__(self, spec: Spec, text: str) -> None:
        self.spec, self.text = spec, text
        self._tokens = _tokens(text)
        self.token = next(self._tokens)

    def either(self) -> Node:
        parts = [self.both()]
        while self.took("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Join(False, tuple(parts))

    def both(self) -> Node:
        parts = [self.one()]
        while self.took("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else Join(True, tuple(parts))

    def one(self) -> Node:
        if self.took("("):
            node = self.either()
            self.need(")")
            return node
        upper = self.took("upper")
        if upper:
            self.need("(")
        column = self.word()
        kind = _kind(self.spec, column)
        if upper:
            self.need(")")
        return self.condition(column, kind, upper)

    def condition(self, column: str, kind: Kind, upper: bool) -> Compare:
        if self.took("is"):
            sign = "is not null" if self.took("not") else "is null"
            self.need("null")
            return Compare(column, sign, ())
        if self.took("in"):
            self.need("(")
            values = [self.literal(kind)]
            while self.took(","):
                values.append(self.literal(kind))
            self.need(")")
            return Compare(column, "in", tuple(values), upper)
        for sign in ("like", "=", "!=", "<>", "<=", ">=", "<", ">"):
            if self.took(sign):
                value = self.literal("text" if sign == "like" else kind)
                return Compare(column, {"<>": "!="}.get(sign, sign), (value,), upper)
        raise self.fail()

    def literal(self, kind: Kind) -> str | bool:
        """A value of the column's type; ids are numbers kept as text, so both forms do."""
        what, text = self.token
        if what == "text" and kind != "checkbox":
            self.token = next(self._tokens)
            value = text[1:-1].replace("''", "'")
            return _stamp(value) if kind == "calendar_date" else value
        if what == "number" and kind == "number":
            self.token = next(self._tokens)
            return text
        if what == "word" and kind == "checkbox" and text.lower() in ("true", "false"):
            self.token = next(self._tokens)
            return text.lower() == "true"
        if what in ("text", "number", "word"):
            raise SodaError("query.soql.type-mismatch", f"Type mismatch: {text} is no {kind}")
        raise self.fail()

    def word(self) -> str:
        what, text = self.token
        if what != "word":
            raise self.fail()
        self.token = next(self._tokens)
        return text.lower()

    def took(self, word: str) -> bool:
        what, text = self.token
        if what in ("word", "sign") and text.lower() == word:
            self.token = next(self._tokens)
            return True
        return False

    def need(self, word: str) -> None:
        if not self.took(word):
            raise self.fail()

    def fail(self) -> SodaError:
        return SodaError(
            "query.compiler.malformed", f"Could not parse SoQL at '{self.token[1]}' in: {self.text}"
        )


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise SodaError("query.compiler.malformed", f"Could not parse SoQL at: {text[at:]}")
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()
    while True:
        yield "end", "the end"
