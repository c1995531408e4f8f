"""Shapes of what admins read: the audit trail and the usage."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.common.http.fields import Moment
from services.common.paging import Pagination

Text = Annotated[str, Field(min_length=1, max_length=255)]


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    page: int = Field(default=1, ge=1, le=1_000_000_000, description="Page, from 1")
    limit: int = Field(default=20, ge=1, le=100, description="Items a page")


class AuditQuery(_Page):
    """Query of the audit trail."""

    subject: Text | None = Field(default=None, description="User, or job:<id>")
    action: Text | None = Field(default=None, description="For instance claim")
    entity: Text | None = Field(default=None, description="For instance prospect")
    entity_id: Text | None = None
    since: Moment | None = Field(default=None, description="Not before this time")


class AuditEntry(BaseModel):
    """A change: who, what, when, and the values before and after."""

    id: int
    at: datetime
    subject: str = Field(description="User, or job:<id>")
    action: str
    entity: str
    entity_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None


class AuditList(BaseModel):
    """A page of changes, newest first."""

    audit: list[AuditEntry]
    pagination: Pagination


class UsageQuery(_Page):
    """Query of the usage."""

    subject: Text | None = Field(default=None, description="User")
    endpoint: Text | None = Field(default=None, description="For instance GET /api/prospects/{id}")
    since: Moment | None = Field(default=None, description="Hours that begin then or later")


class UsageEntry(BaseModel):
    """What one user asked of one endpoint in one hour."""

    subject: str
    endpoint: str
    hour: datetime
    requests: int
    errors: int = Field(description="Of these, answered with 400 or above")
    duration_ms: int = Field(description="Summed duration")


class UsageList(BaseModel):
    """A page of usage, latest hour first."""

    usage: list[UsageEntry]
    pagination: Pagination
