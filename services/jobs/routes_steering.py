"""Addresses of what a person does to jobs: start over, replay, cancel, one or all that match."""

from aiohttp import web

from services.common.context import Principal
from services.common.errors import Conflict, NotFound
from services.common.http.app import DB
from services.common.http.routes import Routes
from services.common.types import Role
from services.jobs import service, store_steering
from services.jobs.models import Job, JobDetail, JobPath
from services.jobs.models_steering import (
    AttemptList,
    BulkRequest,
    ChangeJob,
    DeadList,
    DeadQuery,
    Log,
    LogQuery,
    Moved,
    Reason,
    ReplayJob,
)
from services.jobs.routes import accepted

routes = Routes("/api/jobs", tag="jobs")
ADMINS = frozenset({Role.ADMIN})
OPERATORS = frozenset({Role.ADMIN, Role.ANALYST})


@routes.get("/dead")
async def list_dead(request: web.Request, query: DeadQuery) -> DeadList:
    """What jobs died of: one line a cause, the most frequent first."""
    return await store_steering.dead(request.app[DB], query)


@routes.post("/bulk", roles=ADMINS, status=202, response=Job, idempotent=True)
async def bulk(request: web.Request, principal: Principal, body: BulkRequest) -> web.StreamResponse:
    """Start over, cancel, prioritise or delete all jobs that match, as a job with progress.

    `GET /api/jobs` with the same filter tells beforehand which these are. Jobs made later are
    left alone; those in a state that does not allow the action are counted as skipped.
    """
    job = await store_steering.bulk(request.app[DB], service.bulk(body), body.reason)
    return accepted(principal, job)


@routes.get("/{id}/attempts", errors=(NotFound,))
async def list_attempts(request: web.Request, principal: Principal, path: JobPath) -> AttemptList:
    """Attempts that did not succeed, also those from before the job was started over."""
    found = await store_steering.attempts(request.app[DB], path.id)
    for attempt in found.attempts:
        attempt.error = service.error_shown_to(principal, attempt.error)
    return found


@routes.get("/{id}/log", errors=(NotFound,))
async def get_log(request: web.Request, path: JobPath, query: LogQuery) -> Log:
    """What the job has told while it ran."""
    return await store_steering.log(request.app[DB], path.id, query)


@routes.post(
    "/{id}/retry", roles=OPERATORS, errors=(NotFound, Conflict), response=Moved, idempotent=True
)
async def retry_job(request: web.Request, path: JobPath, body: Reason) -> Moved:
    """Start a dead, cancelled or waiting job over, with its failed children."""
    return Moved(jobs=await store_steering.rerun(request.app[DB], path.id, body.reason))


@routes.post(
    "/{id}/cancel", roles=OPERATORS, errors=(NotFound, Conflict), response=Moved, idempotent=True
)
async def cancel_job(request: web.Request, path: JobPath, body: Reason) -> Moved:
    """Cancel a job and its children: at once what waits, within seconds what runs."""
    return Moved(jobs=await store_steering.cancel(request.app[DB], path.id, body.reason))


@routes.post(
    "/{id}/replay", roles=ADMINS, status=202, response=Job, errors=(NotFound, Conflict),
    idempotent=True,
)  # fmt: skip
async def replay_job(
    request: web.Request, principal: Principal, path: JobPath, body: ReplayJob
) -> web.StreamResponse:
    """Do the work of a final job again, as a new job; the old one keeps its record."""
    job = await store_steering.replay(request.app[DB], path.id, body.args, body.reason)
    return accepted(principal, job)


@routes.patch("/{id}", roles=ADMINS, errors=(NotFound, Conflict))
async def change_job(
    request: web.Request, principal: Principal, path: JobPath, body: ChangeJob
) -> JobDetail:
    """Give a job that waits another priority or time."""
    return service.shown_to(principal, await store_steering.change(request.app[DB], path.id, body))
