"""Settings of the ingestion worker."""

from pydantic import Field

from services.common.kafka.settings import WorkerSettings


class IngestionSettings(WorkerSettings):
    """What the ingestion worker reads from its environment."""

    port: int = Field(8011, ge=0, le=65535, description="Port of health and metrics")
    ingest_page_size: int = Field(
        5000, ge=10, le=50_000, description="Filings, or rows, asked from a register at once"
    )
    ingest_concurrency: int = Field(
        2, ge=1, le=16, description="Page jobs that one worker runs side by side"
    )
    ingest_overlap_days: int = Field(
        7, ge=0, le=90, description="Days read again by an incremental run: registers post late"
    )
    ingest_first_days: int = Field(
        90, ge=1, description="Days a first run without `since` reads back"
    )
    ingest_wait_scores_s: float = Field(
        120, ge=0, description="Seconds a run waits until what it changed is scored; 0: not at all"
    )
    ingest_rows_days: int = Field(
        7, ge=1, description="Days that rows of uploaded files wait for others of their filing"
    )
    ingest_download_hosts: str = Field(
        "cloudfront.net",  # where Florida keeps its files
        description="Other domains that a register may point to for its files (https), separated "
        "by commas",
    )
    ingest_app_token: str | None = Field(
        None, repr=False, description="Socrata application token, raises the shared rate limit"
    )

    @property
    def download_hosts(self) -> list[str]:
        """The names of `ingest_download_hosts`."""
        return [host for part in self.ingest_download_hosts.split(",") if (host := part.strip())]
