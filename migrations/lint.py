"""Rules for new migrations beyond what files refuses: pure, `python -m migrations lint`.

Expand and contract (operations.md, 1.4): what an older release still reads may only go in a
file that says `-- phase: contract` and names the release that no longer reads it.
"""

from collections.abc import Iterator, Sequence

from migrations.files import Migration, Script
from migrations.history import app_version
from migrations.statements import Statement
from services import __version__

_DESTRUCTIVE = ("drop table", "drop view", "drop column", "rename to", "rename column", "truncate")
_GLOBAL = ("create schema", "create role", "alter role", "grant", "revoke", "create database")


def problems(migrations: Sequence[Migration], release: str = __version__) -> list[str]:
    """Every breach of a rule, with what to do; `release` is the one these files ship with."""
    found = [line for m in migrations for line in _migration(m)]
    return [*found, *_deadlocks(migrations, release)]


def _deadlocks(migrations: Sequence[Migration], release: str) -> Iterator[str]:
    """Contract files that wait for a release which waits, at its gate, for what follows them.

    Files run in order and a release starts only on its newest expand file. So an expand file may
    follow a contract file only once what that one waits for was released before.
    """
    for migration in migrations:
        later = [m for m in migrations[migration.version :] if m.up.phase == "expand"]
        least = migration.needs_app
        if later and least and app_version(least) >= app_version(release):
            yield (
                f"{migration.up.path.name} waits until release {least} runs everywhere, and that "
                f"release waits for {later[-1].label}, which comes after it: give it a number "
                f"above {later[-1].version:04d}, or ship it with a release newer than {least}."
            )


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
        yield f"{place}: write SET LOCAL, which ends with the transaction."
    if any(statement.begins(phrase) for phrase in _GLOBAL):
        yield f"{place}: roles, rights and schemas belong to the installation, not to migrations."
    said = " ".join(statement.words)
    expands = script.is_up and script.phase == "expand"
    for phrase in _DESTRUCTIVE:
        if expands and f" {phrase} " in f" {said} " and not statement.begins("create"):
            yield f"{place}: `{phrase}` breaks the release before; write `-- phase: contract`."
