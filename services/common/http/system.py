"""What every process serves without a token: health, metrics, document, docs, error pages."""

from html import escape
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler
from swagger_ui_bundle import swagger_ui_path

from services.common import errors
from services.common.health import HealthReport
from services.common.http.routes import Routes, encode
from services.common.http.state import HEALTH

routes = Routes(tag="health")
_OWN = Path(__file__).with_name("static")
_PACKAGED = Path(str(swagger_ui_path))
_ASSETS = {
    "docs": _OWN / "docs.html",
    "docs/docs.js": _OWN / "docs.js",
    "docs/swagger-ui.css": _PACKAGED / "swagger-ui.css",
    "docs/swagger-ui-bundle.js": _PACKAGED / "swagger-ui-bundle.js",
}
_DOCS_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@routes.get("/health", roles=None)
async def health(request: web.Request) -> HealthReport:
    """The process answers; nothing else is checked."""
    return await request.app[HEALTH].report()


@routes.get("/api/health", roles=None)
async def api_health(request: web.Request) -> HealthReport:
    """The same as /health, below /api."""
    return await request.app[HEALTH].report()


@routes.get("/health/detailed", roles=None, response=HealthReport, also=(503,))
async def health_detailed(request: web.Request) -> web.StreamResponse:
    """Every check with its duration; 503 where one fails."""
    state = request.app[HEALTH]
    return _report(await state.report(state.ready | state.live), {"ok", "draining"})


@routes.get("/health/ready", roles=None, response=HealthReport, also=(503,))
async def health_ready(request: web.Request) -> web.StreamResponse:
    """Whether to send work here; 503 while draining and where a dependency is missing."""
    state = request.app[HEALTH]
    return _report(await state.report(state.ready), {"ok"})


@routes.get("/health/live", roles=None, response=HealthReport, also=(503,))
async def health_live(request: web.Request) -> web.StreamResponse:
    """Whether the process is worth keeping; 503 where its own loop stands still."""
    state = request.app[HEALTH]
    return _report(await state.report(state.live), {"ok", "draining"})


def _report(report: HealthReport, good: set[str]) -> web.StreamResponse:
    return encode(report, 200 if report.status in good else 503)


def add(app: web.Application, document: dict[str, Any]) -> None:
    """Serve /metrics, /openapi.json, /docs and /errors/{code}."""
    body = orjson.dumps(document, option=orjson.OPT_INDENT_2)

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app.router.add_get("/metrics", make_aiohttp_handler())
    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/errors/{code}", error_page)
    for path in _ASSETS:
        app.router.add_get(f"/{path}", asset)


async def asset(request: web.Request) -> web.FileResponse:
    """A file of the Swagger UI; nothing comes from another host."""
    headers = {"Content-Security-Policy": _DOCS_CSP, "Cache-Control": "no-cache"}
    return web.FileResponse(_ASSETS[request.path[1:]], headers=headers)


async def error_page(request: web.Request) -> web.Response:
    """GET /errors/{code}: what a problem's `type` points at."""
    code = request.match_info["code"]
    error = next((e for e in errors.known() if e.code == code), None)
    if error is None:
        raise errors.NotFound(f"There is no error called {code}")
    again = "Repeating the request may help." if error.retryable else "Repeating does not help."
    text = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{code}</title><h1>{code}</h1>"
        f"<p>HTTP status {error.status}. {escape(error.message())}</p><p>{again}</p></html>"
    )
    return web.Response(text=text, content_type="text/html")
