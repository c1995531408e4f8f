"""Headers of every answer, streams too: security, request id, limits, CORS."""

from aiohttp import hdrs, web
from multidict import CIMultiDict

from services.common.config import ApiSettings
from services.common.http.guard import VERDICT
from services.common.http.state import REQUEST_ID, SETTINGS

_CACHE = "Cache-Control"
_CSP = "Content-Security-Policy"
_SECURITY = {
    "Server": "ucc-intel",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
_DEFAULTS = {_CSP: "default-src 'none'; frame-ancestors 'none'", _CACHE: "no-store"}
_EXPOSED = (
    "X-Request-Id, Location, Link, Retry-After, ETag, Content-Disposition, X-Missing-Count, "
    "RateLimit, RateLimit-Policy, Idempotency-Replayed"
)
_METHODS = "GET, POST, PUT, PATCH, DELETE"
_TAKEN = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal on_response_prepare."""
    headers = response.headers
    headers.update(_SECURITY)
    for name, value in _DEFAULTS.items():
        headers.setdefault(name, value)
    headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    if verdict := request.get(VERDICT):
        headers["RateLimit-Policy"] = verdict.policy
        headers["RateLimit"] = verdict.state
    if origin := request.headers.get(hdrs.ORIGIN):
        _add_cors(request, headers, origin)


def _add_cors(request: web.Request, headers: "CIMultiDict[str]", origin: str) -> None:
    settings = request.app[SETTINGS]
    if not isinstance(settings, ApiSettings):
        return
    if "*" in settings.cors_origins:
        headers["Access-Control-Allow-Origin"] = "*"
    else:
        headers.add("Vary", "Origin")
        if origin not in settings.cors_origins:
            return
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
    headers["Access-Control-Expose-Headers"] = _EXPOSED
    # another origin that is let in may read what it fetched
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = _METHODS
        headers["Access-Control-Allow-Headers"] = _TAKEN
        headers["Access-Control-Max-Age"] = "600"
