"""Which statements destroy data that no down file brings back: a closed list, pure.

What a function or a DO block does is not seen. Used by policy.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from migrations.statements import Statement

_BEGINS = (
    *("drop table", "drop schema", "drop database", "drop type", "drop domain", "drop sequence"),
    *("drop materialized view", "drop foreign table", "drop extension", "drop owned"),
    *("drop tablespace", "drop server", "truncate"),
)
_ALTERS = ("alter table", "alter foreign table", "alter type")
# What ALTER TABLE drops without losing a value.
_HARMLESS = ("constraint", "default", "not", "expression", "identity")
_COLUMN = ("column", "attribute")


def found(statements: Sequence[Statement]) -> Iterator[tuple[Statement, str]]:
    """Each statement that destroys data, with what it does."""
    for statement in statements:
        if what := _destroys(statement):
            yield statement, what


def _destroys(statement: Statement) -> str | None:
    for phrase in _BEGINS:
        if statement.begins(phrase):
            return phrase.upper()
    words = statement.words
    if statement.begins("drop") and "cascade" in words:
        return "DROP ... CASCADE"
    if any(statement.begins(phrase) for phrase in _ALTERS):
        return _alters(words)
    return None if statement.begins("create") else _deletes(words)


def _alters(words: Sequence[str]) -> str | None:
    if "cascade" in words and "drop" in words:
        return "DROP ... CASCADE"
    for word, after in pairwise([*words, ""]):
        if word == "drop" and after not in _HARMLESS:
            return f"DROP {after.upper() if after in _COLUMN else 'COLUMN'}"
    return None


def _deletes(words: Sequence[str]) -> str | None:
    for at, pair in enumerate(pairwise(words)):
        if pair == ("delete", "from") and "where" not in words[at:]:
            return "DELETE without WHERE"
    return None
