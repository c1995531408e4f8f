"""What a list request may ask: filters, order, page or cursor.

Export takes the same filters.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.common.http.fields import WHOLE, Day
from services.common.types import Industry, State
from services.prospects.evidence import Mca
from services.prospects.models import Grade, Score, SignalType

SortBy = Literal["priority_score", "created_at", "company_name"]
SortOrder = Literal["asc", "desc"]
StatusFilter = Literal[
    "all", "unclaimed", "claimed", "contacted", "qualified", "converted", "dead", "active"
]
Points = Annotated[Score, WHOLE]
MAX_PAGE = 1_000_000_000
COUNTED = frozenset({"state", "industry", "status", "min_score", "max_score"})
"""Filters whose totals are known without counting."""


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class ProspectFilters(BaseModel):
    """Which prospects: every filter that is given must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Annotated[State, BeforeValidator(_upper)] | None = Field(
        default=None, description="State or territory of the filing office; upper or lower case"
    )
    industry: Industry | None = Field(default=None, description="Industry, corrected or inferred")
    min_score: Points | None = Field(default=None, description="Least priority score")
    max_score: Points | None = Field(default=None, description="Highest priority score")
    status: StatusFilter = Field(default="all", description="Place in the sales pipeline")
    mca: Mca | None = Field(default=None, description="Evidence of merchant cash advances")
    stacked: bool | None = Field(
        default=None, description="Two or more open MCA filings of the last 18 months"
    )
    renewal_due: bool | None = Field(
        default=None, description="A bank lien lapses in 3 to 12 months and was not continued"
    )
    renewal_from: Day | None = Field(
        default=None, description="The bank lien to renew lapses on this day or later"
    )
    renewal_before: Day | None = Field(
        default=None, description="The bank lien to renew lapses before this day"
    )
    distress: bool | None = Field(default=None, description="Open tax or judgment liens")
    health_grade: Grade | None = Field(default=None, description="Grade of the health score")
    signal_type: SignalType | None = Field(
        default=None, description="Has a growth signal or violation of this type"
    )
    lender: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Lender, aliases resolved, upper or lower case; a `*` at the end: any name "
        "that begins so",
    )
    q: str | None = Field(
        default=None, min_length=3, max_length=200, description="Part of the company's name"
    )


class ListQuery(ProspectFilters):
    """Query of the list: filters, page and order."""

    page: int = Field(default=1, ge=1, le=MAX_PAGE, description="Page, from 1; not with a cursor")
    cursor: str | None = Field(
        default=None,
        min_length=1,
        max_length=6000,
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$"},
        description="`next` of the page before, asked with the same filters and order",
    )
    limit: int = Field(default=20, ge=1, le=100, description="Prospects a page")
    sort_by: SortBy = Field(default="priority_score", description="Field to sort by; ties go by id")
    sort_order: SortOrder = Field(default="desc", description="Ascending or descending")
