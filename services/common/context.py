"""Who and what the running task works for: read by logs and passed on to other services."""

from contextvars import ContextVar
from dataclasses import dataclass

from services.common.types import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: `sub` is the user id of the token."""

    sub: str
    role: Role


request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
job_id: ContextVar[int | None] = ContextVar("job_id", default=None)
principal: ContextVar[Principal | None] = ContextVar("principal", default=None)

authorization: ContextVar[str | None] = ContextVar("authorization", default=None)
"""The Authorization header of `principal`, for calls to other services on its behalf."""


def author() -> str | None:
    """Who asks for what is written now: the caller of the API, or the job that is running."""
    if caller := principal.get():
        return caller.sub
    job = job_id.get()
    return None if job is None else f"job:{job}"
