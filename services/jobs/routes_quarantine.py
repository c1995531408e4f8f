"""Addresses of the quarantine and the sources: look, fix and replay, discard."""

from aiohttp import web

from services.common.context import Principal
from services.common.errors import Conflict, NotFound
from services.common.http.app import DB
from services.common.http.routes import Routes
from services.common.types import Role
from services.jobs import service, store_quarantine
from services.jobs.models import Job
from services.jobs.models_quarantine import (
    DiscardRequest,
    QuarantineEntry,
    QuarantineList,
    QuarantinePath,
    QuarantineQuery,
    ReplayRequest,
    SourceList,
)
from services.jobs.routes import accepted

routes = Routes("/api/jobs", tag="quarantine")
CURATORS = frozenset({Role.ADMIN, Role.ANALYST})


@routes.get("/quarantine")
async def list_quarantine(request: web.Request, query: QuarantineQuery) -> QuarantineList:
    """Rows that no parser could read and that match every given filter, newest first."""
    return await store_quarantine.page(request.app[DB], query)


@routes.get("/quarantine/{id}", errors=(NotFound,))
async def get_quarantine(request: web.Request, path: QuarantinePath) -> QuarantineEntry:
    """One row with the reason why it cannot be read."""
    return await store_quarantine.get(request.app[DB], path.id)


@routes.post(
    "/quarantine/{id}/replay",
    roles=CURATORS,
    status=202,
    response=Job,
    errors=(NotFound, Conflict),
    idempotent=True,
)
async def replay_quarantine(
    request: web.Request, principal: Principal, path: QuarantinePath, body: ReplayRequest
) -> web.StreamResponse:
    """Read the row again, corrected or as the register has it now, with its whole document.

    The entry becomes `replayed` when the job succeeded; where the row is still bad the job is
    dead and the entry stays open with the new reason. A correction is used in place of the row
    whenever the register serves it again.
    """
    entry = await store_quarantine.get(request.app[DB], path.id)
    job = service.replay(entry.id, entry.register_, body)
    return accepted(principal, await store_quarantine.replay(request.app[DB], entry, job))


@routes.post(
    "/quarantine/{id}/discard", roles=CURATORS, errors=(NotFound, Conflict), idempotent=True
)
async def discard_quarantine(
    request: web.Request, path: QuarantinePath, body: DiscardRequest
) -> QuarantineEntry:
    """Close an open entry without reading it."""
    return await store_quarantine.discard(request.app[DB], path.id, body.reason)


@routes.get("/sources")
async def list_sources(request: web.Request, principal: Principal) -> SourceList:
    """Registers and other sources: how far each was read, its last run and its open bad rows."""
    found = await store_quarantine.sources(request.app[DB])
    for source in found.sources:
        if source.last_run:
            source.last_run = service.shown_to(principal, source.last_run)
    return found
