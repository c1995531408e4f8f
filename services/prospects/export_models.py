"""What a request for an export may say, and what is told of one that a job makes."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.prospects.filters import ProspectFilters

Format = Literal["csv", "json", "xlsx"]
MOST_IDS = 50_000
COLUMNS = (
    *("company_name", "state", "address", "city", "address_state", "zip"),
    *("lenders", "mca", "mca_evidence", "stack_depth", "stack_certain", "renewal_on", "distress"),
    *("priority_score", "health_score", "health_grade", "industry"),
    *("filings", "open_filings", "last_filing_date", "lien_amount"),
    *("status", "claimed_by", "claimed_at", "created_at", "id"),
)
"""Columns of every export, in their order: those of the view `prospect_sheet`."""


class ExportRequest(BaseModel):
    """Which prospects, and as what: either `prospect_ids` or `filter`."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["prospect_ids"]}, {"required": ["filter"]}]},
    )

    format: Format
    prospect_ids: list[UUID] = Field(
        default_factory=list,
        min_length=1,
        max_length=MOST_IDS,
        description="These prospects; one named twice counts once",
    )
    filter: ProspectFilters = Field(
        default_factory=ProspectFilters,
        description="All prospects that match, by the filters of the list; {} is all there are",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if len(self.model_fields_set & {"prospect_ids", "filter"}) != 1:
            raise ValueError("give either prospect_ids or filter")
        return self


class ExportPath(BaseModel):
    """Path of one export."""

    id: UUID = Field(description="Id of the export")


class ExportFile(BaseModel):
    """A file that a job makes."""

    id: UUID
    format: Format
    state: Literal["queued", "running", "ready", "failed"]
    rows: int = Field(description="Prospects in it, chosen when it was asked for")
    size: int | None = Field(description="Bytes, once it is ready")
    job_id: int | None = Field(description="The job that makes it: GET /api/jobs/{job_id}")
    download: str = Field(description="Address of the file; it answers 409 before it is ready")
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime = Field(description="Until when the file is kept: a day")
