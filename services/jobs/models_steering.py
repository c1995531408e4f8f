"""Shapes of what a person does to jobs, and of what is kept about their failures."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.common.http.fields import WHOLE, Moment
from services.jobs.models import JobError, Matching, Name

Action = Literal["retry", "cancel", "prioritise", "delete"]
Priority = Annotated[int, Field(ge=-1000, le=1000), WHOLE]
Rank = Field(default=None, description="Lower numbers run first")
Why = Field(default=None, min_length=1, max_length=1000, description="Why, for the audit trail")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reason(_Body):
    """Why something is done."""

    reason: str | None = Why


class ReplayJob(_Body):
    """How to do the work of a job again."""

    args: dict[str, Any] | None = Field(
        default=None, max_length=100, description="Arguments instead of the job's own"
    )
    reason: str | None = Why


class ChangeJob(_Body):
    """What a job that waits may be given; only fields that are given are changed."""

    priority: Priority | None = Rank
    run_at: Moment | None = Field(default=None, description="Not before this time")
    reason: str | None = Why


class BulkRequest(_Body):
    """What to do to every job that matches now, and is in a state that allows it."""

    action: Action
    filter: Matching = Field(description="At least one field")
    priority: Priority | None = Rank
    rate: float | None = Field(
        default=None, gt=0, le=10_000, description="Most jobs a second; without it no limit"
    )
    reason: str | None = Why

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.filter.model_dump(exclude_none=True):
            raise ValueError("filter needs at least one field")
        if (self.action == "prioritise") != (self.priority is not None):
            raise ValueError("priority goes with prioritise, and only with it")
        return self


class Moved(BaseModel):
    """The jobs that were changed, children and parents included."""

    jobs: list[int]


class DeadQuery(_Body):
    """Query of the groups of dead jobs."""

    kind: Name | None = None
    queue: Name | None = None
    limit: int = Field(default=50, ge=1, le=500, description="Groups at most")


class DeadGroup(BaseModel):
    """Dead jobs of one kind with one cause."""

    fingerprint: str | None = Field(description="Equal for failures of one cause")
    kind: str
    queue: str
    jobs: int
    error_class: str | None
    message: str | None = Field(description="Of the last of them")
    last_id: int
    first_at: datetime
    last_at: datetime


class DeadList(BaseModel):
    """What jobs died of, the most frequent cause first."""

    dead: list[DeadGroup]


class Attempt(BaseModel):
    """An attempt that did not succeed."""

    attempt: int
    outcome: Literal["retryable", "dead", "cancelled"]
    worker: str | None
    started_at: datetime | None
    ended_at: datetime
    error: JobError | None


class AttemptList(BaseModel):
    """Attempts that did not succeed, oldest first; they stay when the job starts over."""

    attempts: list[Attempt]


class LogQuery(_Body):
    """Query of a log."""

    after: int = Field(default=0, ge=0, le=2**31 - 1, description="Only lines after this one")
    limit: int = Field(default=500, ge=1, le=500, description="Lines at most")


class LogLine(BaseModel):
    """What a job has told while it ran."""

    line: int
    at: datetime
    attempt: int
    level: Literal["info", "warning", "error"]
    message: str


class Log(BaseModel):
    """Lines in order; a job keeps its last 500."""

    log: list[LogLine]
