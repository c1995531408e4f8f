"""What a request that changes prospects may say."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.common.http.fields import Day, Moment
from services.common.types import Industry, State, Status
from services.prospects.filters import _upper

Name = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
Note = Annotated[str, Field(max_length=10_000)]
StateCode = Annotated[State, BeforeValidator(_upper)]
# numeric(14, 2) of the column
Amount = Annotated[float, Field(gt=0, le=999_999_999_999.99, description="US dollars")]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewProspect(_Form):
    """A prospect made by hand."""

    company_name: Name
    state: StateCode = Field(description="State or territory; upper or lower case")
    industry: Industry
    lien_amount: Amount | None = None
    filing_date: Moment | None = Field(
        default=None, description="Date-time with an offset; its day is kept"
    )


class ProspectPatch(_Form):
    """What is given changes, what is left out stays. Null withdraws what a person wrote."""

    company_name: Name | None = Field(
        default=None, description="Of a register's debtor: the correction of its name"
    )
    corrected_name: Name | None = Field(
        default=None, description="The name shown instead of the one filed"
    )
    industry: Industry | None = Field(
        default=None, description="The industry shown instead of the inferred one"
    )
    status: Status | None = Field(default=None, description="As the table of transitions allows")
    notes: Note | None = None
    lien_amount: Amount | None = None
    state: StateCode | None = Field(default=None, description="Only of a prospect made by hand")
    filing_date: Moment | None = Field(default=None, description="Only of a prospect made by hand")


class Contact(_Form):
    """How a contact went."""

    status: Literal["contacted", "qualified", "converted", "dead", "active"] = Field(
        default="contacted", description="As the table of transitions allows"
    )
    note: Note | None = Field(default=None, description="Added to the prospect's notes")


class ClaimMany(_Form):
    """Prospects to claim; one named twice counts once."""

    prospect_ids: list[UUID] = Field(min_length=1, max_length=1000)


class NoBody(_Form):
    """Nothing is asked: leave the body out or send {}."""


class HistoryQuery(_Form):
    """Which changes."""

    limit: int = Field(default=50, ge=1, le=200, description="Changes at once")
    before: int | None = Field(
        default=None, ge=1, le=2**63 - 1, description="`next` of the answer before"
    )


class HealthQuery(_Form):
    """Which days."""

    limit: int = Field(default=30, ge=1, le=366, description="Days at once")
    before: Day | None = Field(default=None, description="`next` of the answer before")


def day_of(moment: datetime | None) -> date | None:
    """The day as its writer meant it: in the offset that was given."""
    return moment.date() if moment else None
