"""Shapes of the jobs API."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.common.http.fields import WHOLE, Day, Moment
from services.common.paging import Pagination
from services.common.steering import JobFilter

Source = Literal["co", "ct", "fl", "or", "sample"]
JobState = Literal["queued", "running", "retryable", "succeeded", "dead", "cancelled"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z_.]{0,59}$")]
ProspectIds = Annotated[list[UUID], Field(min_length=1, max_length=10_000)]
MAX_ID = 2**63 - 1


class IngestionRequest(BaseModel):
    """A register to read. Dates are those of filing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Source = Field(description="State of the register; `sample` is the bundled one")
    since: Day | None = Field(
        default=None, description="First day; without it the run goes on where the last one ended"
    )
    until: Day | None = Field(default=None, description="Last day; without it up to now")
    as_of: Day | None = Field(default=None, description="Day that findings are derived at")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise ValueError("until must not be before since")
        return self


class EnrichmentRequest(BaseModel):
    """Prospects to enrich."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prospect_ids: ProspectIds


class ScoringRequest(BaseModel):
    """Prospects to score: all unless some are named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prospect_ids: ProspectIds | None = None
    as_of: Day | None = Field(default=None, description="Day to score at; without it today")


class Matching(BaseModel):
    """Jobs that match every field that is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: JobState | None = None
    kind: Name | None = Field(default=None, description="For instance ingestion.page")
    queue: Name | None = Field(default=None, description="For instance ingestion")
    fingerprint: str | None = Field(
        default=None, pattern="^[a-z0-9-]{1,40}$", description="Of the error, as /dead tells it"
    )
    error_class: str | None = Field(
        default=None, pattern="^[A-Za-z_]{1,80}$", description="For instance SourceUnavailable"
    )
    arg: str | None = Field(
        default=None,
        pattern="^[a-z_]{1,60}=.{0,200}$",
        description="Value of an argument, like source=co",
    )
    parent_id: Annotated[int, Field(ge=1, le=MAX_ID), WHOLE] | None = Field(
        default=None, description="Children of this job"
    )
    since: Moment | None = Field(default=None, description="Made at this time or later")
    until: Moment | None = Field(default=None, description="Made before this time")

    def filter(self) -> JobFilter:
        """As steering takes it."""
        return JobFilter(**{name: getattr(self, name) for name in Matching.model_fields})


class ListQuery(Matching):
    """Query of the list."""

    page: int = Field(default=1, ge=1, le=1_000_000_000, description="Page, from 1")
    limit: int = Field(default=20, ge=1, le=100, description="Jobs a page")


class JobPath(BaseModel):
    """Path of one job."""

    id: int = Field(ge=1, le=MAX_ID, description="Id of the job")


class JobError(BaseModel):
    """Why the last attempt failed."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    class_: str = Field(alias="class", description="Class of the exception")
    message: str
    fingerprint: str = Field(description="Equal for failures of one cause")
    retryable: bool = Field(description="Whether another try may help")
    traceback: str | None = Field(default=None, description="For admins only")


class Job(BaseModel):
    """A job."""

    id: int
    kind: str
    state: JobState
    attempt: int = Field(ge=0, description="Tries so far")
    max_attempts: int
    progress: dict[str, Any] = Field(
        description="Counters of the job; a parent's are the sums of its children's, "
        "`children` counts these by state"
    )
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobDetail(Job):
    """A job with what it was asked and what it answered."""

    queue: str
    args: dict[str, Any]
    result: dict[str, Any] | None
    parent_id: int | None
    children: dict[JobState, int] = Field(description="Children by state")
    priority: int = Field(description="Lower numbers run first")
    run_at: datetime = Field(description="Not before this time")
    created_by: str | None = Field(description="User, or job:<id>")
    request_id: str | None
    version: int = Field(description="Of the arguments")
    worker: str | None = Field(description="Who runs it, or ran it last")
    claimed_at: datetime | None = Field(description="When the last attempt began")
    cancel_requested_at: datetime | None = Field(
        description="When it was cancelled; one that ran then ends a moment later"
    )
    replay_of: int | None = Field(description="The job whose work this one does again")
    replaced_by: int | None = Field(description="The job that replays this one")
    dedupe_key: str | None = Field(description="At most one live job has it")

    def brief(self) -> Job:
        """As lists show it."""
        return Job.model_validate(self.model_dump(include=set(Job.model_fields)))


class JobList(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[Job]
    pagination: Pagination
