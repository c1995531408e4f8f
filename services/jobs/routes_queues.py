"""Addresses of the queues: what waits, pause and resume, limits."""

from aiohttp import web

from services.common.http.app import DB
from services.common.http.routes import Routes
from services.common.types import Role
from services.jobs import store_queues
from services.jobs.models_queues import PauseRequest, Queue, QueueLimits, QueueList, QueuePath

routes = Routes("/api/jobs/queues", tag="queues")
ADMINS = frozenset({Role.ADMIN})


@routes.get("")
async def list_queues(request: web.Request) -> QueueList:
    """All queues with what waits, runs and gave up, and their limits."""
    return await store_queues.every(request.app[DB])


@routes.patch("/{name}", roles=ADMINS)
async def limit_queue(request: web.Request, path: QueuePath, body: QueueLimits) -> Queue:
    """Limit a queue over all its workers; null takes a limit away."""
    return await store_queues.limit(request.app[DB], path.name, body)


@routes.post("/{name}/pause", roles=ADMINS)
async def pause_queue(request: web.Request, path: QueuePath, body: PauseRequest) -> Queue:
    """Begin no more jobs of a queue; what runs goes on, what is asked for waits."""
    return await store_queues.pause(request.app[DB], path.name, body.reason)


@routes.post("/{name}/resume", roles=ADMINS)
async def resume_queue(request: web.Request, path: QueuePath) -> Queue:
    """Begin jobs of a queue again."""
    return await store_queues.resume(request.app[DB], path.name)
