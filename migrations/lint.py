"""Rules for new migrations beyond what files refuses: pure, `python -m migrations lint`.

Expand and contract (operations.md, 1.4): what an older release still reads may only go in a
file that says `-- phase: contract` and names the release that no longer reads it.
"""

from collections.abc import Iterator, Sequence

from migrations.files import Migration, Script
from migrations.statements import Statement

_DESTRUCTIVE = ("drop table", "drop view", "drop column", "rename to", "rename column", "truncate")
_GLOBAL = ("create schema", "create role", "alter role", "grant", "revoke", "create database")


def problems(migrations: Sequence[Migration]) -> list[str]:
    """Every breach of a rule, with what to do."""
    return [line for m in migrations for line in _migration(m)]


def _migration(migration: Migration) -> Iterator[str]:
    up = migration.up
    for key in ("phase", "transaction", "min_app_version"):
        if f"-- {key}:" not in up.sql.split("\n\n", 1)[0]:
            yield f"{up.path.name}: write `-- {key}: ...` into its header."
    if len(migration.label) > 60:
        yield f"{up.path.name}: give it a shorter name (60 characters at most)."
    for script in (up, migration.down):
        for statement in script.statements:
            yield from _statement(script, statement)


def _statement(script: Script, statement: Statement) -> Iterator[str]:
    place = f"{script.path.name} line {statement.line}"
    if statement.begins("set") and not statement.begins("set local"):
        yield f"{place}: write SET LOCAL, a plain SET would reach the next migration."
    if any(statement.begins(phrase) for phrase in _GLOBAL):
        yield f"{place}: roles, rights and schemas belong to the installation, not to migrations."
    said = " ".join(statement.words)
    expands = ".up." in script.path.name and script.phase == "expand"
    for phrase in _DESTRUCTIVE:
        if expands and f" {phrase} " in f" {said} " and not statement.begins("create"):
            yield f"{place}: `{phrase}` breaks the release before; write `-- phase: contract`."
