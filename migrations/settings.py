"""Environment of `python -m migrations`; nothing else of the package reads it."""

from pydantic import Field

from migrations.attempts import Limits
from migrations.policy import Policy
from services.common.config import Environment, PostgresUrl


class MigrationSettings(Environment):
    """Only what migrations need: no PgBouncer, Redis or Kafka has to exist yet."""

    database_direct_url: PostgresUrl = Field(
        repr=False, description="PostgreSQL without PgBouncer: migrations and LISTEN"
    )
    migration_lock_timeout_s: float = Field(
        5, gt=0, description="Seconds a migration may wait for a table lock before it steps back"
    )
    migration_statement_timeout_s: float = Field(
        900, ge=0, description="Seconds one statement of a migration may run; 0: no limit"
    )
    migration_lock_retries: int = Field(
        20, ge=0, description="How often a migration that got no lock is tried again"
    )
    migration_runner_wait_s: float = Field(
        600, ge=0, description="Seconds to wait while another migration runner works"
    )

    migration_policy: Policy | None = Field(
        None,
        description="JSON: lint (error, warn, off), exceptions (file, rule, reason), "
        "allow_destructive; unset: no lint, all allowed",
    )

    def limits(self) -> Limits:
        """These settings as the runner takes them."""
        return Limits(
            lock_timeout_s=self.migration_lock_timeout_s,
            statement_timeout_s=self.migration_statement_timeout_s,
            lock_retries=self.migration_lock_retries,
            runner_wait_s=self.migration_runner_wait_s,
        )
