"""Which statements destroy data that no down file brings back: a closed list, pure.

A DO block is read as text, with the strings it may execute; what a function does that it or a
statement calls is not seen. Used by policy.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from migrations.statements import Statement, words_within

_BEGINS = (
    *("drop table", "drop schema", "drop database", "drop type", "drop domain", "drop sequence"),
    *("drop materialized view", "drop foreign table", "drop extension", "drop owned"),
    *("drop tablespace", "drop server", "truncate"),
)
_ALTERS = ("alter table", "alter foreign table", "alter type")
# What ALTER TABLE drops without losing a value; all but a constraint from a column it alters.
_OF_COLUMN = ("default", "not", "expression", "identity")
_COLUMN = ("column", "attribute")
# Before TRUNCATE as an event or a right, before EXECUTE where a trigger names its function.
_NO_STATEMENT = ("before", "after", "or", "on", "grant", "revoke")
_CALLS = ("function", "procedure", "on", "to")


def found(statements: Sequence[Statement]) -> Iterator[tuple[Statement, str]]:
    """Each statement that destroys data, with what it does."""
    for statement in statements:
        if what := _destroys(statement):
            yield statement, what


def hidden(statements: Sequence[Statement]) -> Iterator[Statement]:
    """DO blocks that execute text and are not found: what that destroys cannot be judged."""
    for statement in statements:
        if statement.begins("do") and not _destroys(statement):
            pairs = pairwise([*words_within(statement.sql), ""])
            if any(word == "execute" and after not in _CALLS for word, after in pairs):
                yield statement


def _destroys(statement: Statement) -> str | None:
    if statement.begins("do"):
        inside = _inside(words_within(statement.sql))
        return f"{inside} in a DO block" if inside else None
    for phrase in _BEGINS:
        if statement.begins(phrase):
            return phrase.upper()
    words = statement.words
    if statement.begins("drop") and "cascade" in words:
        return "DROP ... CASCADE"
    if any(statement.begins(phrase) for phrase in _ALTERS):
        return _alters(words)
    return None if statement.begins("create") else _deletes(words)


def _inside(words: Sequence[str]) -> str | None:
    """What one of the statements in a body does, wherever in it they begin."""
    for at, word in enumerate(words):
        if word not in ("drop", "truncate", "alter", "delete"):
            continue
        rest = words[at : words.index(";", at)] if ";" in words[at:] else words[at:]
        said = f"{' '.join(rest)} "
        begins = [phrase for phrase in _BEGINS if said.startswith(f"{phrase} ")]
        if begins and (not at or words[at - 1] not in _NO_STATEMENT):
            return begins[0].upper()
        if word == "drop" and "cascade" in rest:
            return "DROP ... CASCADE"
        alters = any(said.startswith(f"{phrase} ") for phrase in _ALTERS)
        if what := _alters(rest) if alters else _deletes(rest):
            return what
    return None


def _alters(words: Sequence[str]) -> str | None:
    if "cascade" in words and "drop" in words:
        return "DROP ... CASCADE"
    for at, (word, after) in enumerate(pairwise([*words, ""])):
        kept = after == "constraint" or (
            after in _OF_COLUMN and "alter" in words[max(2, at - 3) : at]
        )
        if word == "drop" and not kept:
            return f"DROP {after.upper() if after in _COLUMN else 'COLUMN'}"
    return None


def _deletes(words: Sequence[str]) -> str | None:
    for at, pair in enumerate(pairwise(words)):
        if pair == ("delete", "from") and "where" not in words[at:]:
            return "DELETE without WHERE"
    return None
