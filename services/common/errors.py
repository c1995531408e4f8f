"""Every failure the platform names: one class each, with code, HTTP status and retry rule.

The docstring is the message shown when no detail is given and the page served at
`/errors/{code}`; the code is part of the API and a metric label. HTTP turns these into
problem+json, workers into "retry" or "dead".
"""

import inspect
from collections.abc import Iterator
from typing import Any, ClassVar, TypedDict


class FieldProblem(TypedDict):
    """One invalid input: `pointer` is a JSON Pointer into body, or `/query/...`, `/path/...`."""

    pointer: str
    detail: str


class AppError(Exception):
    """The server failed to do the work; the request id finds the reason in the log."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: list[FieldProblem] | None = None,
        retry_after: float | None = None,
        **extra: Any,
    ) -> None:
        """`retry_after` in seconds; `extra` become members of the problem document."""
        self.detail = detail or self.message()
        self.errors = errors or []
        self.retry_after = retry_after
        self.extra = extra
        super().__init__(self.detail)

    @classmethod
    def message(cls) -> str:
        """The class docstring as one line."""
        return " ".join(inspect.cleandoc(cls.__doc__ or cls.__name__).split())


class BadRequest(AppError):
    """The request cannot be read: correct its syntax and send it again."""

    code = "bad_request"
    status = 400


class ValidationFailed(AppError):
    """Some fields of the request are not valid: `errors` lists each with its place."""

    code = "validation_failed"
    status = 400


class Unauthorized(AppError):
    """A valid bearer token is needed: send `Authorization: Bearer <JWT>`."""

    code = "unauthorized"
    status = 401


class Forbidden(AppError):
    """The role of this token does not allow this operation."""

    code = "forbidden"
    status = 403


class NotFound(AppError):
    """There is nothing at this address."""

    code = "not_found"
    status = 404


class MethodNotAllowed(AppError):
    """This address does not take this method: the `Allow` header lists those it takes."""

    code = "method_not_allowed"
    status = 405


class Conflict(AppError):
    """The present state of the resource does not allow this change."""

    code = "conflict"
    status = 409


class PreconditionFailed(AppError):
    """The resource changed since it was read: fetch it again and repeat the change."""

    code = "precondition_failed"
    status = 412


class PayloadTooLarge(AppError):
    """The body is larger than the service takes."""

    code = "payload_too_large"
    status = 413


class UnsupportedMediaType(AppError):
    """The body must be JSON: send `Content-Type: application/json`."""

    code = "unsupported_media_type"
    status = 415


class Unprocessable(AppError):
    """The request is well formed but contradicts an earlier one or itself."""

    code = "unprocessable"
    status = 422


class RateLimited(AppError):
    """Too many requests: wait as long as `Retry-After` says."""

    code = "rate_limited"
    status = 429
    retryable = True


class Misconfigured(AppError):
    """A setting of this process is not usable: correct its environment."""

    code = "misconfigured"


class Unavailable(AppError):
    """A part the service depends on does not answer now: try again shortly."""

    code = "unavailable"
    status = 503
    retryable = True


class DeadlineExceeded(AppError):
    """The work took longer than the request may take and was cancelled."""

    code = "deadline_exceeded"
    status = 504
    retryable = True


class SourceUnavailable(AppError):
    """An outside source of data does not answer or asks to slow down."""

    code = "source_unavailable"
    status = 503
    retryable = True


class SourceRejected(AppError):
    """An outside source refused the request: repeating it will not help."""

    code = "source_rejected"
    status = 502


class LostLease(AppError):
    """Another worker holds this job now: this attempt must not write."""

    code = "lost_lease"
    status = 409


def known(base: type[AppError] = AppError) -> Iterator[type[AppError]]:
    """Every error class that is imported, `base` first."""
    yield base
    for cls in base.__subclasses__():
        yield from known(cls)
