"""Around every request: id, deadline, problem+json, metrics, access log, headers, CORS."""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from time import perf_counter

from aiohttp import hdrs, web

from services.common import context, metrics
from services.common.config import ApiSettings, Settings
from services.common.errors import DeadlineExceeded
from services.common.health import Health
from services.common.http import problems

log = logging.getLogger("services.http")
SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
HEALTH: web.AppKey[Health] = web.AppKey("health", Health)
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUIET = ("/health", "/metrics", "/api/health")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


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
    with metrics.http_in_flight.track_inprogress():
        try:
            response = await _answer(request, handler)
            status = response.status
        except web.HTTPException as redirect:
            status = redirect.status
            raise
        finally:
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
            return await handler(request)
    except Exception as exc:
        if isinstance(exc, web.HTTPException) and exc.status < 400:
            raise
        if deadline.expired():
            detail = f"The work took longer than {limit:g} s and was cancelled"
            return problems.respond(request, DeadlineExceeded(detail))
        return problems.respond(request, exc)


def _record(request: web.Request, status: int, seconds: float) -> None:
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unmatched"
    method = request.method if request.method in hdrs.METH_ALL else "other"
    metrics.http_requests.labels(route, method, status).inc()
    metrics.http_request_seconds.labels(route, method, status).observe(seconds)
    level = logging.DEBUG if route.startswith(_QUIET) else logging.INFO
    if log.isEnabledFor(level):
        caller = context.principal.get()
        fields = {
            "method": request.method,
            "path": request.path,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 3),
            "remote": request.remote,
            "user": caller.sub if caller else None,
        }
        log.log(level, "%s %s %s", request.method, request.path, status, extra=fields)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal on_response_prepare: headers of every answer, streams too."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "ucc-intel"
    response.headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    _add_cors(request, response)


def _add_cors(request: web.Request, response: web.StreamResponse) -> None:
    settings, origin = request.app[SETTINGS], request.headers.get("Origin")
    if not origin or not isinstance(settings, ApiSettings):
        return
    if "*" in settings.cors_origins:
        response.headers["Access-Control-Allow-Origin"] = "*"
    else:
        response.headers.add("Vary", "Origin")
        if origin not in settings.cors_origins:
            return
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = "X-Request-Id, Location, Retry-After, ETag"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE"
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, If-Match, Idempotency-Key, X-Request-Id"
        )
        response.headers["Access-Control-Max-Age"] = "600"
