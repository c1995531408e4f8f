"""The spec of a SchemaMigration as the migrator reads it: pure; names and defaults are the CRD's.

charts/ucc-intel/crds/schemamigrations.yaml is what the API server enforces; a unit test holds
both to the same fields and defaults.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP, VERSION, PLURAL, KIND = "ucc-intel.io", "v1alpha1", "schemamigrations", "SchemaMigration"
RETRY = f"{GROUP}/retry"
APP_VERSION = f"{GROUP}/version"


class Part(BaseModel):
    """A piece of the spec; fields of a newer CRD are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class SecretRef(Part):
    """Where the direct DSN stands, in the namespace of the resource."""

    name: str
    key: str = "DATABASE_DIRECT_URL"


class Database(Part):
    """The database to migrate."""

    secret_ref: SecretRef


class ConfigMapRef(Part):
    """A ConfigMap of SQL files."""

    name: str


class Source(Part):
    """Where the files come from: exactly one of both."""

    image: str | None = None
    config_map_ref: ConfigMapRef | None = None


class Rollback(Part):
    """The version to go back to."""

    to_version: int


class Timeouts(Part):
    """In seconds."""

    lock_seconds: float = 5
    statement_seconds: float = 900
    overall_seconds: int = 3600


class Retries(Part):
    """Of whole attempts (`limit`, back-off) and of one file inside an attempt (`lock_retries`)."""

    limit: int = 5
    backoff_seconds: float = 10
    backoff_cap_seconds: float = 300
    lock_retries: int = 20


class LintException(Part):
    """A finding that somebody has looked at."""

    file: str
    rule: str
    reason: str


class Policy(Part):
    """What may run."""

    lint: Literal["error", "warn", "off"] = "error"
    exceptions: tuple[LintException, ...] = ()
    allow_destructive: bool = False


class Contract(Part):
    """Whether contract files wait for the Deployments."""

    enabled: bool = True


class Drift(Part):
    """How often the catalog is compared."""

    enabled: bool = True
    interval_seconds: float = 300


class JobTemplate(Part):
    """What of the Job's pod may be chosen."""

    resources: dict[str, Any] | None = None
    node_selector: dict[str, str] | None = None
    tolerations: list[dict[str, Any]] | None = None
    service_account_name: str | None = None
    image_pull_secrets: list[dict[str, Any]] | None = None
    image_pull_policy: str | None = None


class Spec(Part):
    """What a person asks for."""

    database: Database
    source: Source
    target_version: int | None = None
    rollback: Rollback | None = None
    suspend: bool = False
    dry_run: bool = False
    timeouts: Timeouts = Field(default_factory=Timeouts)
    retries: Retries = Field(default_factory=Retries)
    policy: Policy = Field(default_factory=Policy)
    contract: Contract = Field(default_factory=Contract)
    drift: Drift = Field(default_factory=Drift)
    job: JobTemplate = Field(default_factory=JobTemplate)

    @property
    def goal(self) -> int | None:
        """The version asked for by number; None is the newest of the source."""
        return self.rollback.to_version if self.rollback else self.target_version
