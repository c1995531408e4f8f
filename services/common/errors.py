"""Every failure the platform names: one class each, with code, HTTP status and retry rule.

The docstring is the message where no detail is given and the page at `/errors/{code}`; the code
(the class name in snake case) is part of the API and a metric label. HTTP turns these into
problem+json; a worker retries the retryable ones and gives the others up at once.
"""

import inspect
import re
from collections.abc import Iterator
from typing import ClassVar


class AppError(Exception):
    """The service failed to do the work; the request id finds the reason in its log."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: list[dict[str, str]] | None = None,
        retry_after: float | None = None,
        **extra: object,
    ) -> None:
        """`errors` are invalid inputs, each `pointer` (/body/..., /query/..., /path/...) and
        `detail`; `retry_after` is in seconds; `extra` become members of the problem document.
        """
        self.detail = detail or self.message()
        self.errors = errors or []
        self.retry_after = retry_after
        self.extra = extra
        super().__init__(self.detail)

    def __init_subclass__(cls, status: int = 500, retryable: bool = False) -> None:
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.status = status
        cls.retryable = retryable

    @classmethod
    def message(cls) -> str:
        """The class docstring as one line."""
        return " ".join(inspect.cleandoc(cls.__doc__ or cls.code).split())


class BadRequest(AppError, status=400):
    """The request cannot be read: correct its syntax and send it again."""


class ValidationFailed(AppError, status=400):
    """Some fields of the request are not valid: `errors` lists each with its place."""


class Unauthorized(AppError, status=401):
    """A valid token is needed: send `Authorization: Bearer <JWT>`."""


class Forbidden(AppError, status=403):
    """The role of this token does not allow this operation."""


class NotFound(AppError, status=404):
    """There is nothing at this address."""


class MethodNotAllowed(AppError, status=405):
    """This address does not take this method: the `Allow` header lists those it takes."""


class RequestTimeout(AppError, status=408):
    """The body of the request came too slowly: send it again, faster."""


class Conflict(AppError, status=409):
    """The present state of the resource does not allow this change."""


class IdempotencyInProgress(Conflict, status=409, retryable=True):
    """The first request with this Idempotency-Key is still running: ask again for its answer."""


class Gone(AppError, status=410):
    """What was here is not kept any longer."""


class PreconditionFailed(AppError, status=412):
    """The resource changed since it was read: fetch it again and repeat the change."""


class PayloadTooLarge(AppError, status=413):
    """The body is larger than the service takes."""


class UnsupportedMediaType(AppError, status=415):
    """The body must be JSON: send it with `Content-Type: application/json`."""


class Unprocessable(AppError, status=422):
    """The request is well formed but contradicts itself or an earlier one."""


class IdempotencyKeyReused(Unprocessable, status=422):
    """This Idempotency-Key came with another request before: use a new key for a new request."""


class RateLimited(AppError, status=429, retryable=True):
    """Too many requests: wait as long as `Retry-After` says."""


class Misconfigured(AppError):
    """A setting of this process is not usable: correct its environment."""


class Unavailable(AppError, status=503, retryable=True):
    """A part the service depends on does not answer now: try again shortly."""


class DeadlineExceeded(AppError, status=504, retryable=True):
    """The work took longer than a request may take and was cancelled."""


class SourceUnavailable(AppError, status=503, retryable=True):
    """An outside source of data does not answer or asks to slow down."""


class SourceRejected(AppError, status=502):
    """An outside source refused the request: repeating it will not help."""


class LostLease(AppError, status=409):
    """Another worker holds this job now: this attempt must not write."""


def known(base: type[AppError] = AppError) -> Iterator[type[AppError]]:
    """Every error class that is imported, `base` first."""
    yield base
    for cls in base.__subclasses__():
        yield from known(cls)
