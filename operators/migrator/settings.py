"""Environment of `python -m operators.migrator`; nothing else of the package reads it."""

from functools import cached_property

from pydantic import Field

from services.common.config import Environment


class MigratorSettings(Environment):
    """The cluster is found by KUBECONFIG, in a pod by its service account."""

    port: int = Field(8020, ge=0, le=65535, description="Port of HTTP: API, health, metrics")
    listen_address: str = Field("0.0.0.0", description="Address that HTTP listens on")
    migrator_namespaces: str = Field(
        "", description="Namespaces the migrator serves, separated by commas; unset: all"
    )
    migrator_image: str = Field(
        "localhost/ucc-intel/operator:dev", description="Image that runs a ConfigMap's SQL files"
    )
    migrator_max_jobs: int = Field(
        10, ge=1, description="Most migration Jobs at once, over all namespaces"
    )
    migrator_resync_s: float = Field(
        60, gt=0, description="Seconds after which a SchemaMigration is read back at the latest"
    )
    migrator_poll_s: float = Field(
        2, gt=0, description="Seconds between looks at the pod of a running migration Job"
    )
    migrator_grace_s: float = Field(
        20, ge=0, description="Seconds an image may fail to be pulled before the attempt counts"
    )
    migrator_pulse_s: float = Field(
        20, gt=0, description="Seconds between proofs that the watch is alive"
    )
    migrator_deaf_s: float = Field(
        60, gt=0, description="Seconds a change may go unheard before /health/live says 503"
    )

    @cached_property
    def namespaces(self) -> tuple[str, ...]:
        """The names in `migrator_namespaces`; none means all."""
        return tuple(filter(None, map(str.strip, self.migrator_namespaces.split(","))))
