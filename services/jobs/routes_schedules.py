"""Addresses of the schedules: what runs when, edit, run now, history."""

from aiohttp import web

from services.common.context import Principal
from services.common.errors import NotFound
from services.common.http.app import DB
from services.common.http.routes import Routes
from services.common.types import Role
from services.jobs import store_schedules
from services.jobs.models import Job
from services.jobs.models_schedules import (
    EditSchedule,
    RunList,
    RunsQuery,
    Schedule,
    ScheduleList,
    SchedulePath,
)
from services.jobs.plan import BadSchedule
from services.jobs.routes import accepted

routes = Routes("/api/jobs/schedules", tag="schedules")
ADMINS = frozenset({Role.ADMIN})


@routes.get("")
async def list_schedules(request: web.Request) -> ScheduleList:
    """All schedules: when they run, when they ran, what became of it."""
    return await store_schedules.every(request.app[DB])


@routes.patch("/{name}", roles=ADMINS, errors=(NotFound, BadSchedule))
async def edit_schedule(request: web.Request, path: SchedulePath, body: EditSchedule) -> Schedule:
    """Change when and how a schedule runs; nothing that it missed before is made up for."""
    return await store_schedules.edit(request.app[DB], path.name, body)


@routes.post(
    "/{name}/run", roles=ADMINS, status=202, response=Job, errors=(NotFound,), idempotent=True
)
async def run_schedule(
    request: web.Request, principal: Principal, path: SchedulePath
) -> web.StreamResponse:
    """Run it now, whether it is enabled or not; its next run stays where it is."""
    return accepted(principal, await store_schedules.run_now(request.app[DB], path.name))


@routes.get("/{name}/runs", errors=(NotFound,))
async def list_runs(request: web.Request, path: SchedulePath, query: RunsQuery) -> RunList:
    """What ran, latest first, and what was skipped."""
    return await store_schedules.runs(request.app[DB], path.name, query)
