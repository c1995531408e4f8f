"""Settings of the jobs API, the relay and the scheduler."""

from pydantic import Field

from services.common.config import ApiSettings, PostgresUrl, Settings
from services.common.kafka.settings import KafkaSettings


class JobsSettings(ApiSettings):
    """What `python -m services.jobs` reads."""

    port: int = Field(8005, ge=0, le=65535, description="Port of HTTP: API, health, metrics")


class RelaySettings(Settings, KafkaSettings):
    """What `python -m services.jobs relay` reads; it listens, so it needs the direct URL."""

    port: int = Field(8015, ge=0, le=65535, description="Port of health and metrics")
    database_direct_url: PostgresUrl = Field(
        repr=False, description="PostgreSQL without PgBouncer: migrations and LISTEN"
    )
    relay_poll_s: float = Field(
        1, gt=0, description="Seconds between looks at jobs and outbox without a notification"
    )


class SchedulerSettings(Settings):
    """What `python -m services.jobs scheduler` reads."""

    port: int = Field(8016, ge=0, le=65535, description="Port of health and metrics")
    ingest_sources: str = Field(
        "", description="Registers that are read daily at 02:00 UTC, separated by commas"
    )
    schedule_s: float = Field(5, gt=0, description="Seconds between looks at the schedules")
    sweep_s: float = Field(
        5, gt=0, description="Seconds between sweeps for expired leases and finished children"
    )

    @property
    def sources(self) -> list[str]:
        """The names of `ingest_sources`."""
        return [name for part in self.ingest_sources.split(",") if (name := part.strip())]


class CliSettings(Settings):
    """What the command line reads."""
