"""Addresses for admins: who changed what, and who asked for how much."""

from aiohttp import web

from services.common.http.app import DB
from services.common.http.routes import Routes
from services.common.types import Role
from services.jobs import store_admin
from services.jobs.models_admin import AuditList, AuditQuery, UsageList, UsageQuery

routes = Routes("/api/jobs", tag="admin")
ADMIN = frozenset({Role.ADMIN})


@routes.get("/audit", roles=ADMIN)
async def list_audit(request: web.Request, query: AuditQuery) -> AuditList:
    """Changes of all services that match every given filter, newest first."""
    return await store_admin.audit(request.app[DB], query)


@routes.get("/usage", roles=ADMIN)
async def list_usage(request: web.Request, query: UsageQuery) -> UsageList:
    """Requests by user, endpoint and hour, latest first; a few seconds behind."""
    return await store_admin.usage(request.app[DB], query)
