"""Shapes of the prospects API: what a request may ask and what an answer holds.

The answers are made as JSON by PostgreSQL (queries.sql); the models here document them in
OpenAPI, and tests hold real answers against them.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.common.types import Industry, State, Status
from services.prospects.evidence import Evidence, Filing, Lender, Mca

Grade = Literal["A", "B", "C", "D", "F"]
SortBy = Literal["priority_score", "created_at", "company_name"]
SortOrder = Literal["asc", "desc"]
StatusFilter = Literal[
    "all", "unclaimed", "claimed", "contacted", "qualified", "converted", "dead", "active"
]
Score = Annotated[int, Field(ge=0, le=100)]
MAX_PAGE = 1_000_000_000


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class ProspectFilters(BaseModel):
    """Which prospects: every filter that is given must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Annotated[State, BeforeValidator(_upper)] | None = Field(
        default=None, description="State or territory of the filing office; upper or lower case"
    )
    industry: Industry | None = Field(default=None, description="Industry, corrected or inferred")
    min_score: Score | None = Field(default=None, description="Least priority score")
    max_score: Score | None = Field(default=None, description="Highest priority score")
    status: StatusFilter = Field(default="all", description="Place in the sales pipeline")
    mca: Mca | None = Field(default=None, description="Evidence of merchant cash advances")
    stacked: bool | None = Field(
        default=None, description="Two or more open MCA filings of the last 18 months"
    )
    renewal_due: bool | None = Field(
        default=None, description="A bank lien lapses in 3 to 12 months and was not continued"
    )
    distress: bool | None = Field(default=None, description="Open tax or judgment liens")


class ListQuery(ProspectFilters):
    """Query of the list: filters, page and order."""

    page: int = Field(default=1, ge=1, le=MAX_PAGE, description="Page, from 1")
    limit: int = Field(default=20, ge=1, le=100, description="Prospects a page")
    sort_by: SortBy = Field(default="priority_score", description="Field to sort by; ties go by id")
    sort_order: SortOrder = Field(default="desc", description="Ascending or descending")


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


class Pagination(BaseModel):
    """Where the page stands."""

    page: int
    limit: int
    total: int = Field(description="Prospects that match the filters")
    totalPages: int


class ProspectList(BaseModel):
    """A page of prospects."""

    prospects: list[ProspectItem]
    pagination: Pagination


class Component(BaseModel):
    """One addend of a score."""

    name: str
    points: int
    reason: str


class Health(BaseModel):
    """The latest health score: 70 + signals - violations, and how it came about."""

    as_of: date
    score: Score
    grade: Grade
    signals: int
    violations: int
    components: list[Component]


class Signal(BaseModel):
    """A growth signal or violation."""

    type: Literal["equipment", "contract", "permit", "hiring", "expansion", "violation"]
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


class Prospect(ProspectItem):
    """A prospect with everything that speaks for it."""

    names_as_filed: list[NameAsFiled]
    trade_names: list[str]
    addresses: list[Address] = Field(description="The most frequent first")
    score_components: list[Component] = Field(description="Addends of priority_score")
    health: Health | None
    signals: list[Signal] = Field(description="Newest first, at most 100")
    filings: list[Filing] = Field(description="Newest first, at most 200")
