"""Settings of the scoring worker."""

from pydantic import Field

from services.common.kafka.settings import WorkerSettings


class ScoringSettings(WorkerSettings):
    """What the scoring worker reads from its environment."""

    port: int = Field(8013, ge=0, le=65535, description="Port of health and metrics")
    scoring_batch: int = Field(
        250, ge=1, le=5000, description="Prospects scored in one query and one transaction"
    )
    scoring_job_batch: int = Field(
        500, ge=1, le=50_000, description="Prospects of one scoring.batch job"
    )
    scoring_concurrency: int = Field(
        2, ge=1, le=16, description="Scoring jobs that one worker runs side by side"
    )
    scoring_sweep_s: float = Field(
        2, gt=0, description="Seconds between looks for changes whose message was lost"
    )
    scoring_sweep_age_s: float = Field(
        3, ge=0, description="Seconds a change may wait for its message before a sweep takes it"
    )
