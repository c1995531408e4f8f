"""Around every request: id, guard, deadline, problem+json, compression, metrics, access log."""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from functools import lru_cache
from time import perf_counter

from aiohttp import hdrs, web
from prometheus_client import Counter, Histogram

from services.common import context, metrics
from services.common.errors import AppError, DeadlineExceeded, Unavailable
from services.common.http import problems
from services.common.http.compression import compress
from services.common.http.guard import GUARD
from services.common.http.state import DEADLINE, HEALTH, REQUEST_ID, SETTINGS
from services.common.http.usage import USAGE

log = logging.getLogger("services.http")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_STOP_S = 0.5  # a database that is well ends a query in milliseconds
_QUIET = ("/health", "/metrics", "/api/health")


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer whatever happens, and leave a metric and a line in the log."""
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    request[REQUEST_ID] = request_id
    # both are set anew by every request, so what follows this one on its connection is safe
    context.request_id.set(request_id)
    context.principal.set(None)
    started, status = perf_counter(), 500
    metrics.http_in_flight.inc()
    try:
        response = await _answer(request, handler)
        await compress(request, response)
        status = response.status
    except web.HTTPException as redirect:
        status = redirect.status
        raise
    finally:
        metrics.http_in_flight.dec()
        _record(request, status, perf_counter() - started)
    if request.app[HEALTH].draining:
        response.force_close()
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204)
    limit = request.app[SETTINGS].request_deadline_s
    try:
        async with asyncio.timeout(limit) as deadline:
            request[DEADLINE] = deadline
            if guard := request.app.get(GUARD):
                await guard.admit(request)
            return await handler(request)
    except Exception as exc:
        if isinstance(exc, web.HTTPException) and exc.status < 400:
            raise
        if deadline.expired():
            late = asyncio.get_running_loop().time() - (deadline.when() or 0)
            return problems.respond(request, await _too_late(request, late))
        return problems.respond(request, exc)


async def _too_late(request: web.Request, late_s: float) -> AppError:
    """Whose fault it was: of a part that is silent, even when told to stop, or of the work."""
    health, limit = request.app[HEALTH], request.app[SETTINGS].request_deadline_s
    if late_s > _STOP_S or (await health.report(health.ready)).status == "unavailable":
        return Unavailable("The service waited for a part that does not answer", retry_after=2)
    return DeadlineExceeded(f"The work took longer than {limit:g} s and was cancelled")


def _record(request: web.Request, status: int, seconds: float) -> None:
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unmatched"
    method = request.method if request.method in hdrs.METH_ALL else "other"
    counter, histogram = _meters(route, method, status)
    counter.inc()
    histogram.observe(seconds)
    if (user := context.principal.get()) and (usage := request.app.get(USAGE)) is not None:
        usage.note(user.sub, f"{method} {route}", seconds, failed=status >= 400)
    level = logging.DEBUG if route.startswith(_QUIET) else logging.INFO
    if log.isEnabledFor(level):
        caller, guard = context.principal.get(), request.app.get(GUARD)
        fields = {
            "method": request.method,
            "path": request.path,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 3),
            "remote": guard.addresses.client(request) if guard else request.remote,
            "user": caller.sub if caller else None,
        }
        log.log(level, "%s %s %s", request.method, request.path, status, extra=fields)


@lru_cache(4096)
def _meters(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    labels = route, method, status
    return metrics.http_requests.labels(*labels), metrics.http_request_seconds.labels(*labels)
