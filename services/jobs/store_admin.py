"""Reads the audit trail and the usage."""

from pathlib import Path

from services.common.db import Database
from services.common.paging import Pagination
from services.common.sql import load
from services.jobs.models_admin import (
    AuditEntry,
    AuditList,
    AuditQuery,
    UsageEntry,
    UsageList,
    UsageQuery,
)

Q = load(Path(__file__).with_name("queries.sql"))


async def audit(db: Database, query: AuditQuery) -> AuditList:
    """Changes that match, newest first."""
    filters = (query.subject, query.action, query.entity, query.entity_id, query.since)
    total = await db.fetchval(Q["audit_count"], *filters)
    offset = (query.page - 1) * query.limit
    rows = await db.fetch(Q["audit_page"], *filters, query.limit, offset)
    return AuditList(
        audit=[AuditEntry.model_validate(dict(row)) for row in rows],
        pagination=Pagination.of(query.page, query.limit, total),
    )


async def usage(db: Database, query: UsageQuery) -> UsageList:
    """Sums that match, latest hour first."""
    filters = (query.subject, query.endpoint, query.since)
    total = await db.fetchval(Q["usage_count"], *filters)
    offset = (query.page - 1) * query.limit
    rows = await db.fetch(Q["usage_page"], *filters, query.limit, offset)
    return UsageList(
        usage=[UsageEntry.model_validate(dict(row)) for row in rows],
        pagination=Pagination.of(query.page, query.limit, total),
    )
