"""Shapes of the quarantine and of the sources of data."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.common.paging import Pagination
from services.jobs.models import MAX_ID, Job

QuarantineState = Literal["open", "replayed", "discarded"]
Whole = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Number = Annotated[float, Field(ge=-(2**63), le=2**63, allow_inf_nan=False)]
Scalar = str | bool | Whole | Number | None
Cell = Scalar | list[Scalar] | dict[str, Scalar]


class QuarantineQuery(BaseModel):
    """Query of the quarantine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    register_: str | None = Field(
        default=None,
        alias="register",
        pattern="^[a-z][a-z0-9_]{0,19}$",
        description="For instance co",
    )
    state: QuarantineState | None = None
    reason: str | None = Field(
        default=None, min_length=1, max_length=200, description="Text within the reason"
    )
    page: int = Field(default=1, ge=1, le=1_000_000_000, description="Page, from 1")
    limit: int = Field(default=20, ge=1, le=100, description="Entries a page")


class QuarantinePath(BaseModel):
    """Path of one entry."""

    id: int = Field(ge=1, le=MAX_ID, description="Id of the entry")


class ReplayRequest(BaseModel):
    """How to replay an entry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    row: Annotated[dict[str, Cell], Field(min_length=1, max_length=500)] | None = Field(
        default=None,
        description="The whole row as it should be, in the register's columns; without it the "
        "row is read again as the register has it",
    )


class DiscardRequest(BaseModel):
    """Why an entry is not worth more work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str = Field(min_length=1, max_length=1000)


class QuarantineEntry(BaseModel):
    """A row of a register that could not be read."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    id: int
    register_: str = Field(alias="register")
    dataset: str = Field(description="Data set of the register")
    row_key: str = Field(description="Number of the document, where it is known")
    row_text: str = Field(description="The row as the register sent it")
    reason: str = Field(description="Why it cannot be read")
    state: QuarantineState
    corrected_row: dict[str, Any] | None = Field(description="What is read in its place")
    note: str | None = Field(description="Why it was discarded")
    job_id: int | None = Field(description="Job that met it")
    replay_job_id: int | None = Field(description="Job that replayed it last")
    created_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None


class QuarantineList(BaseModel):
    """A page of entries, newest first."""

    quarantine: list[QuarantineEntry]
    pagination: Pagination


class Source(BaseModel):
    """A source of data and how far it was read."""

    name: str
    kind: Literal["register", "enrichment"]
    enabled: bool = Field(description="Whether it is asked where it is configured")
    configured: bool = Field(description="Whether it has the keys and the like that it needs")
    note: str | None = Field(description="Why it is not asked")
    monthly_quota: int | None = Field(description="Requests a month; null: no limit")
    quota_used: int = Field(description="Requests of this month (UTC), where they are limited")
    covered_until: date | None = Field(description="Filing date up to which it was read")
    last_started_at: datetime | None
    last_success_at: datetime | None
    last_error: str | None = Field(description="Of the last run or batch, where that failed")
    open_quarantine: int = Field(description="Rows that wait for a person")
    last_run: Job | None


class SourceList(BaseModel):
    """All sources by name."""

    sources: list[Source]
