"""Shapes of the schedules: what runs when, what a person may change, what ran."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.jobs.models import JobState, Name

Policy = Literal["skip", "run_once", "run_all"]
Cause = Literal["due", "missed", "after", "hand"]


class SchedulePath(BaseModel):
    """Path of one schedule."""

    name: str = Field(min_length=1, max_length=100, description="Name of the schedule")


class EditSchedule(BaseModel):
    """What to change of a schedule; only fields that are given are changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cron: str = Field(
        default="0 2 * * *",
        min_length=1,
        max_length=100,
        description="minute hour day month weekday",
    )
    timezone: str = Field(
        default="UTC", min_length=1, max_length=60, description="For instance America/Denver"
    )
    missed_policy: Policy = Field(
        default="run_once",
        description="What happens to runs missed while nothing ran: none, the last, or all",
    )
    after_kind: Name | None = Field(
        default=None, description="Runs as well when a job of this kind has succeeded"
    )
    args: dict[str, Any] = Field(
        default_factory=dict,
        max_length=50,
        description="Of its jobs; `today` and `today-7d` become dates in its time zone",
    )
    enabled: bool = True


class Schedule(BaseModel):
    """A schedule and where it stands."""

    name: str
    kind: str
    queue: str
    args: dict[str, Any]
    cron: str
    timezone: str
    missed_policy: Policy
    after_kind: str | None
    enabled: bool
    problem: str | None = Field(description="Why it was switched off, if it cannot be read")
    next_run_at: datetime | None = Field(description="Null: a moment after it is made")
    last_run_at: datetime | None = Field(description="The time that its last run was due at")
    last_job_id: int | None
    last_state: JobState | None = Field(description="Of its last job, while that is kept")
    lag_s: float = Field(description="Seconds that its next run is late")


class ScheduleList(BaseModel):
    """All schedules, by name."""

    schedules: list[Schedule]


class RunsQuery(BaseModel):
    """Query of the history."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=50, ge=1, le=500, description="Runs at most")


class ScheduleRun(BaseModel):
    """A run, or one that was skipped."""

    cause: Cause = Field(description="due: in time; missed: made up for, or skipped without a job")
    due_at: datetime
    created_at: datetime
    created_by: str | None = Field(description="Who started it by hand")
    job_id: int | None = Field(description="Null: it was skipped")
    state: JobState | None = Field(description="Of its job, while that is kept")


class RunList(BaseModel):
    """Runs of a schedule, latest first; kept for 90 days."""

    runs: list[ScheduleRun]
