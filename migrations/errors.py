"""Every way a run of migrations ends without success: one class each.

The code of a class (its name in snake case) is the `code` of the report; README.md of operators
says what to do about each. `extra` carries what the report shows: file, line, statement,
sqlstate, error (the database's own words) and blockers.
"""

from services.common.errors import AppError, Unavailable


class MigrationRefused(AppError):
    """The migrations cannot run as they are; the database was not changed."""


class SourceInvalid(MigrationRefused):
    """The migration files are not well formed."""


class TargetUnknown(MigrationRefused):
    """The wanted version is not one the files lead to."""


class ChecksumMismatch(MigrationRefused):
    """The history of the database does not fit the files."""


class DatabaseAhead(MigrationRefused):
    """The database is newer than the wanted version."""


class InDoubt(MigrationRefused):
    """It is not known whether a migration took effect: a person must look."""


class LintFailed(MigrationRefused):
    """A pending file breaks a rule of the linter."""


class Destructive(MigrationRefused):
    """A pending file destroys data, which the policy does not allow."""


class Pooler(MigrationRefused):
    """The database is reached through a pooler, where the runner's lock would be lost."""


class NameTaken(MigrationRefused, retryable=True):
    """An index that a migration builds is there already, made by somebody else."""


class MigrationFailed(AppError):
    """A migration failed; it left nothing, those before it stay."""


class StatementFailed(MigrationFailed, retryable=True):
    """PostgreSQL refused a statement of a migration."""


class StatementTimeout(MigrationFailed, retryable=True):
    """A statement of a migration ran longer than MIGRATION_STATEMENT_TIMEOUT_S."""


class ConnectionLost(MigrationFailed, retryable=True):
    """The connection to PostgreSQL was lost while a migration ran."""


class NotPermitted(MigrationFailed, retryable=True):
    """The role may not log in, or may not do what a migration does."""


class DatabaseUnreachable(Unavailable, status=503, retryable=True):
    """PostgreSQL does not answer."""


class LockedOut(Unavailable, status=503, retryable=True):
    """Another migration runner works on this database."""


class LockTimeout(Unavailable, status=503, retryable=True):
    """A migration did not get a lock on a table."""


class Stopped(AppError, retryable=True):
    """The run was stopped from outside (SIGTERM); what ran was rolled back."""
