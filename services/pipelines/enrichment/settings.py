"""Settings of the enrichment worker."""

from pydantic import Field

from services.common.kafka.settings import WorkerSettings


class EnrichmentSettings(WorkerSettings):
    """What the enrichment worker reads from its environment."""

    port: int = Field(8012, ge=0, le=65535, description="Port of health and metrics")
    enrichment_batch: int = Field(
        500, ge=1, le=5000, description="Changed prospects enriched in one transaction"
    )
    enrichment_job_batch: int = Field(
        50, ge=1, le=500, description="Prospects of one enrichment.batch job"
    )
    enrichment_concurrency: int = Field(
        2, ge=1, le=16, description="Enrichment jobs that one worker runs side by side"
    )
    enrichment_sweep_s: float = Field(
        2, gt=0, description="Seconds between looks for changes whose message was lost"
    )
    enrichment_sweep_age_s: float = Field(
        3, ge=0, description="Seconds a change may wait for its message before a sweep takes it"
    )
