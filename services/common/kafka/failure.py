"""What a failed attempt means: the error kept in the job's row, and when to try again. Pure."""

import re
import traceback
from hashlib import blake2b
from pathlib import PurePath
from random import uniform
from typing import Any

from services.common import pauses
from services.common.errors import AppError
from services.common.logs import redact

BASE_S = 2.0
CAP_S = 300.0
_MESSAGE_LIMIT = 2_000
_TRACEBACK_LIMIT = 8_000
_VARIABLE = re.compile(r"\d+|'[^']*'|\"[^\"]*\"")


class UnknownKind(AppError):
    """No handler of this worker takes jobs of this kind."""

    code = "unknown_kind"


class WrongVersion(AppError):
    """The worker does not know this version of the job's arguments."""


class JobTimeout(AppError, retryable=True):
    """The attempt took longer than its kind may and was interrupted."""


class ChildrenFailed(AppError):
    """A child of this job is dead or cancelled."""

    code = "children_failed"


def is_retryable(exc: BaseException) -> bool:
    """Failures we named say so themselves; for any other another try may help."""
    return exc.retryable if isinstance(exc, AppError) else True


def backoff(attempt: int, retry_after: float | None = None) -> float:
    """Seconds until the next try after try number `attempt` (1, 2, ...): full jitter.

    A `retry_after` is a floor with jitter on top, so that many jobs do not return together.
    """
    if retry_after is not None:
        return retry_after + uniform(0, BASE_S)
    return uniform(0, pauses.longest(attempt, BASE_S, CAP_S))


def retry_in(exc: BaseException, attempt: int, max_attempts: int) -> float | None:
    """Seconds until the next try, None where there is none."""
    if attempt >= max_attempts or not is_retryable(exc):
        return None
    return backoff(attempt, getattr(exc, "retry_after", None))


def describe(exc: BaseException) -> dict[str, Any]:
    """{class, message, traceback, fingerprint, retryable}, without secrets."""
    lines = traceback.format_exception(exc)
    return {
        "class": type(exc).__name__,
        "message": _clean(str(exc) or type(exc).__name__)[:_MESSAGE_LIMIT],
        "traceback": _clean("".join(lines))[-_TRACEBACK_LIMIT:],
        "fingerprint": fingerprint(exc),
        "retryable": is_retryable(exc),
    }


def fingerprint(exc: BaseException) -> str:
    """Equal for failures of one cause: class, place, message without its numbers and quotes."""
    frames = traceback.extract_tb(exc.__traceback__)[-3:]
    places = [f"{PurePath(frame.filename).name}:{frame.name}" for frame in frames]
    text = "|".join([type(exc).__name__, *places, _VARIABLE.sub("?", str(exc))])
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _clean(text: str) -> str:
    """jsonb takes no NUL and no lone surrogate."""
    return redact(text.replace("\0", "")).encode("utf-8", "replace").decode()
