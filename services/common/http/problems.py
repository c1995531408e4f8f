"""Failures as RFC 9457 problem documents: the last stop of every exception in HTTP."""

import logging
from http import HTTPStatus
from math import ceil

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.common import context, errors, metrics
from services.common.errors import AppError

log = logging.getLogger(__name__)

_BY_STATUS: dict[int, type[AppError]] = {
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
}


class FieldError(BaseModel):
    """One invalid input."""

    pointer: str = Field(description="JSON Pointer beginning with /body, /query, /path or /header")
    detail: str


class Problem(BaseModel):
    """A failure (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Address of a page on this kind of failure")
    title: str = Field(description="The kind of failure, in words")
    status: int
    detail: str = Field(description="What happened this time and what to do")
    instance: str = Field(description="Path of the request")
    code: str = Field(description="The kind of failure, for programs")
    request_id: str
    error: str = Field(description="Reason phrase of the status")
    message: str = Field(description="Same as detail")
    errors: list[FieldError] | None = Field(None, description="Each invalid input")


def from_exception(request: web.BaseRequest, exc: Exception) -> AppError:
    """The AppError to answer with; an exception nobody foresaw is logged and not shown."""
    if isinstance(exc, AppError):
        if exc.status >= 500:
            cause = {"code": exc.code, "cause": repr(exc.__cause__ or exc)}
            log.warning("request failed: %s", exc.detail, extra=cause)
        return exc
    if isinstance(exc, web.HTTPException):
        kind = _BY_STATUS.get(exc.status, errors.BadRequest if exc.status < 500 else AppError)
        if exc.status == 404:
            return kind(f"Route {request.method} {request.path} not found")
        return kind()
    log.error("unexpected error", exc_info=exc)
    return AppError()


def respond(request: web.BaseRequest, exc: Exception) -> web.Response:
    """The problem document of `exc`, with the headers its status asks for."""
    error = from_exception(request, exc)
    metrics.errors_total.labels(error.code).inc()
    status = HTTPStatus(error.status)
    body = {
        "type": f"/errors/{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": status.value,
        "detail": error.detail,
        "instance": request.path,
        "code": error.code,
        "request_id": context.request_id.get(),
        "error": status.phrase,
        "message": error.detail,
        **({"errors": error.errors} if error.errors else {}),
        **error.extra,
    }
    return web.Response(
        status=status,
        body=orjson.dumps(body, default=str),
        content_type="application/problem+json",
        headers=_headers(request, error, exc),
    )


def _headers(request: web.BaseRequest, error: AppError, exc: Exception) -> dict[str, str]:
    headers = {}
    if error.retry_after is not None or error.status == 503:
        headers["Retry-After"] = str(max(1, ceil(error.retry_after or 0)))
    if isinstance(exc, web.HTTPMethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(exc.allowed_methods))
    if error.status == 401:
        # RFC 6750, 3.1: no error code where the request carried no token at all
        sent = "Authorization" in request.headers
        reason = f', error="invalid_token", error_description="{error.detail}"' if sent else ""
        headers["WWW-Authenticate"] = f'Bearer realm="ucc-intel"{reason}'
    return headers
