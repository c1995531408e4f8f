"""What schema_migrations says, compared with the files: pure.

One row a version. `started` is written before a file that runs without a transaction and
becomes `applied` after it: a row that stays `started` is in doubt. Stands between files and runner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from migrations.errors import ChecksumMismatch, DatabaseAhead, InDoubt, TargetUnknown
from migrations.files import Migration

AppVersion = tuple[int, ...]
# Rails, golang-migrate, dbmate and others keep their history under the same name.
FOREIGN = (
    "public.schema_migrations was made by another tool: rename that table, or use another database."
)


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
    min_app_version: str | None = None

    @property
    def label(self) -> str:
        """As Migration.label."""
        return f"{self.version:04d}_{self.name}"


def app_version(text: str) -> AppVersion:
    """`1.10.0` so that versions can be compared."""
    return tuple(map(int, text.split(".")))


def highest_app_version(entries: Sequence[Entry]) -> str | None:
    """The release below which nothing may run on this database, as its contract files said."""
    said = [e.min_app_version for e in entries if e.min_app_version]
    return max(said, key=app_version, default=None)


def mismatches(migrations: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
    """What in the history does not fit the files, each with what to do."""
    return [*filter(None, [_newer(migrations, entries)]), *_contradictions(migrations, entries)]


def _newer(migrations: Sequence[Migration], entries: Sequence[Entry]) -> str | None:
    newer = [e for e in entries if e.version > len(migrations)]
    return (
        f"The database is at {newer[-1].label} (by {newer[-1].applied_by}), newer than the "
        f"files, which end at {len(migrations):04d}: use the release that has them."
        if newer
        else None
    )


def _contradictions(migrations: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
    files = {m.version: m for m in migrations}
    found = [
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
    """Raise ChecksumMismatch where the history contradicts the files.

    Raises DatabaseAhead where it only goes further, InDoubt where it does so in doubt.
    """
    newer = _newer(migrations, entries)
    if problems := _contradictions(migrations, entries):
        lines = [*filter(None, [newer]), *problems, "Nothing was run."]
        raise ChecksumMismatch("\n".join(lines))
    if newer and (doubtful := [e for e in in_doubt(entries) if e.version > len(migrations)]):
        raise InDoubt(
            f"{doubtful[0].label} was started by {doubtful[0].applied_by} and its end is not "
            f"known. {newer} Nothing was run."
        )
    if newer:
        raise DatabaseAhead(f"{newer}\nNothing was run.")


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
    """The migrations `up` would run; raises TargetUnknown and DatabaseAhead."""
    target = len(migrations) if to is None else to
    current = version(entries)
    if target > len(migrations):
        raise TargetUnknown(f"There is no {target:04d}: the files end at {len(migrations):04d}.")
    if target < current:
        raise DatabaseAhead(
            f"The database is at {current:04d}, above {target:04d}: "
            f"`down {current - target}` goes back."
        )
    return list(migrations[current:target])


def waiting(todo: Sequence[Migration], app: AppVersion | None) -> Migration | None:
    """The first of `todo` that waits for the code: a contract file too new for release `app`."""
    for migration in todo:
        if app and migration.needs_app and app_version(migration.needs_app) > app:
            return migration
    return None


def newest_expand(migrations: Sequence[Migration]) -> int:
    """The version this release needs: contract files run only after it does."""
    return max((m.version for m in migrations if m.up.phase == "expand"), default=0)


def gate(entries: Sequence[Entry], least: int, app: str) -> str:
    """Why release `app`, which needs version `least`, may not start yet; empty where it may."""
    applied = version([e for e in entries if e.state == "applied"])
    doubtful = [e for e in in_doubt(entries) if e.version <= least]
    if doubtful:
        return (
            f"{doubtful[0].label} is being applied or in doubt; "
            "`python -m migrations up` finishes it or says what to do."
        )
    if applied < least:
        none = "" if entries else "no migration was applied yet: "
        return f"{none}it is at {applied:04d}; run `python -m migrations up`."
    highest = highest_app_version(entries)
    if highest and app_version(highest) > app_version(app):
        since = next(e.label for e in entries if e.min_app_version == highest)
        return (
            f"since {since} the database needs release {highest} or newer, and this is {app}: "
            "start a newer release, or undo that migration first."
        )
    return ""


def undoable(
    migrations: Sequence[Migration],
    entries: Sequence[Entry],
    steps: int | None,
    to: int | None = None,
) -> list[Migration]:
    """The last `steps` applied migrations (None: all) above `to`, newest first.

    Raises TargetUnknown for a `to` above the database.
    """
    if to is not None and to > version(entries):
        raise TargetUnknown(
            f"The database is at {version(entries):04d}, below {to:04d}: `up --to {to}` goes there."
        )
    applied = [migrations[e.version - 1] for e in reversed(entries) if e.version > (to or 0)]
    return applied if steps is None else applied[:steps]


def version(entries: Sequence[Entry]) -> int:
    """The highest version of the history; 0 where it is empty."""
    return max((e.version for e in entries), default=0)


def state_of(migration: Migration, entry: Entry | None) -> str:
    """One word for `status`: applied, pending, in doubt, edited or renamed."""
    if entry is None:
        return "pending"
    if entry.state == "started":
        return "in doubt"
    if entry.name != migration.name:
        return "renamed"
    return "applied" if entry.sha256 == migration.up.sha256 else "edited"
