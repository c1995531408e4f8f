"""Settings of the maintenance worker."""

from pydantic import Field

from services.common.kafka.settings import WorkerSettings


class MaintenanceSettings(WorkerSettings):
    """What the maintenance worker reads from its environment."""

    port: int = Field(8014, ge=0, le=65535, description="Port of health and metrics")
    maintenance_batch: int = Field(
        2000, ge=1, le=50_000, description="Rows looked at in one transaction of maintenance"
    )
