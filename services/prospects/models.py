"""Shapes of the prospects API: what an answer holds (filters.py and forms.py: what one may ask).

The answers are made as JSON by PostgreSQL (queries.sql); the models here document them in
OpenAPI, and tests hold real answers against them.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.common.types import Industry, State, Status
from services.prospects.evidence import Evidence, Filing, Lender, Mca

Grade = Literal["A", "B", "C", "D", "F"]
SignalType = Literal["equipment", "contract", "permit", "hiring", "expansion", "violation"]
Trend = Literal["improving", "stable", "declining"]
Score = Annotated[int, Field(ge=0, le=100)]


class ProspectPath(BaseModel):
    """Path of one prospect."""

    id: UUID = Field(description="Id of the prospect")


class ProspectItem(BaseModel):
    """A prospect in the list."""

    id: UUID
    company_name: str = Field(description="As corrected by a person, else as filed")
    state: State = Field(description="State of the filing office")
    industry: Industry | None = Field(description="As corrected by a person, else inferred")
    industry_confidence: float | None = Field(ge=0, le=1)
    status: Status
    claimed_by: str | None
    claimed_at: datetime | None
    priority_score: Score
    health_score: Score | None
    health_grade: Grade | None
    mca: Mca = Field(description="Merchant cash advances: certain, possible (inferred) or none")
    stack_depth: int = Field(
        ge=0, description="Open MCA filings, certain and possible, of the last 18 months"
    )
    stack_certain: int = Field(ge=0, description="How many of them are certain")
    renewal_due: bool
    renewal_on: date | None = Field(description="Day the bank lien to renew lapses")
    distress: bool = Field(description="Open tax or judgment liens")
    lenders: list[Lender]
    filing_count: int = Field(ge=0)
    open_filing_count: int = Field(ge=0)
    filing_date: date | None = Field(description="Day of the latest filing of a lender")
    lien_amount: float | None = Field(description="US dollars, where the register tells")
    evidence: Evidence
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="Rises with every change; the number in the ETag")


class ProspectRow(ProspectItem):
    """A prospect after a change: the list's fields and the notes."""

    notes: str | None


class Pagination(BaseModel):
    """Where the page stands."""

    page: int | None = Field(description="This page, from 1; null where a cursor was given")
    limit: int
    total: int = Field(
        description="Prospects that match the filters: as of at most 2 s ago for state, industry, "
        "status and scores alone, else as of now; with a cursor as of its first page"
    )
    total_is_estimate: bool = Field(
        description="Whether `total` is PostgreSQL's estimate: other filters, more than 10,000"
    )
    totalPages: int


class ProspectList(BaseModel):
    """A page of prospects."""

    prospects: list[ProspectItem]
    pagination: Pagination
    next: str | None = Field(description="Cursor of the page after this one; null at the end")


class Component(BaseModel):
    """One addend of a score."""

    name: str
    points: int
    reason: str


class Health(BaseModel):
    """The health of a day: 70 + growth signals - violations - liens, and how it came about."""

    as_of: date
    score: Score
    grade: Grade
    sentiment_trend: Trend | None = Field(
        description="Against what the same facts showed 90 days before: 4 points or more up, down, "
        "or neither; null where it was not judged yet"
    )
    trend_reason: str | None
    signals: int = Field(ge=0, description="Growth signals of the 540 days up to as_of")
    violations: int = Field(ge=0, description="Violations of the five years up to as_of")
    liens: int = Field(ge=0, description="Tax and judgment liens open at as_of")
    components: list[Component] = Field(description="Addends of the score")


class HealthHistory(BaseModel):
    """The health of a prospect day by day, the newest first; a day nobody scored has none."""

    health: list[Health]
    next: date | None = Field(description="Value of `before` for older days; null at the end")


class Signal(BaseModel):
    """A growth signal or violation."""

    type: SignalType
    source: str
    source_key: str
    observed_on: date | None
    title: str
    amount: float | None = Field(description="US dollars")
    confidence: float = Field(ge=0, le=1)
    evidence: Any


class NameAsFiled(BaseModel):
    """A spelling of the name, and how many filings have it."""

    name: str
    filings: int


class Address(BaseModel):
    """An address as filed, and how many filings have it; `state` is that of the address."""

    address1: str | None
    address2: str | None
    city: str | None
    state: str | None
    zip: str | None
    filings: int


class Prospect(ProspectRow):
    """A prospect with everything that speaks for it."""

    names_as_filed: list[NameAsFiled]
    trade_names: list[str]
    addresses: list[Address] = Field(description="The most frequent first")
    score_components: list[Component] = Field(description="Addends of priority_score")
    health: Health | None = Field(description="Of the latest day")
    signals: list[Signal] = Field(description="Newest first, at most 100")
    filings: list[Filing] = Field(description="Newest first, at most 200")


class ClaimResult(BaseModel):
    """What became of one prospect of a batch."""

    prospect_id: UUID
    success: bool
    error: str | None = Field(description="Why it was not claimed")


class BatchClaim(BaseModel):
    """What became of a batch: a result a prospect, in the order they were first named."""

    claimed: int
    failed: int
    results: list[ClaimResult]


class Change(BaseModel):
    """An entry of the audit trail: the fields that changed, before and after."""

    id: int
    at: datetime
    subject: str = Field(description="User, or job:<id>")
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None


class History(BaseModel):
    """Changes of a prospect, newest first."""

    history: list[Change]
    next: int | None = Field(description="Value of `before` for older changes; null at the end")
