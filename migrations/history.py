"""What schema_migrations says, compared with the files: pure.

One row a version. `started` is written before a file that runs without a transaction and
becomes `applied` after it: a row that stays `started` is in doubt. Stands between files and runner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from migrations.files import Migration, MigrationRefused


class InDoubt(MigrationRefused):
    """It is not known whether a migration took effect: a person must look."""

    code = "migration_in_doubt"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of schema_migrations; `sha256` is that of the up file when it was applied."""

    version: int
    name: str
    sha256: str
    direction: Literal["up", "down"]
    state: Literal["started", "applied"]
    applied_at: datetime
    duration_ms: int | None
    applied_by: str

    @property
    def label(self) -> str:
        """As Migration.label."""
        return f"{self.version:04d}_{self.name}"


def mismatches(migrations: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
    """What in the history does not fit the files, each with what to do."""
    files = {m.version: m for m in migrations}
    found = []
    newer = [e for e in entries if e.version > len(migrations)]
    if newer:
        found.append(
            f"The database is at {newer[-1].label} (by {newer[-1].applied_by}), newer than the "
            f"files, which end at {len(migrations):04d}: use the release that has them."
        )
    found += [
        problem
        for entry in entries
        if entry.version in files and (problem := _differs(files[entry.version], entry))
    ]
    expected = range(1, len(entries) + 1)
    if [e.version for e in entries] != [*expected]:
        missing = min({*expected} - {e.version for e in entries}, default=0)
        found.append(
            f"The history has no {missing:04d} though later ones are applied: rows of "
            "schema_migrations were deleted by hand; put the row back."
        )
    return found


def _differs(migration: Migration, entry: Entry) -> str | None:
    if entry.name != migration.name:
        return (
            f"{entry.label} was applied, but the file is now {migration.label}: "
            "give the file its name back."
        )
    if entry.sha256 != migration.up.sha256:
        return (
            f"{migration.up.path.name} was edited after it was applied at "
            f"{entry.applied_at:%Y-%m-%d %H:%M} UTC: restore it from version control and put the "
            "change into a new migration."
        )
    return None


def check(migrations: Sequence[Migration], entries: Sequence[Entry]) -> None:
    """Raise MigrationRefused where the history does not fit the files."""
    if problems := mismatches(migrations, entries):
        raise MigrationRefused("\n".join([*problems, "Nothing was run."]))


def in_doubt(entries: Sequence[Entry]) -> list[Entry]:
    """The entries whose statement may or may not have taken effect."""
    return [e for e in entries if e.state == "started"]


def doubt(migration: Migration, entry: Entry) -> str:
    """What a person has to find out about an entry in doubt, and how to say it."""
    script = migration.up if entry.direction == "up" else migration.down
    where = f"WHERE version = {entry.version}"
    keep = f"UPDATE schema_migrations SET state = 'applied', direction = 'up' {where}"
    drop = f"DELETE FROM schema_migrations {where}"
    done, not_done = (keep, drop) if entry.direction == "up" else (drop, keep)
    return (
        f"{script.path.name} was started at {entry.applied_at:%Y-%m-%d %H:%M:%S} UTC by "
        f"{entry.applied_by} and its end is not known. Look whether its statement took effect: "
        f"{script.statements[0].sql}. If it did, run `{done}`; if it did not, run `{not_done}`; "
        "then repeat the command."
    )


def pending(
    migrations: Sequence[Migration], entries: Sequence[Entry], to: int | None = None
) -> list[Migration]:
    """The migrations `up` would run; raises MigrationRefused for a target that is not ahead."""
    target = len(migrations) if to is None else to
    current = max((e.version for e in entries), default=0)
    if target > len(migrations):
        raise MigrationRefused(f"There is no {target:04d}: the files end at {len(migrations):04d}.")
    if target < current:
        raise MigrationRefused(
            f"The database is at {current:04d}, above {target:04d}: "
            f"`down {current - target}` goes back."
        )
    return list(migrations[current:target])


def undoable(
    migrations: Sequence[Migration], entries: Sequence[Entry], steps: int | None
) -> list[Migration]:
    """The last `steps` applied migrations (None: all), newest first."""
    applied = [migrations[e.version - 1] for e in reversed(entries)]
    return applied if steps is None else applied[:steps]


def state_of(migration: Migration, entry: Entry | None) -> str:
    """One word for `status`: applied, pending, in doubt, edited or renamed."""
    if entry is None:
        return "pending"
    if entry.state == "started":
        return "in doubt"
    if entry.name != migration.name:
        return "renamed"
    return "applied" if entry.sha256 == migration.up.sha256 else "edited"
