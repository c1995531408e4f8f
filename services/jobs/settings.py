"""Settings of the jobs API, the relay and the scheduler."""

from typing import get_args

from pydantic import Field, field_validator

from services.common.config import ApiSettings, PostgresUrl, Settings
from services.common.kafka.settings import KafkaSettings
from services.jobs.models import Source


class JobsSettings(ApiSettings):
    """What `python -m services.jobs` reads."""

    port: int = Field(8005, ge=0, le=65535, description="Port of HTTP: API, health, metrics")
    file_limit_bytes: int = Field(
        2 * 1024**3, gt=0, description="Largest upload of a register's files (413)"
    )
    file_unpacked_limit_bytes: int = Field(
        20 * 1024**3, gt=0, description="Most bytes that an uploaded archive may unpack to (413)"
    )
    file_stall_s: float = Field(
        30, gt=0, description="Seconds that an upload may stand still (408)"
    )
    file_total_s: float = Field(3600, gt=0, description="Seconds that an upload may take (504)")
    file_uploads_max: int = Field(
        2, ge=1, description="Uploads that one process takes at once (then 503)"
    )


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

    @field_validator("ingest_sources")
    @classmethod
    def _known(cls, value: str) -> str:
        if unknown := set(_names(value)) - set(get_args(Source)):
            raise ValueError(
                f"{', '.join(sorted(unknown))} is none of {', '.join(get_args(Source))}"
            )
        return value

    @property
    def sources(self) -> list[str]:
        """The names of `ingest_sources`."""
        return _names(self.ingest_sources)


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]
