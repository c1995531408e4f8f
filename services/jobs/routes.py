"""Addresses of the jobs service: ask for work, look at it. All four roles may look."""

from aiohttp import web

from services.common.context import Principal
from services.common.errors import NotFound
from services.common.http.app import DB
from services.common.http.routes import Options, Routes, encode
from services.common.jobs import NewJob
from services.jobs import service, store
from services.jobs.models import (
    EnrichmentRequest,
    IngestionRequest,
    Job,
    JobDetail,
    JobList,
    JobPath,
    ListQuery,
    ScoringRequest,
)

routes = Routes("/api/jobs", tag="jobs")
ASKING = Options(roles=service.REQUESTERS, status=202, response=Job, idempotent=True)


@routes.post("/ingestion", **ASKING)
async def request_ingestion(
    request: web.Request, principal: Principal, body: IngestionRequest
) -> web.StreamResponse:
    """Read a register; while the same run is live, the answer is that run."""
    return await _accepted(request, principal, service.ingestion(body))


@routes.post("/enrichment", **ASKING)
async def request_enrichment(
    request: web.Request, principal: Principal, body: EnrichmentRequest
) -> web.StreamResponse:
    """Enrich prospects."""
    return await _accepted(request, principal, service.enrichment(body))


@routes.post("/scoring", **ASKING)
async def request_scoring(
    request: web.Request, principal: Principal, body: ScoringRequest
) -> web.StreamResponse:
    """Score prospects."""
    return await _accepted(request, principal, service.scoring(body))


@routes.get("")
async def list_jobs(request: web.Request, principal: Principal, query: ListQuery) -> JobList:
    """Jobs that match every given filter, newest first. A page beyond the last is empty."""
    found = await store.page(request.app[DB], query)
    jobs = [service.shown_to(principal, job) for job in found.jobs]
    return JobList(jobs=jobs, pagination=found.pagination)


@routes.get("/{id}", errors=(NotFound,))
async def get_job(request: web.Request, principal: Principal, path: JobPath) -> JobDetail:
    """One job, with its arguments, result and children."""
    return service.shown_to(principal, await store.get(request.app[DB], path.id))


async def _accepted(request: web.Request, principal: Principal, new: NewJob) -> web.StreamResponse:
    return accepted(principal, await store.create(request.app[DB], new))


def accepted(principal: Principal, job: JobDetail) -> web.StreamResponse:
    """202 with the job and where to find it."""
    response = encode(service.shown_to(principal, job).brief(), 202)
    response.headers["Location"] = f"/api/jobs/{job.id}"
    return response
